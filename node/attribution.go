package node

import (
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/attribution"
	"usher/blob"
	"usher/eventlog"
	"usher/history"
	"usher/store"
)

// attributed opens the counting for metric attributions.
func (n *Node) attributed(db *store.DB, logs *eventlog.Logs, hist *history.History, parts, buckets blob.Store, set *metrics.Set) {
	sources := 0
	if n.opt.Quotas == "aws" && !n.opt.Fast {
		sources = 100
	}
	a := attribution.Open(attribution.Options{DB: db, Logs: logs, History: hist, Blobs: parts, Buckets: buckets, Metrics: set, Sources: sources, Tick: everySecond, Log: n.opt.Log})
	n.closes(a.Close)
}

// everySecond gives a ticker and its end.
func everySecond() (<-chan time.Time, func()) {
	t := time.NewTicker(time.Second)
	return t.C, t.Stop
}
