// Package durable puts whole files in place: written aside, synced, renamed,
// and the folder synced, so that a crash at any moment leaves the old file or
// the new one and never a piece.
//
// A file being written is locked while its writer lives. Whoever opens the same
// Area later, in this process or in another, sweeps away what nobody holds:
// the leftovers of a crash. A training child can therefore share the folder
// with its parent.
//
// Names are slash-separated, relative, and checked by the caller. What they
// mean is the caller's business too.
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Area is a folder of files that are still being written. It must lie on the
// same file system as the folders that they are published into.
type Area struct {
	dir string
}

// OpenArea makes the folder if need be and removes what earlier processes left
// unfinished in it.
func OpenArea(dir string) (*Area, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	a := &Area{dir: dir}
	if err := a.sweep(); err != nil {
		return nil, fmt.Errorf("remove leftovers in %q: %w", dir, err)
	}
	return a, nil
}

func (a *Area) sweep() error {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(a.dir, e.Name())
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its writer published it
		}
		if err != nil {
			return err
		}
		free, err := tryLock(f)
		if err == nil && free {
			err = removeOpen(f)
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeOpen removes a file that is locked by f. Windows cannot while it is open.
func removeOpen(f *os.File) error {
	if runtime.GOOS == "windows" {
		_ = f.Close()
	}
	return os.Remove(f.Name())
}

// Create starts a file. One of Publish and Abort must be called.
func (a *Area) Create() (*File, error) {
	// A sweep in another process may see the file before it is locked and take
	// it away; then we make another.
	for range 100 {
		f, err := os.CreateTemp(a.dir, "*")
		if err != nil {
			return nil, fmt.Errorf("create temporary file: %w", err)
		}
		held, err := tryLock(f)
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			return nil, err
		}
		if held && stillThere(f) {
			return &File{f: f}, nil
		}
		_ = f.Close()
	}
	return nil, fmt.Errorf("create temporary file in %q: it is removed again and again", a.dir)
}

func stillThere(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(f.Name())
	return err == nil && os.SameFile(mine, there)
}

// Adopt takes a file that was written elsewhere on the same file system, to be
// published. Abort leaves it where it is.
func Adopt(name string) (*File, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &File{f: f, adopted: true}, nil
}

// File is a file that nobody sees yet.
type File struct {
	f       *os.File
	adopted bool // not ours to remove
	sealed  bool
	closed  bool  // before the rename, where the system wants that
	failed  error // the first failed write; such a file is never published
}

// Write appends to the file.
func (w *File) Write(p []byte) (int, error) {
	if w.failed != nil {
		return 0, w.failed
	}
	n, err := w.f.Write(p)
	if err != nil {
		w.failed = err
	}
	return n, err
}

// ReadFrom appends all of r; from file to file the system copies by itself.
func (w *File) ReadFrom(r io.Reader) (int64, error) {
	if w.failed != nil {
		return 0, w.failed
	}
	n, err := w.f.ReadFrom(r)
	if err != nil {
		w.failed = err
	}
	return n, err
}

// ReadAt reads what was written.
func (w *File) ReadAt(p []byte, off int64) (int, error) { return w.f.ReadAt(p, off) }

// Seal gives the file its modification time, syncs it and describes it as it
// will be found when published. A zero time leaves the time as it is.
func (w *File) Seal(modTime time.Time) (fs.FileInfo, error) {
	if w.failed != nil {
		return nil, w.failed
	}
	if !modTime.IsZero() {
		if err := os.Chtimes(w.f.Name(), modTime, modTime); err != nil {
			return nil, err
		}
	}
	if err := w.f.Sync(); err != nil {
		w.failed = err // a second sync would not tell the truth
		return nil, err
	}
	w.sealed = true
	return w.f.Stat()
}

// Publish syncs the file, if Seal has not, and puts it under its name below
// root, in place of an earlier one; missing folders are made. It returns when
// all of it is on disk. After an error the file is still to be aborted.
func (w *File) Publish(root, name string) error {
	if !w.sealed {
		if _, err := w.Seal(time.Time{}); err != nil {
			return err
		}
	}
	if runtime.GOOS == "windows" && !w.closed {
		if err := w.f.Close(); err != nil {
			return err
		}
		w.closed = true
	}
	if err := Rename(w.f.Name(), root, name); err != nil {
		return err
	}
	_ = w.f.Close()
	w.f = nil
	return SyncUp(root, path.Dir(name))
}

