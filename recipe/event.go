package recipe

import (
	"math"
	"strings"

	"usher/dataset"
)

// EventRule says what the events of one type count, as an entry of a solution's
// eventsConfig does.
type EventRule struct {
	Type      string
	Threshold *float64 // events with a smaller value, or none, are not learnt from; nil: all are
	Weight    float64  // only the ratios between types matter
}

// LearntBy gives the data that a model learns from: the events of the types that
// have a rule, whatever the case of the letters, and from their thresholds on.
// Without rules it is all data.
func LearntBy(s *dataset.Snapshot, rules []EventRule) *dataset.Snapshot {
	if len(rules) == 0 {
		return s
	}
	of := rulesOf(s.EventTypes, rules)
	return filtered(s, func(e dataset.Event) bool {
		r := of[e.Type]
		// As float32, as values are kept: 3.6 reaches the threshold 3.6.
		return r != nil && (r.Threshold == nil || e.Value >= float32(*r.Threshold))
	})
}

// EventWeights gives the weight of each event type by its number, the largest of
// all rules being 1. nil: all count alike.
func EventWeights(types []string, rules []EventRule) []float64 {
	most := 0.
	for _, r := range rules {
		most = max(most, r.Weight)
	}
	if !(most > 0) || math.IsInf(most, 0) {
		return nil
	}
	out := make([]float64, len(types))
	alike := true
	for i, r := range rulesOf(types, rules) {
		out[i] = 1
		if r != nil {
			out[i] = r.Weight / most
			alike = alike && out[i] == 1
		}
	}
	if alike {
		return nil
	}
	return out
}

// rulesOf finds the rule of each event type; nil where there is none.
func rulesOf(types []string, rules []EventRule) []*EventRule {
	out := make([]*EventRule, len(types))
	for i, name := range types {
		for k := range rules {
			if strings.EqualFold(name, rules[k].Type) {
				out[i] = &rules[k]
			}
		}
	}
	return out
}

// filtered gives s with the events that keep says.
func filtered(s *dataset.Snapshot, keep func(dataset.Event) bool) *dataset.Snapshot {
	out := *s
	out.Start = make([]int64, len(s.Start))
	out.Events = make([]dataset.Event, 0, len(s.Events))
	for u := range s.UserIDs {
		for _, e := range s.History(dataset.Index(u)) {
			if keep(e) {
				out.Events = append(out.Events, e)
			}
		}
		out.Start[u+1] = int64(len(out.Events))
	}
	return &out
}
