package train

import (
	"cmp"
	"encoding/json"
	"fmt"

	"usher/job"
	"usher/store"
)

// Progress is how far a training is, for the person who waits for it.
type Progress struct {
	Done        float64 `json:"done"`                  // 0..1
	Note        string  `json:"note"`                  // what is being done, with the validation part's metrics once there are some
	SecondsLeft float64 `json:"secondsLeft"`           // if it goes on as fast as up to now; -1: not known yet
	MemoryBytes int64   `json:"memoryBytes,omitempty"` // about how much memory the fit takes, said before it begins; 0: the recipe does not say
	Attempt     int     `json:"attempt"`               // 2 and more: it went on after it had been interrupted; 0: it waits for its turn
}

// noted is a job's note, as JSON: what of a Progress the queue does not know.
type noted struct {
	Note   string `json:"note"`
	Left   int    `json:"left"` // seconds; -1: not known
	Memory int64  `json:"memory,omitempty"`
}

func (n noted) String() string {
	b, err := json.Marshal(n)
	if err != nil {
		panic(fmt.Sprintf("train: internal error: write a note: %v", err))
	}
	return string(b)
}

// ProgressOf gives how far the training of the version with that ARN is; nil when it
// has ended.
func ProgressOf(tx *store.Tx, arn string) (*Progress, error) {
	s, ok, err := job.Find(tx, Job, arn)
	switch {
	case err != nil || !ok:
		return nil, err
	case s.State == "queued":
		return &Progress{Done: s.Done, Note: "waiting for its turn", SecondsLeft: -1, Attempt: s.Attempt}, nil
	case s.State != "running":
		return nil, nil
	}
	p := &Progress{Done: s.Done, Note: cmp.Or(s.Note, string(stageStart)), SecondsLeft: -1, Attempt: s.Attempt}
	var n noted
	if json.Unmarshal([]byte(s.Note), &n) == nil {
		p.Note, p.SecondsLeft, p.MemoryBytes = n.Note, float64(n.Left), n.Memory
	}
	return p, nil
}

// tell gives how far the whole training is, 0..1, and a note for Progress.
func (s *supervision) tell(r report) (done float64, note string) {
	s.where = string(r.Stage)
	if r.Note != "" {
		s.where += " (" + r.Note + ")"
	}
	n := noted{Note: s.where, Left: -1, Memory: r.Memory}
	done = r.overall(s.search)
	if s.first == 0 {
		s.first = done
	}
	if done-s.first > .03 { // before, it is a guess
		n.Left = int(s.t.opt.Now().Sub(s.began).Seconds() / (done - s.first) * (1 - done))
	}
	if r.Memory > s.memory {
		s.memory = r.Memory
		s.t.opt.Log.Info("training takes memory", "version", s.task.Key, "about", gibibytes(r.Memory))
	}
	return done, n.String()
}

func gibibytes(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

// overall gives how far the whole training is. The two fits take most of the
// time, and about the same.
func (r report) overall(search bool) float64 {
	from, to, after := 0., .02, 0.
	if search && r.Stage != stageStart {
		after = searchShare
	}
	switch r.Stage {
	case stageSearch:
		return to + (searchShare-to)*max(0, min(1, r.Done))
	case stageTrain:
		from, to = .02, .46
	case stageMeasure:
		from, to = .46, .54
	case stageRefit:
		from, to = .54, .98
	case stageSave:
		from, to = .98, 1
	}
	return after + (1-after)*(from+(to-from)*max(0, min(1, r.Done)))
}

// searchShare is the part of a training that its search takes, about.
const searchShare = .7
