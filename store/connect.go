package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
)

// pragmas of every connection. synchronous(2) is FULL: a commit returns after
// the sync.
const pragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(2)&_pragma=foreign_keys(1)"

// connect opens the writer's connection and the readers' pool. In memory there
// is no pool, because each connection would be a database of its own.
func (db *DB) connect(ctx context.Context, name string) (err error) {
	if db.write, err = sql.Open("sqlite", name+"?"+pragmas); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	db.write.SetConnMaxLifetime(0)
	if db.conn, err = db.write.Conn(ctx); err != nil {
		return err
	}
	if name == ":memory:" {
		return nil
	}
	if db.read, err = sql.Open("sqlite", name+"?"+pragmas+"&_pragma=query_only(1)"); err != nil {
		return err
	}
	db.read.SetMaxOpenConns(max(4, 2*runtime.NumCPU()))
	db.read.SetMaxIdleConns(max(4, 2*runtime.NumCPU()))
	return nil
}

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies the migrations that the database has not seen, each in a
// transaction of its own.
func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in order of names
	if err != nil {
		return err
	}
	var have int
	if err := db.conn.QueryRowContext(ctx, "pragma user_version").Scan(&have); err != nil {
		return err
	}
	if have > len(files) {
		return fmt.Errorf("it was written by a newer usher: its schema is %d, this usher knows %d. Start the newer usher, or another -data folder", have, len(files))
	}
	for i := have; i < len(files); i++ {
		text, err := migrations.ReadFile(files[i])
		if err != nil {
			return err
		}
		for _, sql := range []string{"begin immediate", string(text), fmt.Sprintf("pragma user_version = %d", i+1), "commit"} {
			if _, err := db.conn.ExecContext(ctx, sql); err != nil { // closing the connection rolls back
				return fmt.Errorf("migrate to schema %d: %w", i+1, err)
			}
		}
	}
	return nil
}

// checkUnclean checks the database's integrity if the last process did not
// close it, and marks it as open.
func (db *DB) checkUnclean(ctx context.Context) error {
	var state string
	err := db.conn.QueryRowContext(ctx, "select value from meta where key = 'open'").Scan(&state)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if state == "yes" {
		rows, err := db.conn.QueryContext(ctx, "pragma quick_check")
		if err != nil {
			return err
		}
		defer rows.Close()
		var bad []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			if line != "ok" {
				bad = append(bad, line)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if len(bad) > 0 {
			return fmt.Errorf("the database is damaged: %s. Restore it from a backup", strings.Join(bad, "; "))
		}
	}
	return db.mark(ctx, "yes")
}

func (db *DB) mark(ctx context.Context, open string) error {
	_, err := db.conn.ExecContext(ctx, "insert into meta(key, value) values('open', $1) on conflict(key) do update set value = excluded.value", open)
	return err
}

// Close waits for running transactions and closes the database.
func (db *DB) Close() error {
	var err error
	db.once.Do(func() {
		close(db.stop)
		<-db.stopped
		err = errors.Join(db.mark(context.Background(), "no"), db.closeFiles())
	})
	return err
}

func (db *DB) closeFiles() error {
	var errs []error
	if db.read != nil {
		errs = append(errs, db.read.Close())
	}
	for _, s := range db.statements {
		errs = append(errs, s.Close())
	}
	if db.conn != nil {
		errs = append(errs, db.conn.Close())
	}
	if db.write != nil {
		errs = append(errs, db.write.Close())
	}
	return errors.Join(append(errs, db.unlock())...)
}
