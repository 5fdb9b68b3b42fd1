// Package backup copies a data folder, also that of a running server, and puts copies
// back.
//
// A backup is a folder, or a prefix of a bucket, like a data folder – usher.db, blobs/, buckets/ – with a
// manifest beside, backup.json, that is written last and names every file with its
// size, time and checksum. It is of one moment: first all files are linked into a
// folder of the backup's own, where the server's deletions do not reach them; then
// the database is copied as of one transaction; then files that came meanwhile are
// linked too, and from when it begins the server keeps for it the blobs that it deletes
// (Kept). So whatever the database speaks of is there: blobs never change (I3), a
// record is committed after its blob, and objects are replaced by renaming. What is
// there beside that – blobs of jobs that had not ended – is swept away or used by the
// jobs, which run again after the restore as after a crash.
//
// A restore checks every checksum, and the data folder appears as a whole or not at
// all. Databases in PostgreSQL are left to PostgreSQL's own tools.
package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"usher/blob"
	"usher/store"
)

// Names in a backup.
const (
	manifestName = "backup.json"
	databaseName = "usher.db"

	format  = "usher-backup"
	version = 1
)

// folders of a data folder that are copied.
var folders = []string{"blobs", "buckets"}

// unfinished is the folder of files that are being written; they are nobody's yet.
const unfinished = ".tmp"

// Manifest says what is in a backup.
type Manifest struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Time    time.Time `json:"time"`  // when it was begun
	Files   []File    `json:"files"` // by name
}

// File is one file of a backup.
type File struct {
	Name    string `json:"name"` // with slashes
	Size    int64  `json:"size"`
	ModTime int64  `json:"modTime"` // nanoseconds since 1970: objects in buckets are known by it
	CRC32C  uint32 `json:"crc32c"`
}

// Bytes is the size of all files.
func (m *Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Backup copies the data folder dir to a place, which must be new or empty. now is
// when. On an error nothing is left in a folder; in a bucket, objects without a
// manifest.
func Backup(ctx context.Context, dir string, to Place, now time.Time) (_ *Manifest, err error) {
	if _, err := os.Stat(filepath.Join(dir, databaseName)); err != nil {
		return nil, fmt.Errorf("back up %q: it is no data folder of usher: %w", dir, err)
	}
	if err := to.empty(ctx); err != nil {
		return nil, fmt.Errorf("back up into %v: %w", to, err)
	}
	stage, remove, err := openStage(dir)
	if err != nil {
		return nil, fmt.Errorf("back up %q: %w", dir, err)
	}
	defer func() {
		err = errors.Join(err, remove())
		if err != nil {
			err = errors.Join(err, to.clear())
		}
	}()
	if err := freeze(ctx, dir, stage); err != nil {
		return nil, fmt.Errorf("back up %q: %w", dir, err)
	}
	m := &Manifest{Format: format, Version: version, Time: now.UTC()}
	if m.Files, err = copyTree(ctx, stage, to); err == nil {
		err = m.write(ctx, to)
	}
	if err != nil {
		return nil, fmt.Errorf("back up into %v: %w", to, err)
	}
	return m, nil
}

// freeze puts a data folder, as of one moment, into stage: files as links, the
// database as a copy.
func freeze(ctx context.Context, dir, stage string) error {
	if err := os.Mkdir(Kept(dir), 0o700); err != nil {
		return err
	}
	if err := linkAll(ctx, dir, stage); err != nil {
		return err
	}
	if err := store.Copy(ctx, dir, filepath.Join(stage, databaseName)); err != nil {
		return err
	}
	if err := linkAll(ctx, dir, stage); err != nil {
		return err
	}
	return takeKept(Kept(dir), stage)
}

// takeKept puts the blobs that were deleted meanwhile where they were.
func takeKept(kept, stage string) error {
	ended := kept + ".ended"
	if err := os.Rename(kept, ended); err != nil { // from here on nothing is added
		return err
	}
	list, err := os.ReadDir(ended)
	if err != nil {
		return err
	}
	for _, e := range list {
		name, err := blob.NameOfKept(e.Name())
		if err != nil {
			return err
		}
		if err := link(filepath.Join(ended, e.Name()), filepath.Join(stage, "blobs", filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	return os.RemoveAll(ended)
}

// linkAll links the files of the folders that are not linked yet, and those that
// were replaced since.
func linkAll(ctx context.Context, dir, stage string) error {
	for _, name := range folders {
		root := filepath.Join(dir, name)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile, or never there
				return nil
			}
			if err != nil {
				return err
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if d.Name() == unfinished {
				return fs.SkipDir
			}
			if !d.Type().IsRegular() {
				return nil
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			return link(path, filepath.Join(stage, rel))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// link links a file, or copies it where links are not to be had.
func link(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	now, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if before, err := os.Stat(to); err == nil {
		if os.SameFile(before, now) || before.Size() == now.Size() && before.ModTime().Equal(now.ModTime()) {
			return nil
		}
		if err := os.Remove(to); err != nil {
			return err
		}
	}
	err = os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err = copyFile(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// copyTree copies all files below a folder and says what they are.
func copyTree(ctx context.Context, from string, to Place) (list []File, err error) {
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		f, err := to.put(ctx, path, name)
		f.Name = name
		list = append(list, f)
		return err
	})
	slices.SortFunc(list, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

func (m *Manifest) write(ctx context.Context, to Place) error {
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return to.write(ctx, manifestName, b)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
