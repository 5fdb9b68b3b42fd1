package job

import (
	"context"
	"errors"
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
