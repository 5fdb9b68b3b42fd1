package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/job"
	"usher/store"
)

// Numbers were given by records that go now (I1): the state, which is saved first,
// has them, and followers that are not past what is rewritten begin from it.

// erasure is what is found out about a log before it is rewritten.
type erasure struct {
	*group
	upTo   eventlog.Offset            // the log up to here is in segments, and in the state
	gone   map[string]eventlog.Offset // user → the offset at which he was forgotten
	parts  []part
	joined map[visit]string // whose the events of an anonymous visitor are
	proof  catalog.DeletionProof
}

// part is a part that the log commits.
type part struct {
	at     eventlog.Offset
	blob   string
	schema *dataset.Schema
	now    *dataset.PartCommitted // what the log is to say; nil: as it was
}

// visit is a session, until the dataset is cleared: then everything begins anew.
type visit struct {
	cleared int
	session string
}

// erase removes everything of forgotten users from the group's files.
func (g *group) erase(ctx context.Context, jobs []*catalog.DeletionJob) error {
	trained, err := g.trainings(ctx)
	if err != nil {
		return err
	}
	e := &erasure{group: g, gone: map[string]eventlog.Offset{}, joined: map[visit]string{}}
	if err := e.settle(ctx); err != nil {
		return err
	}
	if err := e.look(ctx); err != nil {
		return err
	}
	if len(e.gone) > 0 {
		if err := e.rewrite(ctx, jobs); err != nil {
			return err
		}
	}
	for _, sweep := range []func(context.Context) error{g.sweep, g.sweepParts, g.opt.DB.Scrub} {
		if err := sweep(ctx); err != nil {
			return err
		}
	}
	for _, version := range trained { // they have ended; what they froze may be about to go
		for _, room := range []string{"snapshots", "checkpoints"} {
			if err := g.remove(ctx, fmt.Sprintf("%s/%s/%s-", room, g.id, version), func(string) bool { return true }); err != nil {
				return err
			}
		}
	}
	return nil
}

// between is how often the log is compacted while a deletion waits.
const between = 10 * time.Second

