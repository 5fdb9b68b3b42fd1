package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"usher/blob/internal/durable"
)

// tempElement is the folder of unfinished blobs; no name starts with it.
const tempElement = ".tmp"

// maxName is the longest name in bytes, the same as S3's longest key.
const maxName = 1024

// Dir is a Store of plain files: the blob "a/b" is the file a/b in the folder.
// Several processes may use one folder.
type Dir struct {
	root string
	temp *durable.Area
	kept string // "" or the folder of KeepDeleted
}

// OpenDir opens the folder, makes it if need be, and removes what a crash left
// unfinished. Writers that live, in this process or another, are left alone.
func OpenDir(path string) (*Dir, error) {
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open blob folder %q: %w", path, err)
	}
	temp, err := durable.OpenArea(filepath.Join(root, tempElement))
	if err != nil {
		return nil, fmt.Errorf("open blob folder %q: %w", path, err)
	}
	if err := durable.SyncUp(root, "."); err != nil {
		return nil, fmt.Errorf("open blob folder %q: %w", path, err)
	}
	return &Dir{root: root, temp: temp}, nil
}

// Open opens a blob for reading; it stays readable when it is deleted or
// replaced meanwhile.
func (d *Dir) Open(ctx context.Context, name string) (Reader, error) {
	if err := check(ctx, "open", name); err != nil {
		return nil, err
	}
	f, info, err := durable.Open(d.root, name)
	if err != nil {
		return nil, fmt.Errorf("open blob %q: %w", name, err)
	}
	return &file{File: f, size: info.Size()}, nil
}

type file struct {
	*os.File
	size int64
}

func (f *file) Size() int64 { return f.size }

// Create starts a blob. Writes are not buffered.
func (d *Dir) Create(ctx context.Context, name string) (Writer, error) {
	if err := check(ctx, "create", name); err != nil {
		return nil, err
	}
	f, err := d.temp.Create()
	if err != nil {
		return nil, fmt.Errorf("create blob %q: %w", name, err)
	}
	return &writer{file: f, root: d.root, name: name}, nil
}

type writer struct {
	file       *durable.File
	root, name string
	done       bool
}

func (w *writer) Write(p []byte) (int, error) {
	if w.done {
		return 0, fmt.Errorf("write blob %q: %w", w.name, fs.ErrClosed)
	}
	n, err := w.file.Write(p)
	if err != nil {
		err = fmt.Errorf("write blob %q: %w", w.name, err)
	}
	return n, err
}

func (w *writer) Commit() error {
	if w.done {
		return fmt.Errorf("commit blob %q: %w", w.name, fs.ErrClosed)
	}
	w.done = true
	if err := w.file.Publish(w.root, w.name); err != nil {
		_ = w.file.Abort()
		return fmt.Errorf("commit blob %q: %w", w.name, err)
	}
	return nil
}

func (w *writer) Abort() error {
	w.done = true
	if err := w.file.Abort(); err != nil {
		return fmt.Errorf("abort blob %q: %w", w.name, err)
	}
	return nil
}

// List reads one folder at a time, as far as the caller goes.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		c := durable.Walk(d.root, prefix, "", tempElement+"/")
		for {
			if err := ctx.Err(); err != nil {
				yield(Info{}, fmt.Errorf("list blobs %q: %w", prefix, context.Cause(ctx)))
				return
			}
			name, info, ok := c.Next()
			if !ok {
				break
			}
			if !yield(Info{Name: name, Size: info.Size(), ModTime: info.ModTime()}, nil) {
				return
			}
		}
		if err := c.Err(); err != nil {
			yield(Info{}, fmt.Errorf("list blobs %q: %w", prefix, err))
		}
	}
}

// KeepDeleted has Delete put blobs into a folder of the same disk, under the name
// that KeptName gives, whenever that folder is there: for those who copy the blobs
// and a database that names them, and must not miss one. It is to be called before
// the Dir is used.
func (d *Dir) KeepDeleted(folder string) { d.kept = folder }

// KeptName gives the file name of a blob in the folder of KeepDeleted.
func KeptName(name string) string { return url.PathEscape(name) }

// NameOfKept is the inverse of KeptName.
func NameOfKept(file string) (string, error) { return url.PathUnescape(file) }

// Delete removes a blob and the folders that it leaves empty.
func (d *Dir) Delete(ctx context.Context, name string) error {
	if err := check(ctx, "delete", name); err != nil {
		return err
	}
	if d.kept != "" {
		err := os.Link(filepath.Join(d.root, filepath.FromSlash(name)), filepath.Join(d.kept, KeptName(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("delete blob %q: keep it: %w", name, err)
		}
	}
	if err := durable.Remove(d.root, name); err != nil {
		return fmt.Errorf("delete blob %q: %w", name, err)
	}
	return nil
}

// check refuses names that are no plain names of files on every system, so
// that a data folder can be moved to another.
func check(ctx context.Context, verb, name string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s blob %q: %w", verb, name, context.Cause(ctx))
	}
	first, _, _ := strings.Cut(name, "/")
	if !durable.IsLocal(name) || len(name) > maxName || strings.ContainsAny(name, "\\\x00") || strings.EqualFold(first, tempElement) {
		return fmt.Errorf("%s blob %.100q: %w: names are relative, slash-separated, without empty elements, %q, %q, %q, backslashes and NUL, "+
			"at most %d bytes long and 255 an element", verb, name, fs.ErrInvalid, ".", "..", tempElement, maxName)
	}
	return nil
}
