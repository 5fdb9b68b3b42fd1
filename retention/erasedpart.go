package retention

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"usher/catalog"
	"usher/dataset"
)

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

func partsOf(groupID string) string { return "parts/" + groupID + "/" }
