package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"usher/blob"
	"usher/dataset"
	"usher/eventlog"
)

// Owners knows whose the live events of a log are, for those who read it again, by
// Group's rules: an anonymous event is its session's until the first event with both
// that session and a user; that joins all that is there of a visitor to the user, and
// later anonymous events of the session are those of the user last seen with it. Of
// events with one eventId the first counts. When the dataset is cleared, everything
// begins anew.
//
// It is told of the events one after the other: See, then Owner.
type Owners struct {
	sessions map[string]bool  // that are asked for; nil: all
	joined   map[visit]string // a visitor's session → the user that got its events
	clears   int              // in the whole log

	cleared int               // as of the event that is looked at
	current map[string]string // likewise: session → user
	ids     EventIDs
}

// visit is a session until the dataset is cleared.
type visit struct {
	cleared int
	session string
}

// NewOwners is for events none of whose visitors was joined to a user later. Whose the
// given sessions are can be asked for; nil means all.
func NewOwners(sessions map[string]bool) *Owners {
	return &Owners{sessions: sessions, current: map[string]string{}}
}

// Begin is called before the events of the log are gone through from its beginning.
func (o *Owners) Begin() { o.cleared, o.current, o.ids = 0, map[string]string{}, EventIDs{} }

// BeginLast is Begin for those who go through what is behind the last clearing.
func (o *Owners) BeginLast() {
	o.Begin()
	o.cleared = o.clears
}

// Clear is told that the dataset was cleared.
func (o *Owners) Clear() {
	o.cleared++
	clear(o.current)
	o.ids = EventIDs{}
}

// See takes the next event, or what is left of one. It says whether it counts.
func (o *Owners) See(x *dataset.Interaction) bool {
	if o.ids.Repeated(x.EventID) {
		return false
	}
	if x.User != "" && x.Session != "" && x.Session != x.User && (o.sessions == nil || o.sessions[x.Session]) {
		o.current[x.Session] = x.User
	}
	return true
}

// Owner gives the user of the event that was seen last, or its session.
func (o *Owners) Owner(x *dataset.Interaction) string {
	return cmp.Or(x.User, o.current[x.Session], o.joined[visit{o.cleared, x.Session}], x.Session)
}

// Of gives the user that a session has by now, "" if none.
func (o *Owners) Of(session string) string { return o.current[session] }

// FindOwners reads a log up to an offset and finds out to whom the visitors with these
// session ids were joined. A session whose id is a user's own is no visitor.
func FindOwners(ctx context.Context, log eventlog.Log, blobs blob.Store, upTo eventlog.Offset, sessions map[string]bool) (*Owners, error) {
	o := NewOwners(sessions)
	o.joined = map[visit]string{}
	f := &ownerFinder{Owners: o, blobs: blobs, users: map[string]bool{}, visitors: map[string]bool{}, schemas: map[dataset.Type]*dataset.Schema{}}
	err := EachChange(ctx, log, 0, upTo, func(_ eventlog.Offset, c *dataset.Change) error { return f.change(ctx, c) })
	o.clears = o.cleared
	return o, err
}

// ownerFinder is one run of FindOwners.
type ownerFinder struct {
	*Owners
	blobs    blob.Store
	users    map[string]bool // ids of sessions that are users' own
	visitors map[string]bool // those that are not, so far
	schemas  map[dataset.Type]*dataset.Schema
}

func (f *ownerFinder) change(ctx context.Context, c *dataset.Change) (err error) {
	switch {
	case c.Schema != nil:
		f.schemas[c.Schema.Type], err = dataset.ParseSchema(c.Schema.Text, c.Schema.Domain)
	case c.Cleared != nil && c.Cleared.Type == dataset.Interactions:
		f.Clear()
		clear(f.visitors)
	case c.User != nil:
		f.isUser(c.User.ID)
	case c.Part != nil && (c.Part.Type == dataset.Interactions || c.Part.Type == dataset.Users):
		err = f.part(ctx, c.Part)
	case c.Interaction != nil || c.Visit != nil:
		f.event(cmp.Or(c.Interaction, c.Visit))
	}
	return err
}

func (f *ownerFinder) isUser(id string) {
	if f.sessions[id] {
		f.users[id] = true
		delete(f.visitors, id)
	}
}

// event notes a visitor, or that one is joined to a user.
func (f *ownerFinder) event(x *dataset.Interaction) {
	_, known := f.current[x.Session]
	switch {
	case !f.See(x):
	case x.User == "":
		if f.sessions[x.Session] && !known && !f.users[x.Session] {
			f.visitors[x.Session] = true
		}
	default:
		f.isUser(x.User)
		if x.Session != x.User && !known && f.visitors[x.Session] {
			f.joined[visit{f.cleared, x.Session}] = x.User
		}
	}
}

// part takes the users that a part names. Of one that was replaced the id file has
// them.
func (f *ownerFinder) part(ctx context.Context, c *dataset.PartCommitted) error {
	s := f.schemas[c.Type]
	p, err := readIDsOf(ctx, f.blobs, c.Blob, func(r io.ReaderAt, size int64) (*dataset.Part, error) { return dataset.ReadPartIDs(r, size, s) })
	if errors.Is(err, fs.ErrNotExist) {
		p, err = readIDsOf(ctx, f.blobs, dataset.IDFileName(c.Blob), dataset.ReadIDs)
	}
	if err != nil {
		return fmt.Errorf("part %q: %w", c.Blob, err)
	}
	for _, id := range p.UserIDs {
		f.isUser(id)
	}
	if c.Type == dataset.Users {
		for _, id := range p.IDs {
			if !f.visitors[id] {
				f.isUser(id)
			}
		}
	}
	return nil
}

func readIDsOf(ctx context.Context, blobs blob.Store, name string, read func(r io.ReaderAt, size int64) (*dataset.Part, error)) (*dataset.Part, error) {
	r, err := blobs.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return read(r, r.Size())
}
