package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// A group is bounded so that its first member does not wait long for its last.
const (
	groupMax  = 128
	groupTime = 10 * time.Millisecond
)

// update is one call of Update on its way through the writer.
type update struct {
	ctx   context.Context
	fn    func(*Tx) error
	tx    *Tx
	err   error
	late  any           // a panic of OnCommit or of a subscriber
	state atomic.Int32  // waiting, taken or gone
	turn  chan struct{} // closed by the writer: fn runs
	ran   chan struct{} // closed by the caller: fn has run
	done  chan struct{} // closed by the writer: committed or failed
}

const (
	waiting = iota
	taken   // by the writer
	gone    // its caller left before its turn
)

// insideKey marks the context of a transaction with its database.
type insideKey struct{}

var (
	errInside = errors.New("store: internal error: Update inside Update")
	errBroke  = errors.New("store: the function did not return")
)

// Update runs fn once and returns when its writes are on disk. When fn or the
// commit gives an error, nothing of fn remains; a panic of fn goes on once its
// writes are gone. fn must be short and must not wait for other transactions.
// When ctx ends before fn's turn fn does not run; after that Update waits, so
// that the caller knows whether it was committed.
func (db *DB) Update(ctx context.Context, fn func(tx *Tx) error) error {
	if ctx.Value(insideKey{}) == db {
		return errInside // it would wait for itself
	}
	u := &update{ctx: ctx, fn: fn, turn: make(chan struct{}), ran: make(chan struct{}), done: make(chan struct{})}
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
	case <-u.turn:
	case <-ctx.Done():
		if u.state.CompareAndSwap(waiting, gone) {
			return context.Cause(ctx)
		}
		<-u.turn
	case <-db.stopped:
		if u.state.CompareAndSwap(waiting, gone) {
			return ErrClosed
		}
		<-u.turn
	}
	u.run()
	<-u.done
	if u.late != nil {
		panic(u.late)
	}
	return u.err
}

// run calls fn in its caller's goroutine. A panic, or the end of the goroutine
// (t.Fatal in a test), goes on when the writer has rolled back.
func (u *update) run() {
	u.err = errBroke
	defer func() {
		u.tx.over = true
		broke := u.err == errBroke
		close(u.ran)
		if broke {
			<-u.done
		}
	}()
	u.err = u.fn(u.tx)
}

// writer is the one goroutine that begins and commits.
func (db *DB) writer() {
	defer close(db.stopped)
	for {
		select {
		case u := <-db.pending:
			db.group(u)
		case <-db.stop:
			for { // those who were let in are served
				select {
				case u := <-db.pending:
					db.group(u)
				default:
					return
				}
			}
		}
	}
}

// group runs first and those who wait behind it in one transaction. It does not
// wait for more: a lone writer is not delayed.
func (db *DB) group(first *update) {
	var members []*update
	err := db.transact(first, &members)
	for _, u := range members {
		if err != nil && u.err == nil {
			u.err = err
		}
		if u.err == nil {
			u.late = db.publish(u.tx)
		} else if u.err != errBroke {
			u.err = db.explain(u.err)
		}
	}
	for _, u := range members {
		close(u.done)
	}
}

// transact gives the error that fails all members. Every update that it takes
// becomes a member and has its turn.
func (db *DB) transact(first *update, members *[]*update) (err error) {
	ctx := context.Background()
	begun := db.begin(ctx)
	defer func() {
		if err != nil {
			// After some errors SQLite has rolled back by itself and says so here.
			_, _ = db.conn.ExecContext(ctx, "rollback")
		}
	}()
	over := time.NewTimer(groupTime) // not the recorded clock: a test may hold that
	defer over.Stop()
	for u := first; u != nil; u = db.next(len(*members), over.C) {
		if !u.state.CompareAndSwap(waiting, taken) {
			continue
		}
		*members = append(*members, u)
		if begun != nil {
			u.refuse(begun)
			return begun
		}
		if err := db.member(ctx, u); err != nil {
			return err
		}
	}
	if begun != nil {
		return begun
	}
	if _, err = db.conn.ExecContext(ctx, "commit"); err != nil {
		err = fmt.Errorf("commit: %w", err)
	}
	return err
}

// begin starts the group's transaction.
func (db *DB) begin(ctx context.Context) error {
	_, err := db.conn.ExecContext(ctx, "begin immediate")
	if err != nil { // perhaps a rollback failed
		_, _ = db.conn.ExecContext(ctx, "rollback")
		_, err = db.conn.ExecContext(ctx, "begin immediate")
	}
	return err
}

// next takes who is waiting; nil ends the group.
func (db *DB) next(members int, over <-chan time.Time) *update {
	if members >= groupMax {
		return nil
	}
	select {
	case <-over:
		return nil
	default:
	}
	select {
	case u := <-db.pending:
		return u
	default:
		return nil
	}
}

// refuse gives an update its turn without running it.
func (u *update) refuse(err error) {
	u.fn = func(*Tx) error { return err }
	u.tx = &Tx{}
	close(u.turn)
	<-u.ran
}

// member lets one function run in its savepoint. The error is for the whole group.
func (db *DB) member(ctx context.Context, u *update) error {
	if _, err := db.conn.ExecContext(ctx, "savepoint one"); err != nil {
		u.refuse(err)
		return err
	}
	inside := context.WithValue(context.WithoutCancel(u.ctx), insideKey{}, db)
	u.tx = &Tx{ctx: inside, db: db, sql: db.conn, writes: true}
	close(u.turn)
	<-u.ran
	if u.err == nil {
		u.err = u.tx.broken // fn took no notice
	}
	if u.err != nil {
		if _, err := db.conn.ExecContext(ctx, "rollback to one"); err != nil {
			return errors.Join(u.tx.broken, err)
		}
	}
	_, err := db.conn.ExecContext(ctx, "release one")
	return err
}
