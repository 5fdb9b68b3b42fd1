package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Restore makes the data folder dir, which must be new or empty, of the backup that
// lies there. Every file is checked; on an error dir is as it was.
func Restore(ctx context.Context, from Place, dir string) (_ *Manifest, err error) {
	m, err := readManifest(ctx, from)
	if err != nil {
		return nil, err
	}
	if err := Folder(dir).empty(ctx); err != nil {
		return nil, fmt.Errorf("restore into %q: %w", dir, err)
	}
	aside := filepath.Clean(dir) + ".restoring"
	if err := os.RemoveAll(aside); err != nil { // of a restore that did not come to its end
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(aside))
		}
	}()
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := f.restore(ctx, from, aside); err != nil {
			return nil, fmt.Errorf("restore %q: %w", f.Name, err)
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // the empty folder
		return nil, err
	}
	if err := os.Rename(aside, dir); err != nil {
		return nil, err
	}
	return m, nil
}

// restore copies a file and compares it with what the manifest says.
func (f File) restore(ctx context.Context, from Place, to string) error {
	local := filepath.FromSlash(f.Name)
	if !filepath.IsLocal(local) {
		return errors.New("the manifest names a file outside of the backup")
	}
	name := filepath.Join(to, local)
	got, err := from.get(ctx, f.Name, name)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("the backup lacks the file")
	}
	if err != nil {
		return err
	}
	if got.Size != f.Size || got.CRC32C != f.CRC32C {
		return fmt.Errorf("the backup is damaged: %d bytes with checksum %08x, want %d and %08x", got.Size, got.CRC32C, f.Size, f.CRC32C)
	}
	at := time.Unix(0, f.ModTime)
	return os.Chtimes(name, at, at)
}

func readManifest(ctx context.Context, from Place) (*Manifest, error) {
	b, err := from.read(ctx, manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%v is no whole backup: it has no %s, which is written last", from, manifestName)
	}
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("read %s in %v: %w", manifestName, from, err)
	}
	if m.Format != format || m.Version != version {
		return nil, fmt.Errorf("%v is a backup of the format %q, version %d; this usher reads %q, version %d", from, m.Format, m.Version, format, version)
	}
	return m, nil
}