// trainings waits for the trainings that are under way, which have frozen the users
// with all other data, and gives the catalog IDs of their versions. Those that
// begin later do not see the users.
func (g *group) trainings(ctx context.Context) (ids []string, err error) {
	changed := make(chan struct{}, 1)
	defer g.opt.DB.Subscribe(catalog.Topic, func(string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	var waiting []string
	for first := true; ; first = false {
		var running []string
		err := g.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
			running, err = g.running(tx)
			return err
		})
		if err != nil {
			return nil, err
		}
		if first {
			ids, waiting = running, slices.Clone(running)
		}
		waiting = slices.DeleteFunc(waiting, func(id string) bool { return !slices.Contains(running, id) })
		if len(waiting) == 0 {
			return ids, nil
		}
		g.task.Progress(0, "waiting for trainings that have the users in their data")
		select {
		case <-changed:
		case <-time.After(between):
			if err := g.compact(ctx); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// running gives the catalog IDs of the versions that are being trained.
func (g *group) running(tx *store.Tx) (ids []string, err error) {
	owner, err := g.record(tx)
	if err != nil || owner == nil {
		return nil, err
	}
	solutions, _, err := catalog.List[catalog.SolutionVersion](tx, catalog.Query{Group: owner.ARN})
	if err != nil {
		return nil, err
	}
	recommenders, _, err := catalog.List[catalog.RecommenderVersion](tx, catalog.Query{Group: owner.ARN})
	for _, r := range recommenders {
		solutions = append(solutions, &r.SolutionVersion)
	}
	for _, v := range solutions {
		if v.Status == catalog.InProgress || v.Status == catalog.Stopping {
			ids = append(ids, v.ID)
		}
	}
	return ids, err
}

// settle moves the whole log into segments and saves a state behind them.
func (e *erasure) settle(ctx context.Context) error {
	h, err := e.history(ctx)
	if err != nil || h == nil {
		return err
	}
	last, err := e.opt.Logs.Log(e.id).Last(ctx)
	if err != nil {
		return err
	}
	for e.upTo < last {
		if _, err := e.move(ctx, 1); err != nil {
			return err
		}
		err := e.opt.DB.View(ctx, func(tx *store.Tx) error {
			extent, err := e.opt.Logs.Extent(tx, e.id)
			e.upTo = extent.Moved
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := h.Wait(ctx, e.upTo); err != nil {
		return err
	}
	return e.save(ctx, h)
}

// each calls f with every change in the segments.
func (e *erasure) each(ctx context.Context, f func(at eventlog.Offset, c *dataset.Change) error) error {
	for rec, err := range e.opt.Logs.Log(e.id).Read(ctx, 0) {
		if err != nil {
			return err
		}
		if rec.Offset > e.upTo {
			return nil
		}
		c, err := dataset.ParseChange(rec.Data)
		if err == nil {
			err = f(rec.Offset, c)
		}
		if err != nil {
			return fmt.Errorf("read log record %d: %w", rec.Offset, err)
		}
	}
	return nil
}

// look finds out who was forgotten, which parts there are, and whose the events of
// anonymous visitors are.
func (e *erasure) look(ctx context.Context) error {
	schemas := map[dataset.Type]*dataset.Schema{}
	err := e.each(ctx, func(at eventlog.Offset, c *dataset.Change) (err error) {
		switch {
		case c.Forgotten != nil:
			for _, id := range c.Forgotten.Users {
				e.gone[id] = at
			}
		case c.Schema != nil:
			schemas[c.Schema.Type], err = dataset.ParseSchema(c.Schema.Text, c.Schema.Domain)
		case c.Part != nil:
			e.parts = append(e.parts, part{at: at, blob: c.Part.Blob, schema: schemas[c.Part.Type]})
		}
		return err
	})
	if err != nil || len(e.gone) == 0 {
		return err
	}
	met := map[string]bool{} // sessions of somebody who was forgotten
	err = e.each(ctx, func(_ eventlog.Offset, c *dataset.Change) error {
		if x := c.Interaction; x != nil && x.Session != "" && x.Session != x.User {
			if _, ok := e.gone[x.User]; ok {
				met[x.Session] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	cleared := 0
	return e.each(ctx, func(_ eventlog.Offset, c *dataset.Change) error {
		if c.Cleared != nil && c.Cleared.Type == dataset.Interactions {
			cleared++
		}
		if x := c.Interaction; x != nil && x.User != "" && met[x.Session] {
			v := visit{cleared, x.Session}
			e.joined[v] = cmp.Or(e.joined[v], x.User) // the first one gets what was anonymous
		}
		return nil
	})
}

// had says whether something of a user at an offset is to be gone.
func (e *erasure) had(user string, at eventlog.Offset) bool {
	until, ok := e.gone[user]
	return ok && at <= until
}

// rewrite replaces the parts and segments that have something of the users, and
// has the log and the jobs say so.
func (e *erasure) rewrite(ctx context.Context, jobs []*catalog.DeletionJob) error {
	for i := range e.parts {
		if err := e.part(ctx, &e.parts[i]); err != nil {
			return fmt.Errorf("part %q: %w", e.parts[i].blob, err)
		}
	}
	var all, was, now []eventlog.Segment
	err := e.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		all, err = e.opt.Logs.Segments(tx, e.id)
		return err
	})
	if err != nil {
		return err
	}
	w := &rewriter{erasure: e, current: map[visit]string{}, parts: map[string]*dataset.PartCommitted{}}
	for _, p := range e.parts {
		if p.now != nil {
			w.parts[p.blob] = p.now
		}
	}
	for _, s := range all {
		if s.Last > e.upTo {
			break
		}
		e.proof.Segments.Searched++
		name, err := w.segment(ctx, s.Blob)
		if err != nil {
			return err
		}
		if name != "" {
			was, now = append(was, s), append(now, eventlog.Segment{First: s.First, Last: s.Last, Blob: name})
		}
	}
	e.proof.Segments.Replaced = len(now)
	return e.publish(ctx, jobs, was, now)
}

// errShrinking says that parts are being replaced by another job.
var errShrinking = errors.New("replaced parts are being erased; once more when that is done")

// publish is the transaction that names what was written.
func (e *erasure) publish(ctx context.Context, jobs []*catalog.DeletionJob, was, now []eventlog.Segment) error {
	return e.task.Update(ctx, func(tx *store.Tx) error {
		// Package ingest's job that does, which would write id files for parts that
		// have new names by then.
		s, ok, err := job.Find(tx, "erase", "replaced parts of "+e.id)
		if err != nil {
			return err
		}
		if ok && s.State == "running" {
			return errShrinking
		}
		if err := e.opt.Logs.Rewrite(tx, e.id, was, now); err != nil {
			return err
		}
		versions, objects, err := e.outside(tx)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			r, err := catalog.Get[catalog.DeletionJob](tx, j.ARN)
			if err != nil {
				return err
			}
			proof := e.proof
			if r.Report != nil {
				proof.Users, proof.Known = r.Report.Users, r.Report.Known
			}
			proof.Versions, proof.Objects = versions, objects
			r.Report = &proof
			if r.Location == "" { // its users were named in the call: nobody has counted before
				r.Deleted = proof.Events + proof.Records
			}
			if err := catalog.Update(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// outside gives what has learnt from the users and is not rewritten: versions whose
// models have counted them, and objects in the customer's buckets.
func (e *erasure) outside(tx *store.Tx) (versions, objects []string, err error) {
	owner, err := e.record(tx)
	if err != nil || owner == nil {
		return nil, nil, err
	}
	q := catalog.Query{Group: owner.ARN}
	trained, _, err := catalog.List[catalog.SolutionVersion](tx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range trained {
		if v.Status == catalog.Active && v.Offset < uint64(e.upTo) {
			versions = append(versions, v.ARN)
		}
	}
	imports, _, err := catalog.List[catalog.ImportJob](tx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, j := range imports {
		objects = append(objects, j.Location)
	}
	exports, _, err := catalog.List[catalog.ExportJob](tx, q)
	if err != nil {
		return nil, nil, err
	}
	for _, j := range exports {
		objects = append(objects, j.Output)
	}
	slices.Sort(objects)
	return versions, slices.Compact(objects), nil
}

// part rewrites a part, or the id file in its place, if it has a user.
func (e *erasure) part(ctx context.Context, p *part) error {
	erase := &dataset.Erasure{Column: "USER_ID", IDs: map[string]struct{}{}}
	for id, until := range e.gone {
		if p.at <= until {
			erase.IDs[id] = struct{}{}
		}
	}
	r, err := e.opt.Blobs.Open(ctx, p.blob)
	if errors.Is(err, fs.ErrNotExist) {
		return e.idFile(ctx, p, erase)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	e.proof.Parts.Searched++
	ids, err := dataset.ReadPartIDs(r, r.Size(), p.schema)
	if err != nil || !erase.Concerns(ids) {
		return err
	}
	e.proof.Parts.Replaced++
	var rows int64
	name, err := e.write(ctx, partsOf(e.id), func(w io.Writer) (err error) {
		rows, err = erase.Part(ctx, r, r.Size(), p.schema, w)
		return err
	})
	p.now = &dataset.PartCommitted{Blob: name, Rows: rows}
	if ids.Type == dataset.Users {
		e.proof.Records += ids.Rows - rows
	} else {
		e.proof.Events += ids.Rows - rows
	}
	return err
}

// idFile does it for the id file of a part that was replaced.
func (e *erasure) idFile(ctx context.Context, p *part, erase *dataset.Erasure) error {
	r, err := e.opt.Blobs.Open(ctx, dataset.IDFileName(p.blob))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // of a group that is being deleted
	}
	if err != nil {
		return err
	}
	defer r.Close()
	e.proof.Parts.Searched++
	ids, err := dataset.ReadIDs(r, r.Size())
	if err != nil || !erase.Concerns(ids) {
		return err
	}
	e.proof.Parts.Replaced++
	name := partsOf(e.id) + catalog.NewID()
	w, err := e.opt.Blobs.Create(ctx, dataset.IDFileName(name))
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := dataset.WriteIDs(w, erase.IDsOf(ids)); err != nil {
		return err
	}
	p.now = &dataset.PartCommitted{Blob: name}
	return w.Commit()
}

// rewriter goes through the segments in order.
type rewriter struct {
	*erasure
	parts   map[string]*dataset.PartCommitted // by the name that the log has
	cleared int
	current map[visit]string // whose a session is as of the record that is looked at
}

// segment writes a segment without what is to be gone and gives its name; "" if
// there is nothing.
func (w *rewriter) segment(ctx context.Context, name string) (string, error) {
	var kept []dataset.Logged
	changed := false
	for rec, err := range Archive(w.opt.Blobs).Segment(ctx, name) {
		if err != nil {
			return "", err
		}
		data, err := w.record(rec)
		if err != nil {
			return "", fmt.Errorf("segment %q: record %d: %w", name, rec.Offset, err)
		}
		if data == nil {
			changed = true
			continue
		}
		changed = changed || &data[0] != &rec.Data[0]
		rec.Data = data
		kept = append(kept, logged(rec))
	}
	if !changed {
		return "", nil
	}
	return w.group.segment(ctx, kept)
}

// record gives what is left of a record: its own data, other data, or nil.
func (w *rewriter) record(rec eventlog.Record) ([]byte, error) {
	c, err := dataset.ParseChange(rec.Data)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Interaction != nil:
		if w.had(w.owner(c.Interaction), rec.Offset) {
			w.proof.Events++
			return nil, nil
		}
	case c.ActionInteraction != nil:
		if w.had(cmp.Or(c.ActionInteraction.User, w.current[visit{w.cleared, c.ActionInteraction.Session}]), rec.Offset) {
			w.proof.Events++
			return nil, nil
		}
	case c.User != nil:
		if w.had(c.User.ID, rec.Offset) {
			w.proof.Records++
			return nil, nil
		}
	case c.Cleared != nil:
		if c.Cleared.Type == dataset.Interactions {
			w.cleared++
		}
	case c.Forgotten != nil:
		if len(c.Forgotten.Users) > 0 {
			return (&dataset.Change{Forgotten: &dataset.Forgotten{}}).Append(nil)
		}
	case c.Part != nil:
		if now := w.parts[c.Part.Blob]; now != nil {
			c.Part.Blob, c.Part.Rows = now.Blob, now.Rows
			return c.Append(nil)
		}
	}
	return rec.Data, nil
}

// owner gives the user that an event is of, by history's rules.
func (w *rewriter) owner(x *dataset.Interaction) string {
	v := visit{w.cleared, x.Session}
	if x.User != "" {
		if _, met := w.joined[v]; met {
			w.current[v] = x.User
		}
		return x.User
	}
	if u, ok := w.current[v]; ok {
		return u
	}
	return cmp.Or(w.joined[v], x.Session)
}

func partsOf(groupID string) string { return "parts/" + groupID + "/" }

// sweepParts deletes parts and id files that the log does not name and that no
// import is writing. What is looked at in this order, so that a part is not taken
// for old which an import commits meanwhile.
func (g *group) sweepParts(ctx context.Context) error {
	var there []string
	for info, err := range g.opt.Blobs.List(ctx, partsOf(g.id)) {
		if err != nil {
			return fmt.Errorf("sweep parts: %w", err)
		}
		there = append(there, info.Name)
	}
	var importing []string
	err := g.opt.DB.View(ctx, func(tx *store.Tx) error {
		all, _, err := catalog.List[catalog.ImportJob](tx, catalog.Query{})
		for _, j := range all {
			if j.Status.Transitional() {
				importing = append(importing, partsOf(g.id)+j.ID+"-")
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	named, err := g.namedParts(ctx)
	if err != nil {
		return err
	}
	return deleteAll(ctx, g.opt.Blobs, slices.DeleteFunc(there, func(name string) bool {
		return named[name] || slices.ContainsFunc(importing, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	}))
}

// namedParts gives the parts that the log names, and their id files.
func (g *group) namedParts(ctx context.Context) (map[string]bool, error) {
	named := map[string]bool{}
	for rec, err := range g.opt.Logs.Log(g.id).Read(ctx, 0) {
		if err != nil {
			return nil, err
		}
		if !dataset.IsBulk(rec.Data) {
			continue
		}
		c, err := dataset.ParseChange(rec.Data)
		if err != nil {
			return nil, err
		}
		if c.Part != nil {
			named[c.Part.Blob], named[dataset.IDFileName(c.Part.Blob)] = true, true
		}
	}
	return named, nil
}

// remove deletes the blobs below a prefix for which old says so.
func (g *group) remove(ctx context.Context, prefix string, old func(name string) bool) error {
	var names []string
	for info, err := range g.opt.Blobs.List(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("sweep blobs below %q: %w", prefix, err)
		}
		if old(info.Name) {
			names = append(names, info.Name)
		}
	}
	return deleteAll(ctx, g.opt.Blobs, names)
}

func deleteAll(ctx context.Context, blobs blob.Store, names []string) error {
	for _, name := range names {
		if err := blobs.Delete(ctx, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sweep blob %q: %w", name, err)
		}
	}
	return nil
}
