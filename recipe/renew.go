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
	return filtered(s, func(e dataset.Event) bool {
		// As float32, as values are kept: 3.6 reaches the threshold 3.6.
		return wanted[e.Type] && (threshold == nil || e.Value >= float32(*threshold))
	})
}
