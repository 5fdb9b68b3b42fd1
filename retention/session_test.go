package retention

import (
	"slices"
	"testing"

	"usher/dataset"
	"usher/eventlog"
	"usher/history"
)

// TestDeletionKnowsWhoseSessionsAre deletes users among events whose session says whose
// they are: of the log goes what history says was theirs, and nothing else.
func TestDeletionKnowsWhoseSessionsAre(t *testing.T) {
	w := newWorld(t)
	acted := func(user, session, action string, at int) dataset.Change {
		e := event(user, session, action, at)
		return dataset.Change{ActionInteraction: e.Interaction}
	}
	cleared := dataset.Change{Cleared: &dataset.Cleared{Type: dataset.Interactions}}
	schema := dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Interactions, Text: interactionsText}}
	w.Append(
		event("ann", "z", "of ann before", 1), cleared, schema, event("", "z", "of a visitor", 2), // the session begins anew

		w.part(interactionsText, true, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE\nbob,bulk,3,view,\n"),
		event("", "bob", "of bob", 4), event("ann", "bob", "of ann", 5), // bob is a user, whose session is not joined
		event("", "bob", "of ann again", 6),

		event("", "s", "of eve, a visitor", 7), event("eve", "s", "of eve", 8), // a visitor who is joined
		event("", "t", "of ann, a visitor", 9), event("ann", "t", "of ann in t", 10),
		acted("", "t", "by ann", 11), acted("", "u", "by a visitor", 12),
	)
	w.Put("b/users.csv", "USER_ID\nann\ns\n")
	w.ask("job", "s3://b/users.csv")
	w.settle()
	want := []string{"of a visitor", "of bob", "of eve, a visitor", "of eve", "by a visitor"}
	var left []string
	err := history.EachChange(t.Context(), w.Logs.Log(w.Record.ID), 0, history.Newest, func(_ eventlog.Offset, c *dataset.Change) error {
		if x := c.Event(); x != nil {
			left = append(left, x.Item)
		}
		return nil
	})
	if err != nil || !slices.Equal(left, want) {
		t.Errorf("left are %q, %v, want %q", left, err, want)
	}
	if got, want := w.again(), ":\nz: of a visitor@2\nbob: bulk@3 of bob@4\n:\neve: of eve, a visitor@7 of eve@8\n:\n"; got != want {
		t.Errorf("history is\n%swant\n%s", got, want)
	}
}
