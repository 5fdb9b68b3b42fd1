package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// Copy writes the embedded database of a data folder, as it is at one moment between
// the beginning and the end of the call, into a new file. A server may be using the
// folder: it goes on writing meanwhile.
func Copy(ctx context.Context, dir, file string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy database of %s: %w", folder(dir), err)
		}
	}()
	e := &embedded{sync: 2}
	if e.dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", e.source("&mode=rw")) // rw: one that is not there is not made
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "vacuum into ?", file)
	return errors.Join(err, db.Close())
}
