package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"usher/blob"
	"usher/dataset"
	"usher/eventlog"
)

// Group is the state of one dataset group. All methods may be called
// concurrently; slices that they return do not change and must not be changed.
type Group struct {
	blobs blob.Store
	log   eventlog.Log

	replaced  map[eventlog.Offset]bool // parts that a later record replaces; only while catching up
	tailLeast int                      // how many events are not packed in any case
	workLeast int64                    // how much work never needs a state
	grown     func()                   // may be nil
	erased    map[dataset.Type]bool    // the last part was erased: a record that replaces it is in the log

	moments *momentIndex // of events; the goroutine of apply has it

	renewals sync.WaitGroup // of what is prepared anew beside requests

	mu struct {
		sync.RWMutex
		applied eventlog.Offset
		err     error // the log could not be applied; the group is of no more use
		waiting []waiter

		incomplete bool  // as erased says
		work       int64 // events and records applied since the last state
		asked      int64 // the work at which grown is told again

		users, items, types *dataset.Dict
		holes               []dataset.Index // numbers of items that were deleted
		schemas             map[dataset.Type]*dataset.Schema
		texts               map[dataset.Type]dataset.SchemaSet // what schemas were parsed from

		past     interactions
		gone     int                       // how many users past.erased has
		shown    shown                     // by impressions
		own      moments                   // of the events in past, for readers
		named    flags                     // numbers of ids that came as a user's; the others are sessions'
		sessions map[string]dataset.Index  // session id → the user last seen with it
		seen     EventIDs                  // of events that were applied
		tables   map[dataset.Type]*records // items and users
	}
}

type waiter struct {
	offset eventlog.Offset
	done   chan struct{}
}

func newGroup(blobs blob.Store, log eventlog.Log) *Group {
	g := &Group{blobs: blobs, log: log, erased: map[dataset.Type]bool{}, tailLeast: tailLeast, moments: newMomentIndex()}
	m := &g.mu
	m.users, m.items, m.types = dataset.NewDict(), dataset.NewDict(), dataset.NewDict()
	m.schemas, m.texts = map[dataset.Type]*dataset.Schema{}, map[dataset.Type]dataset.SchemaSet{}
	m.sessions = map[string]dataset.Index{}
	m.shown = newShown()
	m.tables = map[dataset.Type]*records{dataset.Items: newRecords(), dataset.Users: newRecords()}
	return g
}

// load begins from the log's state, if it has one.
func (g *Group) load(ctx context.Context) error {
	at, err := g.log.State(ctx)
	if err != nil || at.Blob == "" {
		return err
	}
	r, err := g.blobs.Open(ctx, at.Blob)
	if errors.Is(err, fs.ErrNotExist) { // perhaps a newer one has taken its place
		now, err := g.log.State(ctx)
		if err != nil {
			return err
		}
		if now != at {
			return g.load(ctx)
		}
	}
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := readState(r, r.Size())
	if err == nil && s.offset != at.Offset {
		err = fmt.Errorf("it is of offset %d, the log says %d", s.offset, at.Offset)
	}
	if err == nil {
		err = g.begin(s)
	}
	if err != nil {
		return fmt.Errorf("state %q: %w", at.Blob, err)
	}
	return nil
}

// catchUp applies what is in the log now.
func (g *Group) catchUp(ctx context.Context) error {
	if err := g.load(ctx); err != nil {
		return err
	}
	for again := true; again; again = len(g.erased) > 0 {
		from := g.offset()
		replaced, err := Replaced(ctx, g.log, from)
		if err != nil {
			return err
		}
		g.replaced = replaced
		for rec, err := range g.log.Replay(ctx, from) {
			if err != nil {
				return err
			}
			if err := g.apply(ctx, rec); err != nil {
				return err
			}
		}
		g.replaced = nil
		if len(g.erased) > 0 && g.offset() == from {
			return errors.New("the log has a part that was erased, and none that replaces it")
		}
	}
	return nil
}

// follow applies what comes until ctx is done. An error makes the group
// useless; History loads it anew.
func (g *Group) follow(ctx context.Context) {
	for rec, err := range g.log.Tail(ctx, g.offset()) {
		if err == nil {
			err = g.apply(ctx, rec)
		}
		if err != nil {
			g.fail(err)
			return
		}
	}
	g.fail(errors.New("history: stopped following"))
}

func (g *Group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.err = err
	for _, w := range g.mu.waiting {
		close(w.done)
	}
	g.mu.waiting = nil
}

func (g *Group) failed() error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.err
}

func (g *Group) offset() eventlog.Offset {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.applied
}

