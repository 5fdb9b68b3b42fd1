package node

import (
	"runtime"
	"time"

	"usher/wire"
)

// cpus is how many processors there were when the program began: cmd asks Go for more
// than that, so that some are spare.
var cpus = runtime.GOMAXPROCS(0)

// admissions bounds the calls of each service by what they need: answers need
// processors, and more at once than keep these busy only wait; events wait for
// the disk, and the more wait together the fewer times it syncs; calls about
// resources are few, and nobody hurries.
func admissions(now func() time.Time) func(op wire.Operation) *wire.Admission {
	by := map[string]*wire.Admission{
		"personalizeruntime": wire.NewAdmission(8*cpus, 10*time.Millisecond, now),
		"personalizeevents":  wire.NewAdmission(1024, 250*time.Millisecond, now),
		"personalize":        wire.NewAdmission(64, 2*time.Second, now),
		"usher":              wire.NewAdmission(8*cpus, 2*time.Second, now),
	}
	return func(op wire.Operation) *wire.Admission { return by[op.Service] }
}

// everyMinute ticks until the node is closed.
func (n *Node) everyMinute() <-chan time.Time {
	t := time.NewTicker(time.Minute)
	n.closes(func() error { t.Stop(); return nil })
	return t.C
}
