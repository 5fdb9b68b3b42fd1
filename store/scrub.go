package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Scrub leaves nothing of rows that were deleted in the files of the embedded
// database: deleted content is overwritten as it goes (secure_delete), and this
// empties the write-ahead file, which has pages from before. A PostgreSQL is told to
// reuse the room of deleted rows; what its own log and backups keep is its
// operator's business.
func (db *DB) Scrub(ctx context.Context) error {
	if err := db.kind.scrub(ctx, db); err != nil {
		return fmt.Errorf("scrub the database: %w", err)
	}
	return nil
}

var errReaders = errors.New("somebody reads an old state of the database")

// scrub implements dialect. Who reads an old state holds it up for a while.
func (e *embedded) scrub(ctx context.Context, _ *DB) error {
	own, err := sql.Open("sqlite", e.source("")) // the writer's connection is the writer's
	if err != nil {
		return err
	}
	defer own.Close()
	for range 10 {
		var busy, frames, moved int
		if err := own.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &frames, &moved); err != nil {
			return err
		}
		if busy == 0 {
			return nil
		}
	}
	return errReaders
}

// scrub implements dialect.
func (p *postgres) scrub(ctx context.Context, db *DB) error {
	for _, table := range []string{"log", "resource", "job"} {
		if _, err := db.read.ExecContext(ctx, "vacuum "+table); err != nil {
			return err
		}
	}
	return nil
}
