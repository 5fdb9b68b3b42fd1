package eventlog

import (
	"context"
	"errors"

	"usher/store"
)

// ErrClosed is given to those who append to closed logs.
var ErrClosed = errors.New("eventlog: closed")

// appending is one call of Append on its way to the log.
type appending struct {
	name string
	recs []Record
	last Offset
	err  error
	done chan struct{}
}

// batchMax bounds the calls that share a transaction.
const batchMax = 256

// append hands records to the appender and waits until they are on disk.
func (l *Logs) append(ctx context.Context, name string, recs []Record) (Offset, error) {
	if len(recs) == 0 {
		return l.Log(name).Last(ctx)
	}
	a := &appending{name: name, recs: recs, done: make(chan struct{})}
	select {
	case <-l.stop:
		return 0, ErrClosed
	default:
	}
	select {
	case l.pending <- a:
	case <-l.stop:
		return 0, ErrClosed
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	select {
	case <-a.done: // not ctx: the caller must know whether it is durable
		return a.last, a.err
	case <-l.stopped:
		select {
		case <-a.done:
			return a.last, a.err
		default:
			return 0, ErrClosed
		}
	}
}

// appender gathers what is waiting into one transaction with few statements.
// While it commits, the next calls gather: many clients share one sync, and a
// lone one is not delayed.
func (l *Logs) appender() {
	defer close(l.stopped)
	for {
		select {
		case a := <-l.pending:
			l.commit(l.collect(a))
		case <-l.stop:
			for {
				select {
				case a := <-l.pending:
					l.commit(l.collect(a))
				default:
					return
				}
			}
		}
	}
}

func (l *Logs) collect(a *appending) []*appending {
	batch := []*appending{a}
	for len(batch) < batchMax {
		select {
		case a := <-l.pending:
			batch = append(batch, a)
		default:
			return batch
		}
	}
	return batch
}

// commit writes a batch, the calls of one log together, in the order they came.
func (l *Logs) commit(batch []*appending) {
	var names []string
	calls := map[string][]*appending{}
	for _, a := range batch {
		if calls[a.name] == nil {
			names = append(names, a.name)
		}
		calls[a.name] = append(calls[a.name], a)
	}
	err := l.db.Update(context.Background(), func(tx *store.Tx) error {
		for _, name := range names {
			var recs []Record
			for _, a := range calls[name] {
				recs = append(recs, a.recs...)
			}
			last, err := insert(tx, l, name, recs)
			if err != nil {
				return err
			}
			next := last - Offset(len(recs))
			for _, a := range calls[name] {
				next += Offset(len(a.recs))
				a.last = next
			}
		}
		return nil
	})
	for _, a := range batch {
		a.err = err
		close(a.done)
	}
}
