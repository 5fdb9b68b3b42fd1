package batch

import (
	"cmp"
	"context"
	"errors"

	"usher/dataset"
	"usher/eventlog"
	"usher/history"
)

// owners knows whose the events of a group are, by history's rules: an anonymous
// event is its session's until the first event with both that session and a user;
// that joins all that is there of a visitor to the user, and later anonymous
// events of the session are those of the user last seen with it. Of events with
// one eventId the first counts.
type owners struct {
	joined map[string]string // a visitor's session → the user that got its events

	current map[string]string // as of the event that is being looked at
	ids     history.EventIDs
}

func newOwners() *owners { return &owners{joined: map[string]string{}} }

// begin is called before the first event.
func (o *owners) begin() { o.current, o.ids = map[string]string{}, history.EventIDs{} }

// repeated says whether an event with this id was seen before.
func (o *owners) repeated(id string) bool { return o.ids.Repeated(id) }

// of gives the user of the next event.
func (o *owners) of(x *dataset.Interaction) string {
	if x.User != "" {
		if x.Session != "" && x.Session != x.User {
			o.current[x.Session] = x.User
		}
		return x.User
	}
	if u, ok := o.current[x.Session]; ok {
		return u
	}
	if u, ok := o.joined[x.Session]; ok {
		return u
	}
	return x.Session
}

// join finds out which of the anonymous sessions were joined to whom. A session
// whose id is a user's own is no visitor.
func (c *content) join(ctx context.Context, anonymous map[string]bool) error {
	users, visitors := map[string]bool{}, map[string]bool{} // of the anonymous sessions' ids
	isUser := func(id string) {
		if anonymous[id] {
			users[id] = true
			delete(visitors, id)
		}
	}
	schemas := map[dataset.Type]*dataset.Schema{}
	o := c.owners
	o.begin()
	return c.each(ctx, 0, func(_ eventlog.Offset, x *dataset.Change) (err error) {
		switch {
		case x.Schema != nil:
			schemas[x.Schema.Type], err = dataset.ParseSchema(x.Schema.Text, x.Schema.Domain)
			return err
		case x.Cleared != nil && x.Cleared.Type == dataset.Interactions:
			clear(visitors)
			clear(o.joined)
			o.begin()
		case x.User != nil:
			isUser(x.User.ID)
		case x.Part != nil && (x.Part.Type == dataset.Interactions || x.Part.Type == dataset.Users):
			return c.usersOf(ctx, x.Part, schemas[x.Part.Type], func(id string) {
				if x.Part.Type == dataset.Interactions || !visitors[id] {
					isUser(id)
				}
			})
		case x.Visit != nil, x.Interaction != nil && !o.repeated(x.Interaction.EventID):
			e := cmp.Or(x.Interaction, x.Visit)
			if e.User == "" {
				if _, known := o.current[e.Session]; !known && !users[e.Session] {
					visitors[e.Session] = true
				}
				return nil
			}
			isUser(e.User)
			if e.Session != "" && e.Session != e.User {
				if _, before := o.current[e.Session]; !before && visitors[e.Session] {
					o.joined[e.Session] = e.User
				}
			}
			o.of(e)
		}
		return nil
	})
}

// usersOf calls f with the users that a part names. Of one that was replaced the
// id file has them.
func (c *content) usersOf(ctx context.Context, p *dataset.PartCommitted, s *dataset.Schema, f func(id string)) error {
	part, err := c.open(ctx, p.Blob, s)
	if errors.Is(err, errReplaced) {
		part, err = c.openIDs(ctx, p.Blob)
	}
	if err != nil {
		return err
	}
	for _, id := range part.UserIDs {
		f(id)
	}
	if p.Type == dataset.Users {
		for _, id := range part.IDs {
			f(id)
		}
	}
	return nil
}

func (c *content) openIDs(ctx context.Context, part string) (*dataset.Part, error) {
	r, err := c.blobs.Open(ctx, dataset.IDFileName(part))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return dataset.ReadIDs(r, r.Size())
}
