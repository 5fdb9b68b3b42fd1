package attribution

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"usher/eventlog"
)

// stateVersion is the first member of a state that is stored.
const stateVersion = 1

// window is how much of the events' time a count is about.
const window = 15 * time.Minute

// cell is what is counted apart. Window is the Unix second of its beginning; 0 in
// totals, which are over all time.
type cell struct {
	Metric string
	Type   string
	Source string
	Window int64 `json:",omitempty"`
}

// state is all that was counted, and up to where.
type state struct {
	Offset  eventlog.Offset // of the log, which is counted
	Totals  map[cell]float64
	Pending map[cell]float64 // of live events, not in a report yet
	Outbox  []report         // to be written
	Next    time.Time        // when the next report is due; zero: not before there is something
	Stamp   int64            // of the newest report
}

// report is an object that is to be written, or was just now.
type report struct {
	Name  string // below the output's folder
	Lines []line
}

// line is a line of a report.
type line struct {
	cell
	Function string
	Value    float64
}

func newState() *state { return &state{Totals: map[cell]float64{}, Pending: map[cell]float64{}} }

// counted is a cell with its number, as it is stored.
type counted struct {
	cell
	N float64
}

type stored struct {
	Version         int
	Offset          eventlog.Offset
	Totals, Pending []counted
	Outbox          []report  `json:",omitempty"`
	Next            time.Time `json:",omitzero"`
	Stamp           int64
}

func (s *state) encode() (json.RawMessage, error) {
	return json.Marshal(stored{stateVersion, s.Offset, sorted(s.Totals), sorted(s.Pending), s.Outbox, s.Next, s.Stamp})
}

func decodeState(raw json.RawMessage) (*state, error) {
	var x stored
	if err := json.Unmarshal(raw, &x); err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	if x.Version != stateVersion {
		return nil, fmt.Errorf("read counts: version %d, want %d", x.Version, stateVersion)
	}
	s := newState()
	s.Offset, s.Outbox, s.Next, s.Stamp = x.Offset, x.Outbox, x.Next, x.Stamp
	for _, c := range x.Totals {
		s.Totals[c.cell] = c.N
	}
	for _, c := range x.Pending {
		s.Pending[c.cell] = c.N
	}
	return s, nil
}

// sorted gives counts in an order that does not depend on chance.
func sorted(m map[cell]float64) []counted {
	out := make([]counted, 0, len(m))
	for c, n := range m {
		out = append(out, counted{c, n})
	}
	slices.SortFunc(out, func(a, b counted) int {
		return cmp.Or(cmp.Compare(a.Window, b.Window), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Source, b.Source))
	})
	return out
}
