package control

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"usher/dataset"
	"usher/recipe"
	"usher/store"
	wire "usher/wire/personalize"
)

// The bounds of hpoConfig.hpoResourceConfig.
const (
	maxTrainingJobs = 40
	maxParallelJobs = 10
)

// maxRate is the longest time between automatic trainings, in days.
const maxRate = 30

// plan is what a solution's configuration is judged by: its recipe, its other
// settings and the columns of its group.
type plan struct {
	spec         recipe.Spec
	eventType    string
	autoTraining bool
	schemas      map[dataset.Type]*dataset.Schema
	path         string // of the configuration in the input, for messages
}

func newPlan(tx *store.Tx, spec recipe.Spec, groupARN string, in *wire.CreateSolutionInput) (*plan, error) {
	columns, err := schemas(tx, groupARN)
	if err != nil {
		return nil, err
	}
	p := &plan{spec: spec, eventType: text(in.EventType), autoTraining: true, schemas: columns, path: "solutionConfig"}
	if in.PerformAutoTraining != nil {
		p.autoTraining = *in.PerformAutoTraining
	}
	return p, nil
}

// checkParams gives the complete hyperparameters of a solution.
func checkParams(spec recipe.Spec, c *wire.SolutionConfig) (map[string]string, error) {
	algo, err := recipe.Check(spec.Algo, c.AlgorithmHyperParameters)
	if err != nil {
		return nil, invalid("solutionConfig.algorithmHyperParameters of %s: %v.", spec.Name, err)
	}
	feature, err := recipe.Check(spec.Feature, c.FeatureTransformationParameters)
	if err != nil {
		return nil, invalid("solutionConfig.featureTransformationParameters of %s: %v.", spec.Name, err)
	}
	maps.Copy(algo, feature)
	return algo, nil
}

