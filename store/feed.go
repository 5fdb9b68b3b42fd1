package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// feed carries notes between the processes of a PostgreSQL database. A note is a
// row of the table note, one for each topic and key, numbered anew each time in
// commit order; a reader asks for the numbers behind the last one that it saw, so
// it misses nothing, whenever it asks. NOTIFY only wakes it.
type feed struct {
	me      string // the sender of this process's notes
	channel string
	last    int64     // the number that was read last
	conn    *pgx.Conn // that listens; belongs to follow once that runs
}

// pollTime is how long a reader sleeps when nothing wakes it.
const pollTime = time.Second

// keepNotes is how long a note is kept that nobody may have missed.
const keepNotes = "7 days"

// open begins at what there is now, before any room has read anything.
func (f *feed) open(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "delete from note where at < now() - interval '"+keepNotes+"'"); err != nil {
		return err
	}
	err := conn.QueryRowContext(ctx, "select 'usher_' || 'note'::regclass::oid, coalesce(max(seq), 0) from note").Scan(&f.channel, &f.last)
	if err != nil {
		return fmt.Errorf("read notes: %w", err)
	}
	return nil
}

// present is the class of the locks that say which processes are there.
const present = 0x7573

// join opens the connection that listens. Its session holds a lock in the name of
// the process, which PostgreSQL frees when the process is gone, however it went.
func (f *feed) join(ctx context.Context, config *pgx.ConnConfig) (err error) {
	if f.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return err
	}
	_, err = f.conn.Exec(ctx, "select pg_advisory_lock_shared($1, hashtext($2))", present, f.me)
	if err == nil {
		_, err = f.conn.Exec(ctx, "listen "+pgx.Identifier{f.channel}.Sanitize())
	}
	if err != nil {
		_ = f.leave() // what went wrong is known already
	}
	return err
}

// leave closes the connection.
func (f *feed) leave() error {
	if f.conn == nil {
		return nil
	}
	err := f.conn.Close(context.Background())
	f.conn = nil
	return err
}

// announce writes notes down and wakes the others at the commit.
func (f *feed) announce(ctx context.Context, conn *sql.Conn, notes []note) error {
	var topics, keys []string
	seen := map[note]bool{}
	for _, n := range notes {
		if !seen[n] {
			seen[n] = true
			topics, keys = append(topics, n.topic), append(keys, n.key)
		}
	}
	_, err := conn.ExecContext(ctx, `with told as (
		insert into note(topic, key, seq, sender) select topic, key, nextval('note_seq'), $3 from unnest($1::text[], $2::text[]) as told(topic, key)
		on conflict(topic, key) do update set seq = excluded.seq, sender = excluded.sender, at = excluded.at returning seq)
		select pg_notify($4, $3) from told limit 1`, topics, keys, f.me, f.channel)
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return nil
}

// follow hands on what others announce until ctx is done. While the database is
// out of reach it tries again; the rooms hear of it by their own statements.
func (f *feed) follow(ctx context.Context, config *pgx.ConnConfig, tell func([]note)) {
	for {
		if f.conn != nil {
			_ = f.listen(ctx, tell) // the rooms see the same at their own connections
			_ = f.leave()
		}
		select {
		case <-time.After(pollTime / 4):
		case <-ctx.Done():
			return
		}
		_ = f.join(ctx, config) // without one there is another try
	}
}

// listen follows until the connection is lost or ctx is done.
func (f *feed) listen(ctx context.Context, tell func([]note)) error {
	for {
		if err := f.read(ctx, tell); err != nil {
			return err
		}
		if err := f.wait(ctx); err != nil {
			return err
		}
	}
}

// wait returns when somebody else announced something, or after a while.
func (f *feed) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	for {
		n, err := f.conn.WaitForNotification(ctx)
		switch {
		case err != nil && ctx.Err() == context.DeadlineExceeded && !f.conn.IsClosed():
			return nil
		case err != nil:
			return err
		case n.Payload != f.me:
			return nil
		}
	}
}

// read tells what others announced since the last time, in commit order.
func (f *feed) read(ctx context.Context, tell func([]note)) error {
	rows, err := f.conn.Query(ctx, "select seq, topic, key, sender from note where seq > $1 order by seq", f.last)
	if err != nil {
		return err
	}
	defer rows.Close()
	var notes []note
	last := f.last
	for rows.Next() {
		var n note
		var sender string
		if err := rows.Scan(&last, &n.topic, &n.key, &sender); err != nil {
			return err
		}
		if sender != f.me {
			notes = append(notes, n)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	f.last = last
	tell(notes)
	return nil
}
