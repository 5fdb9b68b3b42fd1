package evaluate

import (
	"context"
	"runtime"
	"sync"
	"time"

	"usher/dataset"
	"usher/recipe"
)

// asking asks a trained contender all questions of a round.
type asking struct {
	model    answerer
	spec     recipe.Spec
	round    *Round
	protocol Protocol
	workers  int
	types    []string // of events
	items    int
}

// block is how many questions a worker takes at once.
const block = 64

// lists gives the answers, in the order of the questions.
func (a *asking) lists(ctx context.Context) ([][]dataset.Index, error) {
	n := len(a.round.Questions)
	out := make([][]dataset.Index, n)
	blocks := make(chan int, (n+block-1)/block)
	for from := 0; from < n; from += block {
		blocks <- from
	}
	close(blocks)
	workers := a.workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for from := range blocks {
				if errs[w] == nil {
					errs[w] = a.ask(ctx, out, from, min(n, from+block))
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ask answers the questions from…to-1.
func (a *asking) ask(ctx context.Context, out [][]dataset.Index, from, to int) error {
	allow := dataset.NewSet(a.items)
	var dst []recipe.Scored
	for i := from; i < to; i++ {
		c := &a.round.Questions[i]
		q := recipe.Query{User: c.User, Item: dataset.NoIndex, History: c.Input, Now: time.Unix(a.round.now(c), 0).UTC(), Context: c.Context}
		q.Profile, q.ProfileSchema = a.round.Train.Profile(c.User)
		q.Shown = func() []dataset.Exposure { return a.round.Train.Shown.Before(c.User, c.At) }
		if a.spec.NeedsItem {
			q.Item = c.QueryItem()
		}
		left := dataset.Set{}
		if a.round.Mask || a.spec.Excludes != "" || !c.Among.All() {
			left = allow
			a.allow(allow, c.Among, c.Input)
		}
		var err error
		if dst, err = a.model.Recommend(ctx, &q, a.protocol.list(), left, dst); err != nil {
			return err
		}
		out[i] = make([]dataset.Index, len(dst))
		for j, s := range dst {
			out[i][j] = s.Index
		}
	}
	return nil
}

// allow leaves in the set what may be answered to a history, of some candidates.
func (a *asking) allow(set, among dataset.Set, history []dataset.Event) {
	if among.All() {
		set.Fill(a.items)
	} else {
		copy(set.Words(), among.Words())
	}
	if a.round.Mask {
		for _, e := range history {
			set.Remove(e.Item)
		}
	}
	a.spec.Excluded(history, a.types, set.Remove)
}
