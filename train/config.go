package train

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
)

// config is what of a version's configuration is about the data to learn from and
// the search for hyperparameters.
// The names are those of the API; control has checked what is in it.
type config struct {
	EventsConfig struct {
		EventParametersList []struct {
			EventType           string
			EventValueThreshold *float64
			Weight              *float64
		}
	}
	HpoConfig struct {
		HpoResourceConfig struct {
			MaxNumberOfTrainingJobs string
		}
		AlgorithmHyperParameterRanges struct {
			IntegerHyperParameterRanges, ContinuousHyperParameterRanges []numberRange
			CategoricalHyperParameterRanges                             []struct {
				Name   string
				Values []string
			}
		}
	}
	OptimizationObjective struct {
		ItemAttribute        string
		ObjectiveSensitivity recipe.Sensitivity
	}
	TrainingDataConfig struct {
		ExcludedDatasetColumns map[string][]string
		IncludedDatasetColumns map[string][]string
	}
}

// numberRange is a range of numbers as the API has it.
type numberRange struct {
	Name               string
	MinValue, MaxValue float64
}

func parseConfig(v *catalog.SolutionVersion) (c config, err error) {
	if len(v.Config) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(v.Config, &c); err != nil {
		return c, fmt.Errorf("read the configuration of %s: %w", v.ARN, err)
	}
	return c, nil
}

// rules gives the rules for events; a type without a weight counts in full.
func (c *config) rules() []recipe.EventRule {
	var out []recipe.EventRule
	for _, p := range c.EventsConfig.EventParametersList {
		r := recipe.EventRule{Type: p.EventType, Threshold: p.EventValueThreshold, Weight: 1}
		if p.Weight != nil {
			r.Weight = *p.Weight
		}
		out = append(out, r)
	}
	return out
}

// objective gives what answers are to bring besides relevance; nil: nothing.
func (c *config) objective() *recipe.Objective {
	o := &recipe.Objective{Attribute: c.OptimizationObjective.ItemAttribute, Sensitivity: c.OptimizationObjective.ObjectiveSensitivity}
	if o.Attribute == "" {
		return nil
	}
	if o.Sensitivity == "" {
		o.Sensitivity = recipe.Medium
	}
	return o
}

// learnt gives the data that a version learns from.
func (c *config) learnt(all *dataset.Snapshot, v *catalog.SolutionVersion) *dataset.Snapshot {
	s := recipe.LearntBy(recipe.Learnt(all, v.EventType, v.EventValueThreshold), c.rules())
	return c.columns(s)
}

// columns leaves out the columns that are not to be learnt from. They stay in the
// dataset, so filters and answers still know them.
func (c *config) columns(s *dataset.Snapshot) *dataset.Snapshot {
	out := *s
	out.ItemTable = c.tableColumns(s.ItemTable, dataset.Items, s.Items())
	out.UserTable = c.tableColumns(s.UserTable, dataset.Users, s.Users())
	out.ContextTable = c.tableColumns(s.ContextTable, dataset.Interactions, s.ContextTable.Len())
	if !c.wanted(dataset.Interactions, "IMPRESSION") {
		out.Shown = nil
	}
	if !c.wanted(dataset.Interactions, "EVENT_VALUE") {
		out.Events = slices.Clone(s.Events)
		for i := range out.Events {
			out.Events[i].Value = float32(math.NaN())
		}
	}
	return &out
}

// wanted says whether a column is learnt from.
func (c *config) wanted(t dataset.Type, column string) bool {
	return Learns(c.TrainingDataConfig.IncludedDatasetColumns, c.TrainingDataConfig.ExcludedDatasetColumns, t, column)
}

// Learns says whether a training learns from a column, by the lists of a
// trainingDataConfig: where columns are included only those are, and excluded ones
// never.
func Learns(included, excluded map[string][]string, t dataset.Type, column string) bool {
	has := func(by map[string][]string) (named, some bool) {
		for name, list := range by {
			if strings.EqualFold(name, string(t)) {
				some = some || len(list) > 0
				named = named || slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, column) })
			}
		}
		return named, some
	}
	in, some := has(included)
	out, _ := has(excluded)
	return !out && (in || !some)
}

// tableColumns gives a table of the wanted columns, and that of the id. The table
// itself is given when all are wanted.
func (c *config) tableColumns(t *dataset.Table, of dataset.Type, rows int) *dataset.Table {
	if t == nil || t.Schema == nil {
		return t
	}
	var keep []int
	schema := &dataset.Schema{Type: t.Schema.Type, Domain: t.Schema.Domain}
	for i, f := range t.Schema.Fields {
		if i == t.Schema.ID() || c.wanted(of, f.Name) {
			keep, schema.Fields = append(keep, i), append(schema.Fields, f)
		}
	}
	if len(keep) == len(t.Schema.Fields) {
		return t
	}
	out := dataset.NewTable(schema)
	for i := range rows {
		old := t.Row(dataset.Index(i))
		if old == nil {
			continue
		}
		row := make(dataset.Row, len(keep))
		for k, at := range keep {
			row[k] = old[at]
		}
		out.Set(dataset.Index(i), row)
	}
	return out
}
