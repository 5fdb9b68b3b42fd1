package serving

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// Campaigns that nobody asks fall asleep: what they serve, and the model that no
// other serves, are forgotten, and the memory goes back to the system. The next
// request wakes them as the first one after a restart does.

// defaultIdle is how long a campaign is awake after its last request.
const defaultIdle = 15 * time.Minute

// watchIdle puts campaigns to sleep at each tick until stop is closed.
func (s *Serving) watchIdle(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-s.opt.Ticks:
			s.sleepIdle()
		}
	}
}

// sleepIdle puts to sleep who was not asked for a while.
func (s *Serving) sleepIdle() {
	idle := cmp.Or(s.opt.Idle, defaultIdle)
	if idle < 0 {
		return
	}
	since := s.opt.Now().Add(-idle).Unix()
	s.mu.Lock()
	for arn, d := range s.mu.live {
		if d.used.Load() < since {
			delete(s.mu.live, arn)
		}
	}
	dropped := s.dropUnused()
	s.mu.Unlock()
	if dropped > 0 {
		freeMemory()
	}
}

// freeMemory gives memory that nobody has any more back to the system. Models have
// a sync.Pool of answers' memory, which keeps them through one collection more than
// others: it is the third one, FreeOSMemory's, that finds them gone and lets go of
// their mapped files.
func freeMemory() {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
}

// makeRoom puts to sleep who was not asked for longest, until the models that
// are awake fit into AwakeBytes. The campaign of arn stays. s.mu is held.
func (s *Serving) makeRoom(arn string) {
	if s.opt.AwakeBytes <= 0 {
		return
	}
	var total int64
	for _, m := range s.mu.models {
		if m.loaded() {
			total += m.size
		}
	}
	if total <= s.opt.AwakeBytes {
		return
	}
	type campaign struct {
		arn  string
		used int64
	}
	var list []campaign
	for other, d := range s.mu.live {
		if other != arn {
			list = append(list, campaign{other, d.used.Load()})
		}
	}
	slices.SortFunc(list, func(a, b campaign) int { return cmp.Or(cmp.Compare(a.used, b.used), cmp.Compare(a.arn, b.arn)) })
	for _, c := range list {
		if total <= s.opt.AwakeBytes {
			return
		}
		delete(s.mu.live, c.arn)
		total -= s.dropUnused()
	}
}

// dropUnused forgets the models that nothing serves and gives their size in
// bytes. s.mu is held.
func (s *Serving) dropUnused() (bytes int64) {
	used := map[string]bool{}
	for _, d := range s.mu.live {
		used[d.version] = true
	}
	for v, m := range s.mu.models {
		if !used[v] && m.users == 0 && m.loaded() {
			bytes += m.size
			delete(s.mu.models, v)
		}
	}
	return bytes
}
