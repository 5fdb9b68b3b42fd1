package ingest

import (
	"context"
	"strings"

	"usher/dataset"
)

// ActionEvent is what a user did with an action, as the customer sent it: Item is
// the action's id.
type ActionEvent struct {
	Event
	User    string // "" while the visitor is anonymous
	Session string
}

// PutActionInteractions checks events against the schema of the dataset of action
// interactions that the tracking id belongs to and makes them durable. On any error
// none was kept.
func (g *Ingest) PutActionInteractions(ctx context.Context, trackingID string, events []ActionEvent) error {
	groupID, err := g.group(ctx, trackingID, dataset.ActionInteractions)
	if err != nil {
		return err
	}
	state, err := g.opt.History.Group(ctx, groupID)
	if err != nil {
		return err
	}
	schema, err := schemaOf(ctx, state, dataset.ActionInteractions)
	if err != nil {
		return err
	}
	if schema == nil { // deleted just now
		return invalid("The dataset group of tracking id %q has no Action_Interactions dataset. Create one with CreateDataset before sending events.", trackingID)
	}
	changes := make([]dataset.Change, len(events))
	for i, e := range events {
		if !actionEventTypes[strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(e.Type))] {
			return invalid("actionInteractions.%d.member: the eventType %q is unknown. Give Viewed, Taken or Not Taken", i+1, e.Type)
		}
		x, err := interaction(schema, &e.Event, g.now())
		if err != nil {
			return invalid("actionInteractions.%d.member: %v", i+1, err)
		}
		x.User, x.Session = e.User, e.Session
		changes[i].ActionInteraction = x
	}
	return g.write(ctx, groupID, state, changes)
}

// actionEventTypes are those that AWS knows; neither case nor blanks count.
var actionEventTypes = map[string]bool{"viewed": true, "taken": true, "nottaken": true}
