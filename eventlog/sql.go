package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"database/sql"

	"usher/store"
)

// ErrDamaged is wrapped by errors about records whose checksum does not fit.
var ErrDamaged = errors.New("eventlog: damaged record")

// topic tells other processes that a log of that name has grown.
const topic = "log"

// Logs gives the logs of one database.
type Logs struct {
	db      *store.DB
	pending chan *appending
	stop    chan struct{}
	stopped chan struct{}
	once    sync.Once
	cancel  func() // of the subscription

	followers followers
	archive   Archive
	grown     func(tx *store.Tx, name string) error
	every     Offset
}

// New gives the logs kept in db. Close it before the database.
func New(db *store.DB) *Logs { return NewWith(db, Options{}) }

// Options are for logs that are compacted.
type Options struct {
	Archive Archive // has the segments; nil: there are none
	// Grown is called in the transaction in which a log passes a multiple of Every.
	Grown func(tx *store.Tx, name string) error
	Every Offset
}

// NewWith is New for logs that are compacted.
func NewWith(db *store.DB, opt Options) *Logs {
	l := &Logs{db: db, archive: opt.Archive, grown: opt.Grown, every: max(1, opt.Every), pending: make(chan *appending, 256), stop: make(chan struct{}), stopped: make(chan struct{})}
	l.cancel = db.Subscribe(topic, l.followers.miss)
	go l.appender()
	return l
}

// Close waits for appends under way.
func (l *Logs) Close() error {
	l.once.Do(func() {
		l.cancel()
		close(l.stop)
	})
	<-l.stopped
	return nil
}

// Log gives the log of that name; it exists from its first record on.
func (l *Logs) Log(name string) Log { return &sqlLog{l, name} }

// Delete forgets a log with all its records.
func (l *Logs) Delete(tx *store.Tx, name string) error {
	for _, table := range []string{"log", "log_head", "log_segment", "log_state"} {
		if _, err := tx.Exec("delete from "+table+" where name = $1", name); err != nil {
			return fmt.Errorf("delete log %q: %w", name, err)
		}
	}
	return nil
}

// sqlLog is one log.
type sqlLog struct {
	logs *Logs
	name string
}

// Append implements Log.
func (l *sqlLog) Append(ctx context.Context, recs ...Record) (Offset, error) {
	return l.logs.append(ctx, l.name, recs)
}

// AppendTx implements Log.
func (l *sqlLog) AppendTx(tx *store.Tx, recs ...Record) (Offset, error) {
	return insert(tx, l.logs, l.name, slices.Clone(recs))
}

// insert gives records their offsets, under the log's head row, and writes them.
// It keeps recs.
func insert(tx *store.Tx, l *Logs, name string, recs []Record) (Offset, error) {
	var last int64
	err := tx.QueryRow(`insert into log_head(name, last, trimmed) values($1, $2, 0)
		on conflict(name) do update set last = log_head.last + excluded.last returning last`, name, len(recs)).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("append to log %q: %w", name, err)
	}
	for i := range recs {
		if recs[i].Time.IsZero() {
			recs[i].Time = tx.Now()
		}
		recs[i].Offset = Offset(last - int64(len(recs)-i-1))
	}
	var r row
	for rest := recs; len(rest) > 0; {
		r, rest = pack(rest)
		_, err := tx.Exec("insert into log(name, off, count, at, id, data, crc) values($1, $2, $3, $4, $5, $6, $7)",
			name, r.off, r.count, r.at, []byte(r.id), r.data, int64(r.checksum())) // an id may hold a NUL, which text cannot
		if err != nil {
			return 0, fmt.Errorf("append to log %q: %w", name, err)
		}
	}
	if before := last - int64(len(recs)); l.grown != nil && before/int64(l.every) != last/int64(l.every) {
		if err := l.grown(tx, name); err != nil {
			return 0, err
		}
	}
	tx.OnCommit(func() { l.followers.tell(name, recs) })
	tx.NotifyOthers(topic, name)
	return Offset(last), nil
}

// pageRecords is how many records a reader takes at once, so that it never
// holds a read transaction for long.
const pageRecords = 2000

// Read implements Log.
func (l *sqlLog) Read(ctx context.Context, after Offset) iter.Seq2[Record, error] {
	return l.read(ctx, after, false)
}

// Replay implements Log.
func (l *sqlLog) Replay(ctx context.Context, after Offset) iter.Seq2[Record, error] {
	return l.read(ctx, after, true)
}

// read is Read or, strictly, Replay.
func (l *sqlLog) read(ctx context.Context, after Offset, strict bool) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		last, err := l.Last(ctx)
		for more := true; err == nil && more && after < last; {
			var page []Record
			page, err = l.page(ctx, after, last, strict)
			if errors.Is(err, errInSegment) {
				after, more, err = l.archived(ctx, after, last, strict, yield)
				continue
			}
			for _, r := range page {
				after = r.Offset
				if more = yield(r, nil); !more {
					break
				}
			}
		}
		if err != nil {
			yield(Record{}, err)
		}
	}
}

// page reads records in (after, upTo], at least one.
func (l *sqlLog) page(ctx context.Context, after, upTo Offset, strict bool) (page []Record, err error) {
	err = l.logs.db.View(ctx, func(tx *store.Tx) error {
		var trimmed int64
		err := tx.QueryRow("select trimmed from log_head where name = $1", l.name).Scan(&trimmed)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if strict {
			if err := followable(tx, l.name, after); err != nil {
				return err
			}
		}
		if after < Offset(trimmed) {
			return errInSegment
		}
		// The first row is the one that holds after+1, the last that begins up to there.
		rows, err := tx.Query(`select off, count, at, id, data, crc from log where name = $1 and off <= $3
			and off >= (select coalesce(max(off), 0) from log where name = $1 and off <= $2) order by off`,
			l.name, int64(after)+1, int64(upTo))
		if err != nil {
			return err
		}
		defer rows.Close()
		for len(page) < pageRecords && rows.Next() {
			var r row
			var crc int64
			if err := rows.Scan(&r.off, &r.count, &r.at, &r.id, &r.data, &crc); err != nil {
				return err
			}
			if Offset(r.off+r.count) <= after+1 {
				continue
			}
			if uint32(crc) != r.checksum() || len(page) > 0 && Offset(r.off) != page[len(page)-1].Offset+1 {
				return fmt.Errorf("%w: offset %d", ErrDamaged, r.off)
			}
			if page, err = r.unpack(page); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if len(page) == 0 || page[0].Offset > after+1 {
			return fmt.Errorf("%w: offset %d is missing", ErrDamaged, after+1)
		}
		page = page[after+1-page[0].Offset:]
		if n := len(page); page[n-1].Offset > upTo {
			page = page[:n-int(page[n-1].Offset-upTo)]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read log %q: %w", l.name, err)
	}
	return page, nil
}

// Last implements Log.
func (l *sqlLog) Last(ctx context.Context) (last Offset, err error) {
	err = l.logs.db.View(ctx, func(tx *store.Tx) error {
		var n int64
		err := tx.QueryRow("select last from log_head where name = $1", l.name).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		last = Offset(n)
		return err
	})
	return last, err
}
