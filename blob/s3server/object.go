package s3server

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"usher/blob/internal/durable"
)

// open opens an object with the record that belongs to it.
func (b *bucket) open(key string) (*os.File, record, error) {
	if err := checkKey(key); err != nil {
		return nil, record{}, err
	}
	b.layout.RLock()
	defer b.layout.RUnlock()
	lock := b.lockOf(key)
	lock.RLock()
	defer lock.RUnlock()
	return b.find(key)
}

// find is open for who holds the locks.
func (b *bucket) find(key string) (f *os.File, rec record, err error) {
	var info fs.FileInfo
	err = fs.ErrNotExist
	if isPlain(key) {
		f, info, err = durable.Open(b.dir, key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		f, info, err = durable.Open(b.asideRoot(), escape(key))
	}
	if errors.Is(err, fs.ErrNotExist) {
		if !b.s.exists(b.name) {
			return nil, record{}, noSuchBucket(b.name)
		}
		return nil, record{}, noSuchKey(b.name, key)
	}
	if err != nil {
		return nil, record{}, err
	}
	if rec, err = b.s.recordOf(b.name, key, info); err != nil {
		_ = f.Close()
		return nil, record{}, err
	}
	return f, rec, nil
}

// current gives the record of the object that is there now; nil if there is none.
func (b *bucket) current(key string) (*record, error) {
	f, rec, err := b.find(key)
	if err != nil {
		var missing *fault
		if errors.As(err, &missing) && missing.code == "NoSuchKey" {
			return nil, nil
		}
		return nil, err
	}
	return &rec, f.Close()
}

// errLayout says that an object cannot be placed before another one has moved.
var errLayout = errors.New("an object stands in the way")

// put makes the file the object of that key. allow sees the object that is
// there now, or nil, and may refuse.
func (b *bucket) put(key string, f *durable.File, rec record, allow func(*record) error) (record, error) {
	if err := b.stamp(f, &rec); err != nil {
		return record{}, err
	}
	b.layout.RLock()
	lock := b.lockOf(key)
	lock.Lock()
	err := b.place(key, f, &rec, allow, false)
	lock.Unlock()
	b.layout.RUnlock()
	if !errors.Is(err, errLayout) {
		return rec, err
	}
	b.layout.Lock()
	defer b.layout.Unlock()
	err = b.place(key, f, &rec, allow, true)
	return rec, err
}

// stamp seals the file with a time of its own, by which it finds its record.
func (b *bucket) stamp(f *durable.File, rec *record) error {
	info, err := f.Seal(b.s.nextStamp())
	if err == nil {
		rec.Size, rec.ModTime = info.Size(), info.ModTime().UnixNano()
	}
	return err
}

// place publishes the file. Only who has the layout alone may move others, and
// is then never told errLayout.
func (b *bucket) place(key string, f *durable.File, rec *record, allow func(*record) error, alone bool) error {
	now, err := b.current(key)
	if err != nil {
		return err
	}
	if allow != nil {
		if err := allow(now); err != nil {
			return err
		}
	}
	wasAside, err := b.isAside(key)
	if err != nil {
		return err
	}
	aside := !isPlain(key)
	if !aside && !alone && (wasAside || b.blocked(key)) {
		return errLayout
	}
	if !aside && alone {
		if aside, err = b.makeRoom(key); err != nil {
			return err
		}
	}
	// The clock may have gone back since the last process.
	for now != nil && now.Size == rec.Size && now.ModTime == rec.ModTime {
		if err := b.stamp(f, rec); err != nil {
			return err
		}
	}
	recs := []record{*rec}
	if now != nil {
		recs = append(recs, *now)
	}
	if err := b.s.writeRecords(b.name, key, recs...); err != nil {
		return err
	}
	if aside {
		if err := f.Publish(b.asideRoot(), escape(key)); err != nil {
			return err
		}
		return b.noteAside(key, true)
	}
	if err := f.Publish(b.dir, key); err != nil {
		if !alone && b.blocked(key) {
			return errLayout
		}
		return err
	}
	if wasAside { // from here on the plain file counts
		return b.dropAside(key)
	}
	return nil
}

func (b *bucket) dropAside(key string) error {
	if err := durable.Remove(b.s.side, asideDir+"/"+b.name+"/"+escape(key)); err != nil {
		return err
	}
	return b.noteAside(key, false)
}

// parents gives the folders that a key names: of "a/b/c", "a" and "a/b".
func parents(key string) (out []string) {
	for i := range len(key) {
		if key[i] == '/' {
			out = append(out, key[:i])
		}
	}
	return out
}

func (b *bucket) path(key string) string { return filepath.Join(b.dir, filepath.FromSlash(key)) }

// blocked tells whether a folder stands in the place of the key's file, or a
// file in the place of one of its folders.
func (b *bucket) blocked(key string) bool {
	for _, p := range parents(key) {
		if info, err := os.Stat(b.path(p)); err == nil && !info.IsDir() {
			return true
		}
	}
	info, err := os.Lstat(b.path(key))
	return err == nil && info.IsDir()
}

// makeRoom moves objects whose files stand in the place of the key's folders
// aside. It tells whether the key itself has to lie aside, because it is the
// folder of others.
func (b *bucket) makeRoom(key string) (aside bool, err error) {
	for _, p := range parents(key) {
		if info, err := os.Stat(b.path(p)); err != nil || info.IsDir() {
			continue
		}
		if err := b.noteAside(p, true); err != nil { // first, so that a listing sees it here or there
			return false, err
		}
		if err := durable.Rename(b.path(p), b.asideRoot(), escape(p)); err != nil {
			_ = b.noteAside(p, false)
			return false, err
		}
		if err := durable.SyncUp(b.asideRoot(), path.Dir(escape(p))); err != nil {
			return false, err
		}
	}
	info, err := os.Lstat(b.path(key))
	if err != nil || !info.IsDir() {
		return false, nil
	}
	// Folders that a deletion left empty are in nobody's way.
	gone, err := durable.RemoveTree(b.path(key))
	return !gone, err
}

// delete removes an object; it is no error when there is none.
func (b *bucket) delete(key string, allow func(*record) error) error {
	if err := checkKey(key); err != nil {
		return err
	}
	b.layout.RLock()
	defer b.layout.RUnlock()
	lock := b.lockOf(key)
	lock.Lock()
	defer lock.Unlock()
	now, err := b.current(key)
	if err != nil {
		return err
	}
	if allow != nil {
		if err := allow(now); err != nil {
			return err
		}
	}
	if now == nil {
		return nil
	}
	if isPlain(key) {
		if err := durable.Remove(b.dir, key); err != nil {
			return err
		}
	}
	if aside, err := b.isAside(key); err != nil {
		return err
	} else if aside {
		if err := b.dropAside(key); err != nil {
			return err
		}
	}
	return b.s.removeRecord(b.name, key)
}

// amend changes what is kept of an object and not its bytes.
func (b *bucket) amend(key string, change func(*record)) error {
	b.layout.RLock()
	defer b.layout.RUnlock()
	lock := b.lockOf(key)
	lock.Lock()
	defer lock.Unlock()
	f, rec, err := b.find(key)
	if err != nil {
		return err
	}
	_ = f.Close()
	change(&rec)
	return b.s.writeRecords(b.name, key, rec)
}

// contentType guesses by the ending what a program did not say.
func contentType(key string) string {
	switch {
	case strings.HasSuffix(key, ".csv"):
		return "text/csv"
	case strings.HasSuffix(key, ".json"):
		return "application/json"
	}
	return "binary/octet-stream"
}
