package sequence

import (
	"math"

	"usher/recipe/internal/modelfile"
)

// The sections of an objective: the attributes of items, by row, and of newcomers,
// where there are some; NaN where it is not known.
const (
	objectiveSection    = "objective"
	newObjectiveSection = "new objective"
)

func (o *objective) head() *objectiveHead {
	if o == nil {
		return nil
	}
	return &o.objectiveHead
}

// sound says whether the numbers are some.
func (h *objectiveHead) sound() bool {
	return h == nil || h.Attribute != "" && h.Spread >= 0 && h.Weight >= 0 && !math.IsInf(h.Spread+h.Weight, 0) && !math.IsNaN(h.Mean) && !math.IsInf(h.Mean, 0)
}

func (m *Model) objectiveSections() []modelfile.Section {
	if m.objective == nil {
		return nil
	}
	out := []modelfile.Section{modelfile.Numbers(objectiveSection, m.objective.values)}
	if m.cold != nil {
		out = append(out, modelfile.Numbers(newObjectiveSection, m.cold.worth))
	}
	return out
}

// take takes an objective out of a file, and the newcomers' part of it; nil where
// there is none.
func (h *objectiveHead) take(f *modelfile.File, rows int64, cold *newcomers) *objective {
	if h == nil {
		return nil
	}
	o := &objective{objectiveHead: *h, values: modelfile.TakeNumbers[float32](f, objectiveSection, rows)}
	if cold != nil {
		cold.worth = modelfile.TakeNumbers[float32](f, newObjectiveSection, int64(len(cold.items)))
	}
	return o
}
