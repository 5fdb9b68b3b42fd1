package node

import (
	"context"
	"time"

	"usher/eventlog"
	"usher/store"
	"usher/train"
)

// lookEvery is how often automatic trainings are looked for. They are days apart.
const lookEvery = time.Minute

// schedule opens the automatic training of solutions and recommenders.
func (n *Node) schedule(db *store.DB, logs *eventlog.Logs) {
	ticker := time.NewTicker(lookEvery)
	s := train.OpenScheduler(train.SchedulerOptions{DB: db, Ticks: ticker.C, Log: n.opt.Log,
		Last: func(ctx context.Context, groupID string) (uint64, error) {
			last, err := logs.Log(groupID).Last(ctx)
			return uint64(last), err
		}})
	n.closes(func() error {
		ticker.Stop()
		return s.Close()
	})
}
