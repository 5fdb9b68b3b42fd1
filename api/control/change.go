package control

import (
	"encoding/json"
	"errors"

	"usher/catalog"
	"usher/store"
)

// change is the last update of a solution or dataset, for Describe. It is a
// record of its own beside the resource it changed: a kind without ARNs, which
// nobody can ask for.
type change struct {
	catalog.Meta
	SchemaARN                string          `json:",omitempty"` // of datasets
	PerformAutoTraining      *bool           `json:",omitempty"` // of solutions, like the following
	PerformIncrementalUpdate *bool           `json:",omitempty"`
	Config                   json.RawMessage `json:",omitempty"` // solutionUpdateConfig as given
}

// Kind implements catalog.Record.
func (*change) Kind() catalog.Kind { return "change" }

// changeKey is what a resource's change has in the place of an ARN.
func changeKey(arn string) string { return "change of " + arn }

// recordChange stores a resource's change in the place of the one before. Changes
// take effect at once, so it is ACTIVE.
func recordChange(tx *store.Tx, m *catalog.Meta, c *change) error {
	if err := forgetChange(tx, m.ARN); err != nil {
		return err
	}
	c.Meta = catalog.Meta{ARN: changeKey(m.ARN), Group: m.Group, Parent: m.ARN, Status: catalog.Active}
	return catalog.Create(tx, c)
}

// lastChange gives a resource's last change, nil when it was never changed.
func lastChange(tx *store.Tx, arn string) (*change, error) {
	c, err := catalog.Get[change](tx, changeKey(arn))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	return c, err
}

// forgetChange deletes a resource's last change, if there is one.
func forgetChange(tx *store.Tx, arn string) error {
	c, err := lastChange(tx, arn)
	if err != nil || c == nil {
		return err
	}
	return catalog.Delete(tx, c)
}
