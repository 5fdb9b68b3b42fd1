package retention

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
)

// part rewrites a part, or the id file in its place, if it has a user or an item.
func (e *erasure) part(ctx context.Context, p *part) error {
	searched := false
	for _, erase := range []*dataset.Erasure{erasureOf("USER_ID", e.gone.Users, p.at), erasureOf("ITEM_ID", e.gone.Items, p.at)} {
		if len(erase.IDs) == 0 {
			continue
		}
		there, err := e.without(ctx, p, erase)
		if err != nil {
			return err
		}
		searched = searched || there
	}
	if searched {
		e.proof.Parts.Searched++
	}
	if p.now != nil {
		e.proof.Parts.Replaced++
	}
	return nil
}

// erasureOf names the ids of a column that were forgotten behind an offset.
func erasureOf(column string, gone map[string]eventlog.Offset, at eventlog.Offset) *dataset.Erasure {
	erase := &dataset.Erasure{Column: column, IDs: map[string]struct{}{}}
	for id, until := range gone {
		if at <= until {
			erase.IDs[id] = struct{}{}
		}
	}
	return erase
}

// without rewrites a part, as it is by now, without some ids. It says whether there
// was one, or an id file.
func (e *erasure) without(ctx context.Context, p *part, erase *dataset.Erasure) (there bool, err error) {
	blobName := p.blob
	if p.now != nil {
		blobName = p.now.Blob
	}
	r, err := e.opt.Blobs.Open(ctx, blobName)
	if err == nil {
		defer r.Close()
		return true, e.rows(ctx, p, r, erase)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	r, err = e.opt.Blobs.Open(ctx, dataset.IDFileName(blobName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // of a group that is being deleted
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	return true, e.idFile(ctx, p, r, erase)
}

// rows rewrites a part.
func (e *erasure) rows(ctx context.Context, p *part, r blob.Reader, erase *dataset.Erasure) error {
	before, concerned, err := erase.ConcernsPart(r, r.Size(), p.schema)
	if err != nil || !concerned {
		return err
	}
	var left int64
	name, err := e.write(ctx, partsOf(e.id), func(w io.Writer) (err error) {
		left, err = erase.Part(ctx, r, r.Size(), p.schema, w)
		return err
	})
	if err != nil {
		return err
	}
	p.now = &dataset.PartCommitted{Blob: name, Rows: left}
	if p.schema.Type.Events() {
		e.proof.Events += before - left
	} else {
		e.proof.Records += before - left
	}
	return nil
}

// idFile rewrites the id file of a part that was replaced.
func (e *erasure) idFile(ctx context.Context, p *part, r blob.Reader, erase *dataset.Erasure) error {
	ids, err := dataset.ReadIDs(r, r.Size())
	if err != nil || !erase.Concerns(ids) {
		return err
	}
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

func partsOf(groupID string) string { return "parts/" + groupID + "/" }
