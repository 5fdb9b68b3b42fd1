package s3server

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"usher/blob/internal/durable"
)

// walker gives the objects of a bucket in order of keys: plain files and those
// aside, merged. An object that moves between the two meanwhile is given once.
type walker struct {
	b      *bucket
	prefix string
	cursor *durable.Cursor
	plain  object   // the next plain file, if key is not empty
	aside  []string // what is to come of the keys aside
	change int      // of the keys aside, when they were read

	last    string // all keys to come are behind it
	skipped string // all keys to come do not start with it, if not empty
}

// object is one object as it is listed.
type object struct {
	key  string
	info fs.FileInfo
}

// walk gives the objects whose key starts with prefix and comes after the given one.
func (b *bucket) walk(prefix, after string) (*walker, error) {
	w := &walker{b: b, prefix: prefix, last: after, cursor: durable.Walk(b.dir, prefix, after, ""), change: -1}
	if err := w.readAside(); err != nil {
		return nil, err
	}
	w.advance()
	return w, nil
}

// readAside reads the keys aside, if they have changed: an object is noted there
// before its file moves.
func (w *walker) readAside() error {
	a := &w.b.aside
	a.mu.Lock()
	keys, err := w.b.loadAside()
	change := a.change
	a.mu.Unlock()
	if err != nil || change == w.change {
		return err
	}
	w.change = change
	from, _ := slices.BinarySearch(keys, max(w.prefix, w.last))
	// Keys that are gone stay: their objects may have become plain files that the
	// cursor has passed.
	for _, key := range keys[from:] {
		if !strings.HasPrefix(key, w.prefix) {
			break
		}
		if key > w.last && (w.skipped == "" || !strings.HasPrefix(key, w.skipped)) {
			w.aside = append(w.aside, key)
		}
	}
	slices.Sort(w.aside)
	w.aside = slices.Compact(w.aside)
	return nil
}

// advance goes to the next plain file whose name can be a key.
func (w *walker) advance() {
	w.plain = object{}
	for name, info, ok := w.cursor.Next(); ok; name, info, ok = w.cursor.Next() {
		if checkKey(name) == nil {
			w.plain = object{name, info}
			return
		}
	}
}

// next gives the next object; false at the end.
func (w *walker) next() (object, bool, error) {
	for {
		if err := w.readAside(); err != nil {
			return object{}, false, err
		}
		switch {
		case w.plain.key == "" && w.cursor.Err() != nil:
			return object{}, false, w.cursor.Err()
		case len(w.aside) > 0 && w.plain.key == w.aside[0]: // the plain file counts
			w.aside = w.aside[1:]
		case w.plain.key != "" && (len(w.aside) == 0 || w.plain.key < w.aside[0]):
			o := w.plain
			w.last = o.key
			w.advance()
			return o, true, nil
		case len(w.aside) > 0:
			key := w.aside[0]
			w.aside, w.last = w.aside[1:], key
			info, err := w.b.stat(key)
			if err == nil {
				return object{key, info}, true, nil
			}
			if !durable.IsNotExist(err) {
				return object{}, false, err
			}
		default:
			return object{}, false, nil
		}
	}
}

// stat looks for an object that lies aside, or did just now.
func (b *bucket) stat(key string) (fs.FileInfo, error) {
	info, err := os.Stat(filepath.Join(b.asideRoot(), filepath.FromSlash(escape(key))))
	if durable.IsNotExist(err) && isPlain(key) {
		if info, err = os.Stat(b.path(key)); err == nil && !info.Mode().IsRegular() {
			err = fs.ErrNotExist
		}
	}
	return info, err
}

// skip leaves out all that follows and starts with prefix.
func (w *walker) skip(prefix string) {
	w.skipped = prefix
	for len(w.aside) > 0 && strings.HasPrefix(w.aside[0], prefix) {
		w.aside = w.aside[1:]
	}
	w.cursor.SkipPrefix(prefix)
	if strings.HasPrefix(w.plain.key, prefix) {
		w.advance()
	}
}
