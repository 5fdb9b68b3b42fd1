package control

import (
	"strings"

	"usher/dataset"
	"usher/recipe"
	"usher/train"
	wire "usher/wire/personalize"
)

// checkObjective judges optimizationObjective: a number that all items have, and that
// is there in the training.
func (p *plan) checkObjective(o *wire.OptimizationObjective, columns *wire.TrainingDataConfig) error {
	if o == nil {
		return nil
	}
	member := p.path + ".optimizationObjective"
	if !p.spec.Objective {
		return invalid("%s is for the recipes %s only, not for %s. Leave it out.", member, strings.Join(recipe.WithObjective(), " and "), p.spec.Name)
	}
	if o.ItemAttribute == nil {
		if o.ObjectiveSensitivity == "" || o.ObjectiveSensitivity == wire.ObjectiveSensitivityOff {
			return nil
		}
		return invalid("%s.itemAttribute is missing. Name a numeric column of the Items dataset, or set objectiveSensitivity to OFF.", member)
	}
	if err := p.checkAttribute(member+".itemAttribute", *o.ItemAttribute); err != nil {
		return err
	}
	if columns != nil && !train.Learns(columns.IncludedDatasetColumns, columns.ExcludedDatasetColumns, dataset.Items, *o.ItemAttribute) {
		return invalid("%s.itemAttribute: trainingDataConfig leaves the column %s out of the training. Include it, or leave optimizationObjective out.", member, *o.ItemAttribute)
	}
	return nil
}

// checkAttribute judges the column of an objective.
func (p *plan) checkAttribute(member, name string) error {
	s := p.schemas[dataset.Items]
	if s == nil {
		return invalid("%s needs an Items dataset whose schema has the column %s, and the dataset group has no Items dataset. Create that first.", member, name)
	}
	at := s.Column(name)
	if at < 0 {
		return invalid("%s: the schema of the group's Items dataset has no column %q.", member, name)
	}
	switch f := s.Fields[at]; {
	case !recipe.Rewards(f.Kind):
		return invalid("%s: the column %s of the group's Items dataset is of type %s. Choose one of type int, long, float or double.", member, f.Name, f.Kind)
	case f.Nullable:
		return invalid("%s: the column %s of the group's Items dataset may be null. Choose one whose type in the schema does not include null.", member, f.Name)
	}
	return nil
}
