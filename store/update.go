package store

import (
	"context"
	"errors"
	"fmt"
)

// groupMax bounds the transactions that share a commit.
const groupMax = 128

// update is one call of Update on its way through the writer.
type update struct {
	ctx  context.Context
	fn   func(*Tx) error
	tx   *Tx
	err  error
	done chan struct{}
}

// Update runs fn once and returns when its writes are on disk. When fn or the
// commit gives an error, nothing of fn remains. fn must be short and must not
// wait for other transactions.
func (db *DB) Update(ctx context.Context, fn func(tx *Tx) error) error {
	u := &update{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case <-db.stop:
		return ErrClosed
	default:
	}
	select {
	case db.pending <- u:
	case <-db.stop:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-u.done: // not ctx: the caller must know whether it was committed
	case <-db.stopped:
		select {
		case <-u.done:
		default:
			return ErrClosed
		}
	}
	return u.err
}

// writer is the one goroutine that writes.
func (db *DB) writer() {
	defer close(db.stopped)
	for {
		select {
		case u := <-db.pending:
			db.commit(db.collect(u))
		case <-db.stop:
			for { // those who were let in are served
				select {
				case u := <-db.pending:
					db.commit(db.collect(u))
				default:
					return
				}
			}
		}
	}
}

// collect takes what is waiting behind u, without waiting for more: a lone
// writer is not delayed.
func (db *DB) collect(u *update) []*update {
	group := []*update{u}
	for len(group) < groupMax {
		select {
		case u := <-db.pending:
			group = append(group, u)
		default:
			return group
		}
	}
	return group
}

// commit runs a group in one transaction, each member in a savepoint.
func (db *DB) commit(group []*update) {
	ctx := context.Background()
	err := db.attempt(ctx, group)
	for _, u := range group {
		if u.err == nil && err != nil {
			u.err = fmt.Errorf("commit: %w", err)
		}
		if u.err == nil {
			db.publish(u.tx)
		}
	}
	for _, u := range group {
		close(u.done)
	}
}

func (db *DB) attempt(ctx context.Context, group []*update) (err error) {
	if _, err := db.conn.ExecContext(ctx, "begin immediate"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, rerr := db.conn.ExecContext(ctx, "rollback")
			err = errors.Join(err, rerr)
		}
	}()
	for _, u := range group {
		if err := context.Cause(u.ctx); err != nil { // nobody waits for it any more
			u.err = err
			continue
		}
		if err := db.member(ctx, u); err != nil {
			return err
		}
	}
	_, err = db.conn.ExecContext(ctx, "commit")
	return err
}

// member runs one function in its savepoint. The error is for the whole group.
func (db *DB) member(ctx context.Context, u *update) error {
	if _, err := db.conn.ExecContext(ctx, "savepoint one"); err != nil {
		return err
	}
	u.tx = &Tx{ctx: context.WithoutCancel(u.ctx), db: db, sql: db.conn}
	if u.err = guarded(u.tx, u.fn); u.err != nil {
		if _, err := db.conn.ExecContext(ctx, "rollback to one"); err != nil {
			return err
		}
	}
	_, err := db.conn.ExecContext(ctx, "release one")
	return err
}
