package serving

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"usher/catalog"
	"usher/store"
)

// Folder describes a data folder with many models of one size.
type Folder struct {
	Dir      string // empty or not there yet
	Scale    Scale
	Versions int // of one solution, each with a model's file of its own name
	Files    int // how many different files these are; the others are links to them
}

// Fill makes the folder and prints the ARN of each version. Campaigns are for the
// caller to make, through the API.
func (f Folder) Fill(ctx context.Context, opt Options) error {
	w := &world{opt: opt, scale: f.Scale, dir: f.Dir}
	for _, step := range []func(context.Context) error{w.write, w.importEvents, w.draw} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("fill folder: %w", err)
		}
	}
	fmt.Fprintln(opt.Out, w.version)
	db, err := store.Open(ctx, store.Options{Dir: f.Dir, Now: opt.Now})
	if err != nil {
		return fmt.Errorf("fill folder: %w", err)
	}
	defer db.Close()
	for i := 1; i < f.Versions; i++ {
		if err := f.model(i); err != nil {
			return fmt.Errorf("fill folder: model %d: %w", i, err)
		}
		v := w.drawn(f.name(i))
		if err := db.Update(ctx, func(tx *store.Tx) error { return catalog.Create(tx, v) }); err != nil {
			return fmt.Errorf("fill folder: version %d: %w", i, err)
		}
		fmt.Fprintln(opt.Out, v.ARN)
	}
	return nil
}

// name is the blob of a version's model.
func (f Folder) name(version int) string {
	if version == 0 {
		return modelBlob
	}
	return fmt.Sprintf("%s-%d", modelBlob, version)
}

func (f Folder) path(version int) string {
	return filepath.Join(f.Dir, "blobs", filepath.FromSlash(f.name(version)))
}

// model makes the file of a version's model.
func (f Folder) model(version int) error {
	if version >= f.Files {
		return os.Link(f.path(version%f.Files), f.path(version))
	}
	from, err := os.Open(f.path(0))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(f.path(version))
	if err != nil {
		return err
	}
	defer to.Close()
	// Not io.Copy of two files, which some file systems answer by sharing their blocks.
	if _, err := io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from}); err != nil {
		return err
	}
	return to.Close()
}
