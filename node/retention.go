package node

import (
	"cmp"
	"context"
	"errors"

	"usher/blob"
	"usher/eventlog"
	"usher/history"
	"usher/retention"
	"usher/store"
)

// openLogs opens the logs of all groups and what is known from them. Both ask for
// compaction when it is due.
func (n *Node) openLogs(db *store.DB, blobs blob.Store) (*eventlog.Logs, *history.History) {
	hot := cmp.Or(n.opt.HotRecords, retention.HotRecords)
	logs := eventlog.NewWith(db, eventlog.Options{Archive: retention.Archive(blobs), Grown: retention.Enqueue, Every: eventlog.Offset(hot)})
	n.closes(logs.Close)
	hist := history.New(history.Options{Logs: logs.Log, Blobs: blobs, Work: int64(hot), Grown: func(group string) {
		err := db.Update(context.Background(), func(tx *store.Tx) error { return retention.Enqueue(tx, group) })
		if err != nil && !errors.Is(err, store.ErrClosed) { // it asks again
			n.opt.Log.Warn("ask for a compaction", "group", group, "error", err)
		}
	}})
	n.closes(hist.Close)
	return logs, hist
}
