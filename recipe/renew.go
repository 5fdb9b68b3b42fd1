package recipe

import (
	"context"
	"strings"
	"time"

	"usher/dataset"
)

// Renewer is a Model that follows the data without being trained anew: what it
// answers is about the newest events, not about the state of a training.
type Renewer interface {
	Model
	// Period is how far behind the data an answer may be.
	Period() time.Duration
	// Renew gives the model of the data as they are now, chosen as by the
	// training's own event filter (see Learnt). It does not change the receiver.
	Renew(ctx context.Context, data *dataset.Snapshot) (Model, error)
}

// Measurer is a Recipe that has measures of its own, beside those that are taken
// of all recipes. Measure sees all the data; keys are AWS's.
type Measurer interface {
	Measure(ctx context.Context, in Input) (map[string]float64, error)
}

// Learnt gives the data that a model learns from: the events of a type, whatever
// the case of the letters, and from a threshold on. "" and nil take all. An
// event without a value does not reach any threshold.
func Learnt(s *dataset.Snapshot, eventType string, threshold *float64) *dataset.Snapshot {
	if eventType == "" && threshold == nil {
		return s
	}
	wanted := make([]bool, len(s.EventTypes))
	for i, name := range s.EventTypes {
		wanted[i] = eventType == "" || strings.EqualFold(name, eventType)
	}
	out := *s
	out.Start = make([]int64, len(s.Start))
	out.Events = make([]dataset.Event, 0, len(s.Events))
	for u := range s.UserIDs {
		for _, e := range s.History(dataset.Index(u)) {
			// As float32, as values are kept: 3.6 reaches the threshold 3.6.
			if wanted[e.Type] && (threshold == nil || e.Value >= float32(*threshold)) {
				out.Events = append(out.Events, e)
			}
		}
		out.Start[u+1] = int64(len(out.Events))
	}
	return &out
}
