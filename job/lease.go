package job

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"time"

	"usher/store"
)

// keeper renews leases until close.
type keeper struct {
	stop context.CancelFunc
	wg   sync.WaitGroup
}

func (k *keeper) close() {
	if k.stop != nil {
		k.stop()
	}
	k.wg.Wait()
}

// take makes the queue the holder of a job, for the time of a lease where others
// might want it.
func (q *Queue) take(tx *store.Tx, r *row) error {
	until, err := q.until(tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec("update job set state = 'running', attempt = $2, started = $3, holder = $4, lease = $5 where id = $1",
		r.id, r.attempt, tx.Now().UnixMicro(), r.holder, until)
	return err
}

// until is when a lease that begins now is over, in microseconds of the clock that
// all processes share; 0 where one process has all jobs.
func (q *Queue) until(tx *store.Tx) (int64, error) {
	if !q.opt.DB.Shared() {
		return 0, nil
	}
	now, err := tx.Clock()
	return now.Add(q.opt.Lease).UnixMicro(), err
}

// keep starts to renew the leases of this queue's jobs, three times in the time of
// one, and to release the jobs of processes that do so no more. When two thirds of
// a lease have passed without a renewal, the jobs are stopped: another process will
// have them soon, and they must not both be at work.
func (q *Queue) keep() {
	var ctx context.Context
	ctx, q.keeper.stop = context.WithCancel(context.Background())
	q.keeper.wg.Go(func() {
		tick := time.NewTicker(q.opt.Lease / 3)
		defer tick.Stop()
		alarm := q.alarm()
		defer func() { alarm.Stop() }()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			next := q.alarm() // from before the renewal: the lease is no older
			if err := q.renew(ctx); err != nil {
				next.Stop()
				if ctx.Err() == nil {
					q.opt.Log.Error("renew leases of jobs", "error", err)
				}
				continue
			}
			alarm.Stop()
			alarm = next
		}
	})
}

// alarm stops all jobs of the queue unless it is stopped before.
func (q *Queue) alarm() *time.Timer {
	return time.AfterFunc(q.opt.Lease*2/3, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, r := range q.mu.running {
			r.stop(ErrLost)
		}
	})
}

// renew makes this queue's leases begin now, and queues the jobs whose lease is
// over.
func (q *Queue) renew(ctx context.Context) error {
	return q.opt.DB.Update(ctx, func(tx *store.Tx) error {
		until, err := q.until(tx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec("update job set lease = $2 where holder = $1 and state = 'running'", q.me, until); err != nil {
			return err
		}
		n, err := release(tx)
		if err != nil {
			return err
		}
		if n > 0 {
			tx.Notify(topic, "")
		}
		return errors.Join(err, q.heed(tx))
	})
}

// release queues what a dead process left running: one whose lease is over, or that
// has the database open no more. The attempt is spent. On SQLite claims are for no
// time, so all of before are over. It gives the number of jobs.
func release(tx *store.Tx) (int64, error) {
	now, err := tx.Clock()
	if err != nil {
		return 0, err
	}
	holders, err := holding(tx)
	if err != nil {
		return 0, err
	}
	n := int64(0)
	for _, holder := range holders {
		process, _, _ := strings.Cut(holder, ".")
		alive, err := tx.Alive(process)
		if err != nil {
			return n, err
		}
		until := now.UnixMicro()
		if !alive {
			until = math.MaxInt64
		}
		k, err := tx.Exec("update job set state = 'queued', run_at = 0, error = 'the process died while it ran' where state = 'running' and holder = $1 and lease < $2", holder, until)
		if err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

// holding gives who has jobs.
func holding(tx *store.Tx) (holders []string, err error) {
	rows, err := tx.Query("select distinct holder from job where state = 'running'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h string
		if err := rows.Scan(&h); err != nil {
			return nil, err
		}
		holders = append(holders, h)
	}
	return holders, rows.Err()
}
