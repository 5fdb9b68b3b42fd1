package store

import (
	"cmp"
	"context"
	"database/sql/driver"
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
	case <-ctx.Done(): // said first: a select with several ways open takes any
		return context.Cause(ctx)
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
	ctx, free := db.bound(context.Background())
	defer free()
	begun := db.begin(ctx)
	defer func() {
		if err != nil {
			// After some errors the database has rolled back by itself, or is out of
			// reach, and says so here.
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
		if err := db.member(ctx, u, len(*members) == 1); err != nil {
			return err
		}
	}
	if begun != nil {
		return begun
	}
	if err = db.announce(ctx, *members); err != nil {
		return err
	}
	if _, err = db.conn.ExecContext(ctx, "commit"); err != nil {
		err = fmt.Errorf("commit: %w", err)
	}
	return err
}

// bound limits how long a group may take where the database may be out of reach.
func (db *DB) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if s, ok := db.kind.(shared); ok {
		return s.bound(ctx)
	}
	return ctx, func() {}
}

// announce leaves what other processes have to hear.
func (db *DB) announce(ctx context.Context, members []*update) error {
	s, ok := db.kind.(shared)
	if !ok {
		return nil
	}
	var notes []note
	for _, u := range members {
		if u.err == nil {
			notes = append(notes, u.tx.others...)
		}
	}
	if len(notes) == 0 {
		return nil
	}
	return s.announce(ctx, db.conn, notes)
}

// begin starts the group's transaction, and the savepoint of its first member.
func (db *DB) begin(ctx context.Context) error {
	text := db.kind.begin() + "; savepoint one"
	_, err := db.conn.ExecContext(ctx, text)
	if err == nil {
		return nil
	}
	if err := db.mend(ctx); err != nil {
		return err
	}
	_, err = db.conn.ExecContext(ctx, text)
	return err
}

// mend makes the writer's connection fit to begin a transaction: perhaps a
// rollback failed. A connection to a server may be lost, so there is a new one.
func (db *DB) mend(ctx context.Context) error {
	if !db.Shared() {
		_, _ = db.conn.ExecContext(ctx, "rollback") // it says when there is nothing to roll back
		return nil
	}
	// Not back to the pool: a connection in a transaction is of no use there.
	_ = db.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = db.conn.Close() // what it says about the old one is nothing to go by
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	db.conn = conn
	return nil
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

// member lets one function run in a savepoint of its own; begin made the first
// one's. A savepoint is released with the next one, or by the commit: each
// statement is a round trip to a server. The error is for the whole group.
func (db *DB) member(ctx context.Context, u *update, first bool) error {
	if !first {
		if _, err := db.conn.ExecContext(ctx, "release one; savepoint one"); err != nil {
			u.refuse(err)
			return err
		}
	}
	inside, free := db.inside(ctx, u.ctx)
	defer free()
	u.tx = &Tx{ctx: inside, db: db, sql: db.conn, writes: true}
	close(u.turn)
	<-u.ran
	if u.err == nil {
		u.err = cmp.Or(u.tx.broken, db.failed()) // fn took no notice
	}
	if u.err == nil {
		return nil
	}
	if _, err := db.conn.ExecContext(ctx, "rollback to one"); err != nil {
		return errors.Join(u.tx.broken, err)
	}
	return nil
}

// failed gives an error when the transaction takes no more, though no statement
// said so: errors that come with rows may be overlooked.
func (db *DB) failed() error {
	if s, ok := db.kind.(shared); ok {
		return s.failed(db.conn)
	}
	return nil
}

// inside gives the context of a member's function: its caller's values, but the
// end of its group only.
func (db *DB) inside(group, caller context.Context) (context.Context, context.CancelFunc) {
	ctx := context.WithValue(context.WithoutCancel(caller), insideKey{}, db)
	if end, ok := group.Deadline(); ok {
		return context.WithDeadline(ctx, end)
	}
	return ctx, func() {}
}
