package node

import (
	"context"
	"sync"
	"time"

	"usher/eventlog"
	"usher/experiment"
	"usher/store"
)

// experiments opens the experiments, counts for them every minute, and once more
// at the end.
func (n *Node) experiments(ctx context.Context, db *store.DB, logs *eventlog.Logs) (*experiment.Experiments, error) {
	x, err := experiment.Open(ctx, experiment.Options{Records: db.Documents(), Logs: logs.Log, Now: n.opt.Now})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if err := x.Save(ctx); err != nil && ctx.Err() == nil {
				n.opt.Log.Warn("count for experiments", "error", err)
			}
		}
	})
	n.closes(func() error {
		stop()
		wg.Wait()
		return x.Save(context.Background())
	})
	return x, nil
}