// Abort removes the file. After Publish it does nothing.
func (w *File) Abort() error {
	if w.f == nil {
		return nil
	}
	f := w.f
	w.f = nil
	if w.adopted {
		_ = f.Close()
		return nil
	}
	err := removeOpen(f)
	_ = f.Close()
	return err
}

// Rename moves a file to name below root and makes the folders on the way. It
// may race with RemoveEmpty: both are then repeated or give in. It does not
// sync; see SyncUp.
func Rename(from, root, name string) error {
	target := filepath.Join(root, filepath.FromSlash(name))
	for attempt := 0; ; attempt++ {
		err := os.MkdirAll(filepath.Dir(target), 0o700)
		// A folder on the way vanishes when its last file is deleted at this
		// moment; MkdirAll then says that it exists or that it does not.
		again := errors.Is(err, fs.ErrExist)
		if err == nil {
			err = os.Rename(from, target)
		}
		if err == nil {
			return nil
		}
		// An empty folder in the place of the file is what a deletion left that
		// was cut short.
		again = again || errors.Is(err, fs.ErrNotExist) || rmdir(target) == nil
		if !again || attempt == 1000 {
			return err
		}
	}
}

// SyncUp syncs a folder below root and all its parents up to root itself, so
// that a file published there is found after a crash. All of them, because
// another writer may just have made one of them and not synced it yet; a sync
// of an unchanged folder costs next to nothing.
func SyncUp(root, dir string) error {
	for {
		if err := syncDir(filepath.Join(root, filepath.FromSlash(dir))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if dir == "." {
			return nil
		}
		dir = path.Dir(dir)
	}
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // there is no such call; NTFS logs renames itself
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some network file systems cannot
		return err
	}
	return nil
}

// Remove removes the file of that name below root and the folders that are
// empty then, and syncs. It is no error when there is none.
func Remove(root, name string) error {
	target := filepath.Join(root, filepath.FromSlash(name))
	if info, err := os.Lstat(target); err == nil && info.IsDir() {
		return nil
	}
	if err := os.Remove(target); err != nil {
		if IsNotExist(err) {
			return nil
		}
		return err
	}
	return SyncUp(root, RemoveEmpty(root, path.Dir(name)))
}

// RemoveEmpty removes dir and its parents below root, upwards, as long as they
// are empty, and gives the first folder that stays.
func RemoveEmpty(root, dir string) string {
	for dir != "." {
		if err := rmdir(filepath.Join(root, filepath.FromSlash(dir))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			break
		}
		dir = path.Dir(dir)
	}
	return dir
}

// RemoveTree removes a folder with all the empty folders in it; false if a file
// is in its way.
func RemoveTree(dir string) (bool, error) {
	var dirs []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, name)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	for _, d := range slices.Backward(dirs) {
		if rmdir(d) != nil {
			return false, nil
		}
	}
	return true, nil
}

// IsNotExist tells whether an error means that there is no such file; a file in
// the place of a folder on the way means that too.
func IsNotExist(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// Open opens a regular file for reading. Anything else under that name, a
// folder for one, is no file: the error wraps fs.ErrNotExist.
func Open(root, name string) (*os.File, fs.FileInfo, error) {
	target := filepath.Join(root, filepath.FromSlash(name))
	// Looked at before it is opened: opening a pipe would wait for its writer.
	info, err := os.Stat(target)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		if IsNotExist(err) {
			err = fs.ErrNotExist
		}
		return nil, nil, err
	}
	f, err := os.Open(target)
	if err != nil {
		if IsNotExist(err) {
			err = fs.ErrNotExist
		}
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, nil, errors.Join(err, fs.ErrNotExist)
	}
	return f, info, nil
}

// IsLocal tells whether a slash-separated name is the plain name of a file
// below a folder: no empty element, no "." and "..", no leading slash, nothing
// that this system reads in another way.
func IsLocal(name string) bool {
	if !fs.ValidPath(name) || name == "." {
		return false
	}
	if _, err := filepath.Localize(name); err != nil {
		return false
	}
	for element := range strings.SplitSeq(name, "/") {
		if len(element) > 255 {
			return false
		}
	}
	return true
}
