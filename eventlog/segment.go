package eventlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"usher/store"
)

// A log does not stay in the database for ever: who has it compacted moves its
// oldest records into segments, which an Archive keeps, and stores a State, from
// which a follower begins instead of at the first record. Which blob is what
// changes in one transaction with the rows that go; readers notice nothing.

// Archive keeps the records that were moved out of the database.
type Archive interface {
	// Segment gives the records of a segment, in order. An error that is
	// fs.ErrNotExist says that the segment is not there any more.
	Segment(ctx context.Context, blob string) iter.Seq2[Record, error]
}

// Segment is a piece of a log in the archive. It may have fewer records than it
// has offsets: those that were erased are gone.
type Segment struct {
	First, Last Offset
	Blob        string
}

// State is what a follower may begin from; the zero State is the beginning.
type State struct {
	Offset Offset // all up to here is in it
	Blob   string
}

// ErrMoved is given to those who would move what somebody else has moved.
var ErrMoved = errors.New("eventlog: somebody else has moved these records")

// State implements Log.
func (l *sqlLog) State(ctx context.Context) (s State, err error) {
	err = l.logs.db.View(ctx, func(tx *store.Tx) error {
		s, err = l.logs.StateTx(tx, l.name)
		return err
	})
	return s, err
}

// StateTx gives the state of a log; zero if it has none.
func (l *Logs) StateTx(tx *store.Tx, name string) (s State, err error) {
	err = tx.QueryRow("select off, blob from log_state where name = $1", name).Scan(&s.Offset, &s.Blob)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return State{}, fmt.Errorf("read state of log %q: %w", name, err)
	}
	return s, nil
}

// SetState stores a state that is newer than the one there is.
func (l *Logs) SetState(tx *store.Tx, name string, s State) error {
	n, err := tx.Exec(`insert into log_state(name, off, blob) values($1, $2, $3)
		on conflict(name) do update set off = excluded.off, blob = excluded.blob where log_state.off <= excluded.off`, name, int64(s.Offset), s.Blob)
	if err == nil && n == 0 {
		err = ErrMoved
	}
	if err != nil {
		return fmt.Errorf("store state of log %q: %w", name, err)
	}
	return nil
}

