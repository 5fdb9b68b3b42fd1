package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Tx is a running transaction. It is used by one goroutine and not after its
// function has returned.
type Tx struct {
	ctx    context.Context
	db     *DB
	sql    querier
	writes bool
	over   bool
	broken error    // ended the transaction; nothing may run behind it
	after  []func() // OnCommit
	notes  []note   // Notify
	others []note   // Notify and NotifyOthers, for other processes
}

// querier is a connection or a transaction of database/sql.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

var errOver = errors.New("store: internal error: the transaction is over")

// Context is the context of the transaction.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Now gives the time to record.
func (tx *Tx) Now() time.Time { return tx.db.now() }

// Exec runs a statement and gives the number of rows it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	if err := tx.usable(); err != nil {
		return 0, err
	}
	r, err := tx.exec(query, args)
	if err != nil {
		return 0, tx.seen(err)
	}
	return r.RowsAffected()
}

// statementsMax bounds the prepared statements, should a text ever be built.
const statementsMax = 256

// exec prepares each text once for the life of the database: parsing costs more
// than most statements. pgx does so itself.
func (tx *Tx) exec(query string, args []any) (sql.Result, error) {
	if !tx.writes || tx.db.Shared() || len(tx.db.statements) >= statementsMax && tx.db.statements[query] == nil {
		return tx.sql.ExecContext(tx.ctx, query, args...)
	}
	stmt := tx.db.statements[query]
	if stmt == nil {
		var err error
		if stmt, err = tx.db.conn.PrepareContext(tx.ctx, query); err != nil {
			return nil, err
		}
		tx.db.statements[query] = stmt
	}
	return stmt.ExecContext(tx.ctx, args...)
}

// Query runs a query; the caller closes the rows.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	rows, err := tx.sql.QueryContext(tx.ctx, query, args...)
	return rows, tx.seen(err)
}

// QueryRow runs a query for at most one row; no row is sql.ErrNoRows on Scan.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	if err := tx.usable(); err != nil {
		ctx, cancel := context.WithCancelCause(tx.ctx)
		cancel(err)
		return tx.sql.QueryRowContext(ctx, query, args...) // a Row can only be made by a query; this one does not run
	}
	row := tx.sql.QueryRowContext(tx.ctx, query, args...)
	_ = tx.seen(row.Err())
	return row
}

func (tx *Tx) usable() error {
	if tx.over {
		return errOver
	}
	return tx.broken
}

// seen remembers an error that ended the transaction.
func (tx *Tx) seen(err error) error {
	if tx.writes && err != nil && tx.db.kind.judge(err).ends {
		tx.broken = err
	}
	return err
}

// Notify tells the topic's subscribers about key once the transaction is on disk,
// in this process before Update returns, in others soon after.
func (tx *Tx) Notify(topic, key string) {
	tx.notes = append(tx.notes, note{topic, key})
	tx.NotifyOthers(topic, key)
}

// NotifyOthers is Notify for the subscribers of other processes only.
func (tx *Tx) NotifyOthers(topic, key string) {
	if tx.db.Shared() {
		tx.others = append(tx.others, note{topic, key})
	}
}

// Alive says whether the DB with that name (DB.Process) has the database open. One
// whose process has died has not; one that is out of reach of the database may.
func (tx *Tx) Alive(process string) (alive bool, err error) {
	if !tx.db.Shared() {
		return process == tx.db.process, nil
	}
	err = tx.QueryRow(`select count(*) > 0 from pg_locks where locktype = 'advisory' and objsubid = 2 and classid = $1::bigint::oid
		and objid = (hashtext($2)::bigint & 4294967295)::oid and database = (select oid from pg_database where datname = current_database())`, present, process).Scan(&alive)
	return alive, err
}

// Clock gives the time of a clock that all processes of the database share.
func (tx *Tx) Clock() (time.Time, error) {
	if !tx.db.Shared() {
		return tx.Now(), nil
	}
	var micro int64
	err := tx.QueryRow("select (extract(epoch from clock_timestamp()) * 1000000)::bigint").Scan(&micro)
	return time.UnixMicro(micro).UTC(), err
}

// OnCommit runs fn once the transaction is on disk, before Update returns.
func (tx *Tx) OnCommit(fn func()) { tx.after = append(tx.after, fn) }

// View runs fn on a stable, read-only snapshot. It may be long, but the
// write-ahead file grows for as long.
func (db *DB) View(ctx context.Context, fn func(tx *Tx) error) error {
	db.mu.Lock()
	if db.mu.closed {
		db.mu.Unlock()
		return ErrClosed
	}
	db.mu.views.Add(1)
	db.mu.Unlock()
	defer db.mu.views.Done()
	opt := sql.TxOptions{ReadOnly: true}
	if db.Shared() {
		opt.Isolation = sql.LevelRepeatableRead // SQLite knows no less
	}
	t, err := db.read.BeginTx(ctx, &opt)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return db.explain(fmt.Errorf("begin reading: %w", err))
	}
	defer t.Rollback()
	tx := &Tx{ctx: ctx, db: db, sql: t}
	defer func() { tx.over = true }()
	return db.explain(fn(tx))
}
