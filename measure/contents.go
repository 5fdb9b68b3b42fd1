package measure

import (
	"cmp"
	"context"

	"usher/dataset"
	"usher/eventlog"
	"usher/history"
)

// contents is what a group's log says of its datasets, up to one offset.
type contents struct {
	log     eventlog.Log
	upTo    eventlog.Offset
	schemas map[dataset.Type]*dataset.Schema
	parts   map[dataset.Type][]committed     // that count
	since   map[dataset.Type]eventlog.Offset // what was put up to here was cleared
	live    map[dataset.Type]int64           // events since then, also those whose id came before

	anonymous map[string]bool // sessions of live events without a user
	gone      history.Gone
}

// committed is a part and its place in the log.
type committed struct {
	blob string
	at   eventlog.Offset
	rows int64
}

func readContents(ctx context.Context, log eventlog.Log, upTo eventlog.Offset) (*contents, error) {
	c := &contents{log: log, upTo: upTo, schemas: map[dataset.Type]*dataset.Schema{}, parts: map[dataset.Type][]committed{},
		since: map[dataset.Type]eventlog.Offset{}, live: map[dataset.Type]int64{}, anonymous: map[string]bool{}}
	return c, c.each(ctx, 0, func(at eventlog.Offset, x *dataset.Change) (err error) {
		switch {
		case x.Schema != nil:
			c.schemas[x.Schema.Type], err = dataset.ParseSchema(x.Schema.Text, x.Schema.Domain)
		case x.Cleared != nil:
			delete(c.schemas, x.Cleared.Type)
			delete(c.parts, x.Cleared.Type)
			delete(c.live, x.Cleared.Type)
			c.since[x.Cleared.Type] = at
		case x.Part != nil:
			if x.Part.Replace {
				delete(c.parts, x.Part.Type)
			}
			c.parts[x.Part.Type] = append(c.parts[x.Part.Type], committed{x.Part.Blob, at, x.Part.Rows})
		case x.Forgotten != nil:
			c.gone.Note(at, x.Forgotten)
		case x.Interaction != nil:
			c.live[dataset.Interactions]++
			if x.Interaction.User == "" {
				c.anonymous[x.Interaction.Session] = true
			}
		}
		return err
	})
}

// each calls f with each change after an offset.
func (c *contents) each(ctx context.Context, after eventlog.Offset, f func(at eventlog.Offset, x *dataset.Change) error) error {
	return history.EachChange(ctx, c.log, after, c.upTo, f)
}

// forgotten says whether the user or the item of an event was deleted since.
func (c *contents) forgotten(t dataset.Type, user, item string, at eventlog.Offset) bool {
	return c.gone.User(user, at) || t == dataset.Interactions && c.gone.Item(item, at)
}

// events calls f with each live event of a dataset, without those whose id came
// before and those of deleted users and items.
func (c *contents) events(ctx context.Context, t dataset.Type, f func(x *dataset.Interaction)) error {
	var ids history.EventIDs
	return c.each(ctx, c.since[t], func(at eventlog.Offset, change *dataset.Change) error {
		x := change.Interaction
		if t == dataset.ActionInteractions {
			x = change.ActionInteraction
		}
		if x != nil && !ids.Repeated(x.EventID) && !c.forgotten(t, cmp.Or(x.User, x.Session), x.Item, at) {
			f(x)
		}
		return nil
	})
}
