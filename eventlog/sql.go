package eventlog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"sync"
	"time"

	"database/sql"

	"usher/store"
)

// topic is the store topic on which appends are announced; the key is the log's name.
const topic = "eventlog"

// ErrDamaged is wrapped by errors about records whose checksum does not fit.
var ErrDamaged = errors.New("eventlog: damaged record")

// Logs gives the logs of one database.
type Logs struct {
	db      *store.DB
	pending chan *appending
	stop    chan struct{}
	stopped chan struct{}
	once    sync.Once
}

// New gives the logs kept in db. Close it before the database.
func New(db *store.DB) *Logs {
	l := &Logs{db: db, pending: make(chan *appending, 256), stop: make(chan struct{}), stopped: make(chan struct{})}
	go l.appender()
	return l
}

// Close waits for appends under way.
func (l *Logs) Close() error {
	l.once.Do(func() { close(l.stop) })
	<-l.stopped
	return nil
}

// Log gives the log of that name; it exists from its first record on.
func (l *Logs) Log(name string) Log { return &sqlLog{l, name} }

// Delete forgets a log with all its records.
func (l *Logs) Delete(tx *store.Tx, name string) error {
	for _, table := range []string{"log", "log_head"} {
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
	return insert(tx, l.name, recs)
}

// insert gives records their offsets, under the log's head row, and writes them.
func insert(tx *store.Tx, name string, recs []Record) (Offset, error) {
	var last int64
	err := tx.QueryRow(`insert into log_head(name, last, trimmed) values($1, $2, 0)
		on conflict(name) do update set last = log_head.last + excluded.last returning last`, name, len(recs)).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("append to log %q: %w", name, err)
	}
	next := last - int64(len(recs)) + 1
	for _, r := range recs {
		if r.Time.IsZero() {
			r.Time = tx.Now()
		}
		at := r.Time.UnixMicro()
		if _, err := tx.Exec("insert into log(name, off, at, id, data, crc) values($1, $2, $3, $4, $5, $6)", name, next, at, r.ID, r.Data, int64(checksum(next, at, r.ID, r.Data))); err != nil {
			return 0, fmt.Errorf("append to log %q: %w", name, err)
		}
		next++
	}
	tx.Notify(topic, name)
	return Offset(last), nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers everything in a record, its place included.
func checksum(off, at int64, id string, data []byte) uint32 {
	var head [24]byte
	binary.LittleEndian.PutUint64(head[:], uint64(off))
	binary.LittleEndian.PutUint64(head[8:], uint64(at))
	binary.LittleEndian.PutUint64(head[16:], uint64(len(id)))
	sum := crc32.Update(0, castagnoli, head[:])
	sum = crc32.Update(sum, castagnoli, []byte(id))
	return crc32.Update(sum, castagnoli, data)
}

// pageRecords is how many records a reader takes at once, so that it never
// holds a read transaction for long.
const pageRecords = 2000

// Read implements Log.
func (l *sqlLog) Read(ctx context.Context, after Offset) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		last, err := l.Last(ctx)
		for err == nil && after < last {
			var page []Record
			if page, err = l.page(ctx, after, last); err != nil {
				break
			}
			for _, r := range page {
				after = r.Offset
				if !yield(r, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(Record{}, err)
		}
	}
}

// page reads records in (after, upTo], at least one.
func (l *sqlLog) page(ctx context.Context, after, upTo Offset) (page []Record, err error) {
	err = l.logs.db.View(ctx, func(tx *store.Tx) error {
		var trimmed int64
		err := tx.QueryRow("select trimmed from log_head where name = $1", l.name).Scan(&trimmed)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if after < Offset(trimmed) {
			return ErrTrimmed
		}
		rows, err := tx.Query("select off, at, id, data, crc from log where name = $1 and off > $2 and off <= $3 order by off limit $4",
			l.name, int64(after), int64(upTo), pageRecords)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r Record
			var off, at, crc int64
			if err := rows.Scan(&off, &at, &r.ID, &r.Data, &crc); err != nil {
				return err
			}
			if uint32(crc) != checksum(off, at, r.ID, r.Data) || Offset(off) != after+Offset(len(page))+1 {
				return fmt.Errorf("%w: offset %d", ErrDamaged, off)
			}
			r.Offset, r.Time = Offset(off), time.UnixMicro(at).UTC()
			page = append(page, r)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if len(page) == 0 {
			return fmt.Errorf("%w: offset %d is missing", ErrDamaged, after+1)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read log %q: %w", l.name, err)
	}
	return page, nil
}

// Tail implements Log.
func (l *sqlLog) Tail(ctx context.Context, after Offset) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		moved := make(chan struct{}, 1)
		cancel := l.logs.db.Subscribe(topic, func(name string) {
			if name == l.name {
				select {
				case moved <- struct{}{}:
				default:
				}
			}
		})
		defer cancel()
		for {
			for r, err := range l.Read(ctx, after) {
				if err != nil {
					if ctx.Err() == nil {
						yield(Record{}, err)
					}
					return
				}
				after = r.Offset
				if !yield(r, nil) {
					return
				}
			}
			select {
			case <-moved:
			case <-ctx.Done():
				return
			}
		}
	}
}

// Trim implements Log.
func (l *sqlLog) Trim(ctx context.Context, upTo Offset) error {
	return l.logs.db.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec("update log_head set trimmed = $2 where name = $1 and trimmed < $2 and last >= $2", l.name, int64(upTo))
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.Exec("delete from log where name = $1 and off <= $2", l.name, int64(upTo))
		return err
	})
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
