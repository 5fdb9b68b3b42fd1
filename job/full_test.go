package job

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"usher/store"
)

// TestFullDiskForgetsNoJob has the disk full when a run ends with an error: the
// job runs again once there is room.
func TestFullDiskForgetsNoJob(t *testing.T) {
	db := openIn(t, store.Options{}) // SQLite can be given a limit
	limit := func(pages int) {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(fmt.Sprintf("pragma max_page_count = %d", pages))
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	asked := make(chan struct{})
	w := &worker{run: func(ctx context.Context, task *Task) error {
		if task.Attempt == 1 {
			limit(1)                                             // as many pages as there are
			return &tooLong{strings.Repeat("x", 100_000), asked} // it has no room
		}
		return task.Finish(ctx, done)
	}}
	q := openQueue(t, db, w)
	enqueue(t, db, "a")
	<-asked // the end of the first run is being written down
	<-asked // and again
	limit(1 << 30)
	go func() {
		for range asked {
		}
	}()
	ended(t, db, "a", "done")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if s := status(t, db, "a"); s.Attempt != 2 {
		t.Errorf("it ended in attempt %d", s.Attempt)
	}
	close(asked)
}

// tooLong is an error that tells when it is asked for its text.
type tooLong struct {
	text  string
	asked chan struct{}
}

func (e *tooLong) Error() string {
	e.asked <- struct{}{}
	return e.text
}
