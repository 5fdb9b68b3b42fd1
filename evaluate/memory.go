package evaluate

import (
	"runtime/debug"
	"runtime/metrics"
)

// peak is the most memory that was in use when somebody looked, above what was in
// use at the beginning.
type peak struct{ before, most uint64 }

// begin gives back what is free and takes what is left for the beginning.
func (p *peak) begin() {
	debug.FreeOSMemory()
	p.before = inUse()
	p.most = p.before
}

func (p *peak) look() { p.most = max(p.most, inUse()) }

func (p *peak) megabytes() float64 { return float64(p.most-p.before) / 1e6 }

// inUse is the memory that the program has from the system.
func inUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