// check judges a whole configuration and gives its event value threshold.
func (p *plan) check(c *wire.SolutionConfig) (*float64, error) {
	if p.eventType != "" {
		if err := p.needColumn("eventType", "EVENT_TYPE"); err != nil {
			return nil, err
		}
	}
	threshold, err := p.threshold(c.EventValueThreshold)
	if err != nil {
		return nil, err
	}
	if c.AutoMLConfig != nil {
		return nil, invalid("%s.autoMLConfig is only used with performAutoML, which this version of usher does not have. Leave it out.", p.path)
	}
	for _, check := range []func() error{
		func() error { return p.checkEvents(c.EventsConfig) },
		func() error { return p.checkHPO(c.HpoConfig) },
		func() error { return p.checkColumns(c.TrainingDataConfig) },
		func() error { return p.checkObjective(c.OptimizationObjective, c.TrainingDataConfig) },
		func() error { return p.checkSchedule(c.AutoTrainingConfig) },
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return threshold, nil
}

// needColumn gives an error unless the group's interactions have a column.
func (p *plan) needColumn(member, column string) error {
	s := p.schemas[dataset.Interactions]
	switch {
	case s == nil:
		return invalid("%s needs an Interactions dataset whose schema has %s, and the dataset group has no Interactions dataset. Create that first.", member, column)
	case s.Column(column) < 0:
		return invalid("%s needs the column %s, which the schema of the group's Interactions dataset does not have.", member, column)
	}
	return nil
}

// threshold reads eventValueThreshold, a number in a string.
func (p *plan) threshold(given *string) (*float64, error) {
	if given == nil {
		return nil, nil
	}
	member := p.path + ".eventValueThreshold"
	v, err := strconv.ParseFloat(strings.TrimSpace(*given), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, invalid("%s: %q is not a number.", member, *given)
	}
	if p.eventType == "" {
		return nil, invalid("%s is given without eventType. Say which events it is for: give eventType.", member)
	}
	return &v, p.needColumn(member, "EVENT_VALUE")
}

// checkEvents judges eventsConfig.
func (p *plan) checkEvents(c *wire.EventsConfig) error {
	if c == nil {
		return nil
	}
	member := p.path + ".eventsConfig"
	switch {
	case !p.spec.Events:
		return invalid("%s is for the recipes aws-user-personalization-v2 and aws-personalized-ranking-v2 only, not for %s. Leave it out.", member, p.spec.Name)
	case p.eventType != "":
		return invalid("%s and eventType are both given, and each says which events count. Give one of them.", member)
	}
	if err := p.needColumn(member, "EVENT_TYPE"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, e := range c.EventParametersList {
		at := member + ".eventParametersList." + strconv.Itoa(i+1) + ".member"
		t := text(e.EventType)
		switch {
		case t == "":
			return invalid("%s.eventType is missing. Say which events the entry is for.", at)
		case seen[t]:
			return invalid("%s.eventType: %q has an entry already. Give each event type once.", at, t)
		}
		seen[t] = true
		if e.EventValueThreshold != nil {
			if err := p.needColumn(at+".eventValueThreshold", "EVENT_VALUE"); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkHPO judges hpoConfig, which has no effect without performHPO, but stays
// for those who clone the solution.
func (p *plan) checkHPO(c *wire.HPOConfig) error {
	if c == nil {
		return nil
	}
	member := p.path + ".hpoConfig"
	if c.HpoObjective != nil {
		return invalid("%s.hpoObjective is not supported: Amazon Personalize does not take it either. Leave it out.", member)
	}
	if r := c.HpoResourceConfig; r != nil {
		if err := checkCount(member+".hpoResourceConfig.maxNumberOfTrainingJobs", r.MaxNumberOfTrainingJobs, maxTrainingJobs); err != nil {
			return err
		}
		return checkCount(member+".hpoResourceConfig.maxParallelTrainingJobs", r.MaxParallelTrainingJobs, maxParallelJobs)
	}
	return nil
}

func checkCount(member string, given *string, most int) error {
	if given == nil {
		return nil
	}
	if n, err := strconv.Atoi(*given); err != nil || n < 1 || n > most {
		return invalid("%s: %q is not an integer from 1 to %d.", member, *given, most)
	}
	return nil
}

// checkColumns judges which columns train.
func (p *plan) checkColumns(c *wire.TrainingDataConfig) error {
	if c == nil {
		return nil
	}
	for _, side := range []struct {
		member  string
		columns map[string][]string
		exclude bool
	}{
		{"excludedDatasetColumns", c.ExcludedDatasetColumns, true},
		{"includedDatasetColumns", c.IncludedDatasetColumns, false},
	} {
		for _, key := range slices.Sorted(maps.Keys(side.columns)) { // the same error each time
			if err := p.checkDatasetColumns(p.path+".trainingDataConfig."+side.member, key, side.columns[key], side.exclude); err != nil {
				return err
			}
		}
	}
	return nil
}

// neverExcluded are the columns that training cannot do without.
var neverExcluded = []string{"USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"}

func (p *plan) checkDatasetColumns(member, key string, columns []string, exclude bool) error {
	t, err := parseType(key)
	if err != nil {
		return invalid("%s: %q is not a type of dataset. Use INTERACTIONS, ITEMS or USERS.", member, key)
	}
	member += "." + key
	s := p.schemas[t]
	if s == nil {
		return invalid("%s: the dataset group has no dataset of type %s. Create it first, or leave it out.", member, t)
	}
	for _, name := range columns {
		at := s.Column(name)
		if at < 0 {
			return invalid("%s: the schema of the group's %s dataset has no column %q.", member, t, name)
		}
		if exclude && slices.Contains(neverExcluded, s.Fields[at].Name) {
			return invalid("%s: the column %s cannot be excluded.", member, s.Fields[at].Name)
		}
	}
	return nil
}

// checkSchedule judges when automatic training takes place.
func (p *plan) checkSchedule(c *wire.AutoTrainingConfig) error {
	if c == nil || c.SchedulingExpression == nil {
		return nil
	}
	member := p.path + ".autoTrainingConfig.schedulingExpression"
	if !p.autoTraining {
		return invalid("%s is given, but performAutoTraining is false. Set it to true, or leave the schedule out.", member)
	}
	digits, _, _ := strings.Cut(strings.TrimPrefix(*c.SchedulingExpression, "rate("), " ")
	if n, err := strconv.Atoi(digits); err != nil || n < 1 || n > maxRate {
		return invalid("%s: %q is not a rate of 1 to %d days. Write for example rate(7 days).", member, *c.SchedulingExpression, maxRate)
	}
	return nil
}