// Segments gives the segments of a log, in order.
func (l *Logs) Segments(tx *store.Tx, name string) (list []Segment, err error) {
	rows, err := tx.Query("select first, last, blob from log_segment where name = $1 order by first", name)
	if err != nil {
		return nil, fmt.Errorf("list segments of log %q: %w", name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s Segment
		if err := rows.Scan(&s.First, &s.Last, &s.Blob); err != nil {
			return nil, fmt.Errorf("list segments of log %q: %w", name, err)
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// Extent says how far a log reaches, and up to where it is in segments.
type Extent struct{ Moved, Last Offset }

// Extent gives the extent of a log; zero for an empty one.
func (l *Logs) Extent(tx *store.Tx, name string) (e Extent, err error) {
	err = tx.QueryRow("select trimmed, last from log_head where name = $1", name).Scan(&e.Moved, &e.Last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Extent{}, fmt.Errorf("read extent of log %q: %w", name, err)
	}
	return e, nil
}

// Cut gives the end of the row with the offset near, or the log's end before that:
// a segment ends where a row does.
func (l *Logs) Cut(tx *store.Tx, name string, near Offset) (Offset, error) {
	e, err := l.Extent(tx, name)
	if err != nil || e.Last <= near {
		return e.Last, err
	}
	var next Offset
	err = tx.QueryRow("select off from log where name = $1 and off > $2 order by off limit 1", name, int64(near)).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return e.Last, nil
	}
	if err != nil {
		return 0, fmt.Errorf("cut log %q: %w", name, err)
	}
	return next - 1, nil
}

// Move takes a segment, which must begin where the last one ends and end where a
// call of Append did, in the place of the rows that hold its records.
func (l *Logs) Move(tx *store.Tx, name string, s Segment) error {
	err := l.move(tx, name, s)
	if err != nil {
		return fmt.Errorf("move log %q into segment %q: %w", name, s.Blob, err)
	}
	return nil
}

func (l *Logs) move(tx *store.Tx, name string, s Segment) error {
	n, err := tx.Exec("update log_head set trimmed = $3 where name = $1 and trimmed = $2 and last >= $3", name, int64(s.First)-1, int64(s.Last))
	if err == nil && n == 0 {
		err = ErrMoved
	}
	if err != nil {
		return err
	}
	var within int
	err = tx.QueryRow("select count(*) from log where name = $1 and off > $3 and off <= $2 and off + count - 1 > $2", name, int64(s.Last), int64(s.Last)-rowRecords).Scan(&within)
	if err == nil && within > 0 {
		err = fmt.Errorf("offset %d lies within a row", s.Last)
	}
	if err != nil {
		return err
	}
	if _, err = tx.Exec("delete from log where name = $1 and off <= $2", name, int64(s.Last)); err != nil {
		return err
	}
	_, err = tx.Exec("insert into log_segment(name, first, last, blob) values($1, $2, $3, $4)", name, int64(s.First), int64(s.Last), s.Blob)
	return err
}

// Rewrite puts segments in the place of those with the same offsets, whose blobs
// are in was. Followers that have not passed them must begin from the state, which
// has.
func (l *Logs) Rewrite(tx *store.Tx, name string, was, now []Segment) error {
	for i, s := range now {
		n, err := tx.Exec("update log_segment set blob = $4 where name = $1 and first = $2 and blob = $3", name, int64(was[i].First), was[i].Blob, s.Blob)
		if err == nil && n == 0 {
			err = ErrMoved
		}
		if err == nil {
			_, err = tx.Exec("update log_head set rewritten = $2 where name = $1 and rewritten < $2", name, int64(s.Last))
		}
		if err != nil {
			return fmt.Errorf("rewrite segment %q of log %q: %w", was[i].Blob, name, err)
		}
	}
	return nil
}

// errInSegment says that records are not in the database any more.
var errInSegment = errors.New("eventlog: internal error: the records are in a segment")

// segmentAt gives the segment with an offset.
func (l *sqlLog) segmentAt(ctx context.Context, at Offset, strict bool) (s Segment, err error) {
	err = l.logs.db.View(ctx, func(tx *store.Tx) error {
		if strict {
			if err := followable(tx, l.name, at-1); err != nil {
				return err
			}
		}
		err := tx.QueryRow("select first, last, blob from log_segment where name = $1 and first <= $2 and last >= $2", l.name, int64(at)).Scan(&s.First, &s.Last, &s.Blob)
		if errors.Is(err, sql.ErrNoRows) || err == nil && l.logs.archive == nil {
			return ErrTrimmed
		}
		return err
	})
	if err != nil {
		return Segment{}, fmt.Errorf("read log %q: %w", l.name, err)
	}
	return s, nil
}

// archived yields the records after an offset that are in the segment with the
// next one, and gives where to go on and whether yield wants more.
func (l *sqlLog) archived(ctx context.Context, after, upTo Offset, strict bool, yield func(Record, error) bool) (next Offset, more bool, err error) {
	s, err := l.segmentAt(ctx, after+1, strict)
	if err != nil {
		return after, true, err
	}
	for r, err := range l.logs.archive.Segment(ctx, s.Blob) {
		if errors.Is(err, fs.ErrNotExist) { // was it rewritten since we looked?
			now, nerr := l.segmentAt(ctx, after+1, strict)
			if nerr == nil && now.Blob != s.Blob {
				return after, true, nil
			}
			err = errors.Join(err, nerr)
		}
		if err != nil {
			return after, true, fmt.Errorf("read log %q: %w", l.name, err)
		}
		if r.Offset <= after {
			continue
		}
		if r.Offset > upTo {
			return upTo, true, nil
		}
		after = r.Offset
		if !yield(r, nil) {
			return after, false, nil
		}
	}
	return min(s.Last, upTo), true, nil
}

// followable gives ErrTrimmed if records after an offset were rewritten: numbers
// that were given by what they once were cannot be given again.
func followable(tx *store.Tx, name string, after Offset) error {
	var rewritten Offset
	err := tx.QueryRow("select rewritten from log_head where name = $1", name).Scan(&rewritten)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil && after < rewritten {
		err = ErrTrimmed
	}
	return err
}
