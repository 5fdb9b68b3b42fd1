package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Tx is a running transaction. It is used by one goroutine and not after its
// function has returned.
type Tx struct {
	ctx   context.Context
	db    *DB
	sql   querier
	after []func() // OnCommit
	notes []note   // Notify
}

// querier is a connection or a transaction of database/sql.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

type note struct{ topic, key string }

// Context is the context of the transaction.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Now gives the time to record.
func (tx *Tx) Now() time.Time { return tx.db.now() }

// Exec runs a statement and gives the number of rows it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	r, err := tx.sql.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Prepare gives a function that runs a statement, for those who write many
// rows: the text is parsed once for the life of the database.
func (tx *Tx) Prepare(query string) (exec func(args ...any) (int64, error), err error) {
	stmt := tx.db.statements[query]
	if stmt == nil {
		if stmt, err = tx.db.conn.PrepareContext(tx.ctx, query); err != nil {
			return nil, err
		}
		tx.db.statements[query] = stmt
	}
	return func(args ...any) (int64, error) {
		r, err := stmt.ExecContext(tx.ctx, args...)
		if err != nil {
			return 0, err
		}
		return r.RowsAffected()
	}, nil
}

// Query runs a query; the caller closes the rows.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	return tx.sql.QueryContext(tx.ctx, query, args...)
}

// QueryRow runs a query for at most one row; no row is sql.ErrNoRows on Scan.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	return tx.sql.QueryRowContext(tx.ctx, query, args...)
}

// Notify tells the topic's subscribers about key once the transaction is on disk.
func (tx *Tx) Notify(topic, key string) { tx.notes = append(tx.notes, note{topic, key}) }

// OnCommit runs fn once the transaction is on disk, before Update returns.
func (tx *Tx) OnCommit(fn func()) { tx.after = append(tx.after, fn) }

// Now gives the time to record.
func (db *DB) Now() time.Time { return db.now() }

// View runs fn on a stable, read-only snapshot.
func (db *DB) View(ctx context.Context, fn func(tx *Tx) error) (err error) {
	if db.read == nil { // in memory the writer reads too, and forgets
		err := db.Update(ctx, func(tx *Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return errForget
		})
		if errors.Is(err, errForget) {
			return nil
		}
		return err
	}
	t, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin reading: %w", err)
	}
	defer t.Rollback()
	return fn(&Tx{ctx: ctx, db: db, sql: t})
}

// errForget rolls a reader's savepoint back.
var errForget = errors.New("forget")

// subscribers are told what was committed.
type subscribers struct {
	mu     sync.Mutex
	next   int
	topics map[string]map[int]func(key string)
}

// Subscribe calls fn with the key of every Tx.Notify on the topic after its
// commit, in commit order. fn must be quick and must not write.
func (db *DB) Subscribe(topic string, fn func(key string)) (cancel func()) {
	s := &db.subs
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics == nil {
		s.topics = map[string]map[int]func(string){}
	}
	if s.topics[topic] == nil {
		s.topics[topic] = map[int]func(string){}
	}
	s.next++
	id := s.next
	s.topics[topic][id] = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.topics[topic], id)
	}
}

// publish carries out what a committed transaction left to do.
func (db *DB) publish(tx *Tx) {
	for _, fn := range tx.after {
		fn()
	}
	for _, n := range tx.notes {
		db.subs.mu.Lock()
		fns := make([]func(string), 0, 4)
		for _, fn := range db.subs.topics[n.topic] {
			fns = append(fns, fn)
		}
		db.subs.mu.Unlock()
		for _, fn := range fns {
			fn(n.key)
		}
	}
}

// guarded runs fn and makes an error of a panic, so that the others in its
// commit are unharmed.
func guarded(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: internal error: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
