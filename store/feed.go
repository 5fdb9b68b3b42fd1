package store

import (
	"context"
	"crypto/rand"
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
	last    int64 // the number that was read last
}

// pollTime is how long a reader sleeps when nothing wakes it.
const pollTime = time.Second

// keepNotes is how long a note is kept that nobody may have missed.
const keepNotes = "7 days"

// open begins at what there is now, before any room has read anything.
func (f *feed) open(ctx context.Context, conn *sql.Conn) error {
	f.me = rand.Text()
	if _, err := conn.ExecContext(ctx, "delete from note where at < now() - interval '"+keepNotes+"'"); err != nil {
		return err
	}
	err := conn.QueryRowContext(ctx, "select 'usher_' || 'note'::regclass::oid, coalesce(max(seq), 0) from note").Scan(&f.channel, &f.last)
	if err != nil {
		return fmt.Errorf("read notes: %w", err)
	}
	return nil
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
	for ctx.Err() == nil {
		_ = f.listen(ctx, config, tell)
		select {
		case <-time.After(pollTime / 4):
		case <-ctx.Done():
		}
	}
}

// listen follows on one connection until that is lost.
func (f *feed) listen(ctx context.Context, config *pgx.ConnConfig, tell func([]note)) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{f.channel}.Sanitize()); err != nil {
		return err
	}
	for {
		if err := f.read(ctx, conn, tell); err != nil {
			return err
		}
		if err := f.wait(ctx, conn); err != nil {
			return err
		}
	}
}

// wait returns when somebody else announced something, or after a while.
func (f *feed) wait(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	for {
		n, err := conn.WaitForNotification(ctx)
		switch {
		case err != nil && ctx.Err() == context.DeadlineExceeded && !conn.IsClosed():
			return nil
		case err != nil:
			return err
		case n.Payload != f.me:
			return nil
		}
	}
}

// read tells what others announced since the last time, in commit order.
func (f *feed) read(ctx context.Context, conn *pgx.Conn, tell func([]note)) error {
	rows, err := conn.Query(ctx, "select seq, topic, key, sender from note where seq > $1 order by seq", f.last)
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
