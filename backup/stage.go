package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"usher/store"
)

// stageName is the folder in a data folder in which a backup gathers what it copies.
// Who holds the lock of lockName beside it is the backup under way; a folder without
// one is of a backup that was killed, and nobody's.
const (
	stageName = ".backup"
	lockName  = ".backup.lock"
)

// keptName is the folder in the stage for blobs that are deleted meanwhile. A blob is
// deleted when nothing names it any more, so one that went before the folder was there
// is not in the copy of the database.
const keptName = "kept"

// Kept is the folder into which a server has to put the blobs of its data folder that
// it deletes, whenever it is there (blob.Dir.KeepDeleted).
func Kept(dir string) string { return filepath.Join(dir, stageName, keptName) }

// openStage makes the stage of a data folder, in the place of one that was left.
func openStage(dir string) (stage string, remove func() error, err error) {
	unlock, err := store.LockFile(filepath.Join(dir, lockName))
	if errors.Is(err, store.ErrInUse) {
		return "", nil, errors.New("another backup is under way")
	}
	if err != nil {
		return "", nil, err
	}
	stage = filepath.Join(dir, stageName)
	remove = func() error { return errors.Join(removeStage(stage), unlock()) }
	if err := errors.Join(removeStage(stage), os.Mkdir(stage, 0o700)); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return stage, remove, nil
}

// Sweep removes what a backup that was killed left in a data folder: links to files of
// which some may be deleted since, and are to be gone. A backup that is under way is
// left alone.
func Sweep(dir string) error {
	unlock, err := store.LockFile(filepath.Join(dir, lockName))
	if errors.Is(err, store.ErrInUse) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove what a backup left in %q: %w", dir, err)
	}
	return errors.Join(removeStage(filepath.Join(dir, stageName)), unlock())
}

// removeStage removes the folder, into which a server may be putting blobs meanwhile:
// it gets another name first.
func removeStage(stage string) error {
	aside := stage + ".old"
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	if err := os.Rename(stage, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(aside)
}
