package retention

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/store"
)

// names gives the blobs that the log names.
func (g *group) names(tx *store.Tx) (map[string]bool, error) {
	named := map[string]bool{}
	s, err := g.opt.Logs.StateTx(tx, g.id)
	if err != nil {
		return nil, err
	}
	named[s.Blob] = true
	list, err := g.opt.Logs.Segments(tx, g.id)
	for _, s := range list {
		named[s.Blob] = true
	}
	return named, err
}

// sweep deletes blobs of the group that the log does not name: those of attempts
// that did not come to their end, and what was replaced.
func (g *group) sweep(ctx context.Context) error {
	var named map[string]bool
	err := g.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		named, err = g.names(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, prefix := range []string{statesOf(g.id), segmentsOf(g.id)} {
		if err := g.remove(ctx, prefix, func(name string) bool { return !named[name] }); err != nil {
			return err
		}
	}
	return nil
}

// sweepCopies removes what else has blobs that were deleted.
func (g *group) sweepCopies(context.Context) error {
	if g.opt.Copies == nil {
		return nil
	}
	return g.opt.Copies()
}

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
	err := history.EachBulk(ctx, g.opt.Logs.Log(g.id), 0, func(_ eventlog.Offset, c *dataset.Change) error {
		if c.Part != nil {
			named[c.Part.Blob], named[dataset.IDFileName(c.Part.Blob)] = true, true
		}
		return nil
	})
	return named, err
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