// Wait returns when everything up to offset has been applied.
func (g *Group) Wait(ctx context.Context, offset eventlog.Offset) error {
	g.mu.Lock()
	if g.mu.applied >= offset || g.mu.err != nil {
		defer g.mu.Unlock()
		return g.mu.err
	}
	w := waiter{offset, make(chan struct{})}
	g.mu.waiting = append(g.mu.waiting, w)
	g.mu.Unlock()
	select {
	case <-w.done:
		return g.failed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// CatchUp returns when all is known that was in the log before it was called.
func (g *Group) CatchUp(ctx context.Context) error {
	last, err := g.log.Last(ctx)
	if err != nil {
		return err
	}
	return g.Wait(ctx, last)
}

// apply carries out one log record. It is called by one goroutine, the only one
// that changes the group, which may therefore read without the lock. Large work
// is done before the lock is taken, so that requests go on while a part comes in.
func (g *Group) apply(ctx context.Context, rec eventlog.Record) error {
	c, err := dataset.ParseChange(rec.Data)
	if err != nil {
		return fmt.Errorf("apply log record %d: %w", rec.Offset, err)
	}
	g.fold()
	var change func()
	switch {
	case c.Interaction != nil:
		change = func() { g.interaction(c.Interaction) }
	case c.Item != nil:
		change = func() {
			t := g.mu.tables[dataset.Items]
			t.put(g.mu.items.Intern(c.Item.ID), c.Item.Row, uint64(rec.Offset))
			g.renew(t)
		}
	case c.User != nil:
		change = func() {
			u := g.mu.users.Intern(c.User.ID)
			g.mu.named.set(u)
			t := g.mu.tables[dataset.Users]
			t.put(u, c.User.Row, uint64(rec.Offset))
			g.renew(t)
		}
	case c.Part != nil:
		change, err = g.part(ctx, c.Part, uint64(rec.Offset))
	case c.Action != nil, c.ActionInteraction != nil:
		change = func() {} // the log keeps them for exports; no answer needs them yet
	case c.Cleared != nil:
		delete(g.erased, c.Cleared.Type)
		change = func() { g.cleared(c.Cleared.Type) }
	case c.Forgotten != nil:
		items := g.withoutItems(c.Forgotten.Items)
		change = func() {
			g.forget(c.Forgotten.Users)
			items()
		}
	case c.Visit != nil:
		change = func() { g.owner(c.Visit) }
	case c.Schema != nil:
		change, err = g.schema(c.Schema)
	}
	if err != nil {
		return fmt.Errorf("apply log record %d: %w", rec.Offset, err)
	}
	work := int64(1)
	if c.Part != nil {
		work += c.Part.Rows
	}
	g.mu.Lock()
	change()
	g.mu.work += work
	g.advance(rec.Offset)
	asks := g.asks()
	g.mu.Unlock()
	if asks {
		g.grown()
	}
	return nil
}

// fold packs the tail of live events when it has grown. It is called by the
// goroutine of apply, before a change is prepared, which would undo it.
func (g *Group) fold() {
	if s := &g.mu.shown; s.stale(g.tailLeast) {
		next := s.tidied(g.mu.past.erased)
		g.mu.Lock()
		*s = next
		g.mu.Unlock()
	}
	for _, l := range []*live{&g.mu.past.live, &g.mu.shown.live} {
		if !l.grown(g.tailLeast) {
			continue
		}
		next := l.folded(g.mu.past.erased)
		g.mu.Lock()
		*l = next
		g.mu.Unlock()
	}
}

// advance publishes a new offset. g.mu is held.
func (g *Group) advance(to eventlog.Offset) {
	g.mu.applied, g.mu.incomplete = to, len(g.erased) > 0
	kept := g.mu.waiting[:0]
	for _, w := range g.mu.waiting {
		if w.offset <= to {
			close(w.done)
		} else {
			kept = append(kept, w)
		}
	}
	clear(g.mu.waiting[len(kept):])
	g.mu.waiting = kept
}

// readPart opens a part and has read take it in.
func (g *Group) readPart(ctx context.Context, p *dataset.PartCommitted, read func(r io.ReaderAt, size int64, s *dataset.Schema) (*dataset.Part, error)) (*dataset.Part, error) {
	s := g.mu.schemas[p.Type]
	if s == nil {
		return nil, fmt.Errorf("part %q: the log has no schema for %s", p.Blob, p.Type)
	}
	r, err := g.blobs.Open(ctx, p.Blob)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	part, err := read(r, r.Size(), s)
	if err != nil {
		return nil, fmt.Errorf("part %q: %w", p.Blob, err)
	}
	return part, nil
}

// part prepares what makes bulk data the group's own.
func (g *Group) part(ctx context.Context, c *dataset.PartCommitted, seq uint64) (change func(), err error) {
	if g.replaced[eventlog.Offset(seq)] {
		return g.numbersOf(ctx, c)
	}
	reading := g.moments.read()
	var shown *shownReading
	p, err := g.readPart(ctx, c, func(r io.ReaderAt, size int64, s *dataset.Schema) (*dataset.Part, error) {
		if c.Type != dataset.Interactions {
			return dataset.ReadEvents(r, size, s)
		}
		return dataset.VisitEvents(r, size, s, func(p *dataset.Part) func(row, field int, v dataset.Value) {
			shown = g.readShown(p)
			return func(row, field int, v dataset.Value) {
				reading.visit(row, field, v)
				shown.visit(row, field, v)
			}
		})
	})
	if errors.Is(err, fs.ErrNotExist) { // replaced by a record that comes soon
		change, err := g.numbersOf(ctx, c)
		g.erased[c.Type] = true
		return change, err
	}
	if c.Replace {
		delete(g.erased, c.Type)
	}
	if err != nil {
		return nil, err
	}
	m := &g.mu
	n := &numbering{newOverlay(m.users), newOverlay(m.items), newOverlay(m.types)}
	apply := func() {}
	switch c.Type {
	case dataset.Interactions:
		events, exposures := g.events(p, reading.moments(int(p.Rows)), n, c.Replace), g.shown(shown, n, c.Replace)
		apply = func() {
			events()
			exposures()
		}
	case dataset.Items:
		apply = m.tables[c.Type].part(p, n.items, c.Replace, seq)
	case dataset.Users:
		apply = m.tables[c.Type].part(p, n.users, c.Replace, seq)
	}
	return func() {
		g.commit(c.Type, n, p)
		apply()
	}, nil
}

// commit gives the ids of a part their numbers. Those of users are users' from now
// on, also where they were sessions' before; only Users data, which says nothing
// of whose events are whose, leaves a session what it is. g.mu is held.
func (g *Group) commit(t dataset.Type, n *numbering, p *dataset.Part) {
	m := &g.mu
	before := dataset.Index(m.users.Len())
	for _, o := range []*overlay{n.users, n.items, n.types} {
		o.commit()
	}
	for u := before; u < dataset.Index(m.users.Len()); u++ {
		m.named.set(u)
	}
	if t == dataset.Interactions {
		for _, id := range p.UserIDs {
			m.named.set(m.users.Index(id))
		}
	}
}

// events prepares bulk events, whose moments are own.
func (g *Group) events(p *dataset.Part, own []uint32, n *numbering, replace bool) (change func()) {
	past := &g.mu.past
	b := past.bulk
	if replace {
		b = packed{}
	}
	b = b.withPart(p, own, n, past.erased)
	now := g.moments.frozen()
	return func() { past.bulk, g.mu.own = b, now }
}

// schema prepares a new schema of a dataset.
func (g *Group) schema(c *dataset.SchemaSet) (change func(), err error) {
	s, err := dataset.ParseSchema(c.Text, c.Domain)
	if err != nil {
		return nil, err
	}
	m := &g.mu
	set := func() { m.schemas[c.Type], m.texts[c.Type] = s, *c }
	t := m.tables[c.Type]
	if c.Type == dataset.Interactions {
		g.moments.under(s)
		now := g.moments.frozen()
		return func() {
			set()
			m.own = now
		}, nil
	}
	if t == nil {
		return set, nil
	}
	next := t.under(s)
	return func() {
		set()
		m.tables[c.Type] = next
	}, nil
}

// cleared forgets a dataset's data; numbers stay (I1). g.mu is held.
func (g *Group) cleared(t dataset.Type) {
	m := &g.mu
	delete(m.schemas, t)
	delete(m.texts, t)
	if t == dataset.Interactions {
		m.past.bulk, m.past.live = packed{}, live{}
		m.shown = newShown()
		g.moments, m.own = newMomentIndex(), moments{}
		clear(m.sessions)
		m.seen = EventIDs{}
		return
	}
	if m.tables[t] != nil {
		m.tables[t] = newRecords()
	}
}

// eventType gives the number of an event type. g.mu is held.
func (g *Group) eventType(name string) uint16 {
	if i := g.mu.types.Index(name); i != dataset.NoIndex {
		return uint16(i)
	}
	n := &numbering{types: newOverlay(g.mu.types)}
	defer n.types.commit()
	return n.eventType(name)
}

// User gives the number of a user id, or of an anonymous visitor's session id;
// NoIndex if neither is known.
func (g *Group) User(id string) dataset.Index {
	g.mu.RLock()
	defer g.mu.RUnlock()
	u := g.mu.users.Index(id)
	if u == dataset.NoIndex || !g.mu.named.has(u) {
		if joined, ok := g.mu.sessions[id]; ok {
			return joined
		}
	}
	return u
}

// Item gives the number of an item id, NoIndex if unknown.
func (g *Group) Item(id string) dataset.Index {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.items.Index(id)
}

// ItemIDs gives all item ids by number, as of now.
func (g *Group) ItemIDs() []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.items.IDs()
}

// Events gives a user's events, oldest first, imported and live, those of
// sessions that were joined to the user included.
func (g *Group) Events(u dataset.Index) []dataset.Event {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.past.events(u)
}

// Schema gives the schema of one of the group's datasets, nil if it has none.
func (g *Group) Schema(t dataset.Type) *dataset.Schema {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.mu.schemas[t]
}
