package serving

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"usher/internal/seed"
	"usher/wire/personalize"
)

// train starts the training of a version and returns when it has begun. stop ends
// it; it is an error if it has ended by itself, for then answers were measured
// beside nothing.
func (w *world) train(ctx context.Context) (stop func() error, err error) {
	v, err := w.admin.CreateSolutionVersion(ctx, &personalize.CreateSolutionVersionInput{SolutionArn: &w.solution})
	if err != nil {
		return nil, err
	}
	status := func() (string, error) {
		r, err := w.admin.DescribeSolutionVersion(ctx, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: v.SolutionVersionArn})
		if err != nil {
			return "", err
		}
		return *r.SolutionVersion.Status, nil
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s := ""; s != "CREATE IN_PROGRESS"; {
		if s, err = status(); err != nil {
			return nil, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return func() error {
		s, err := status()
		if err == nil && s != "CREATE IN_PROGRESS" {
			err = fmt.Errorf("the training was %s before the measurement was over", s)
		}
		if err != nil {
			return err
		}
		_, err = w.admin.StopSolutionVersionCreation(ctx, &personalize.StopSolutionVersionCreationInput{SolutionVersionArn: v.SolutionVersionArn})
		return err
	}, nil
}

// eventsPerSecond is how many PutEvents come in a second, each with one event.
const eventsPerSecond = 1000

// sendEvents sends events of random users until stop is called. It is an error
// when they do not go as fast as they should, within a tenth.
func (w *world) sendEvents(ctx context.Context) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	began, sent := w.opt.Now(), 0
	var failed error
	var wg sync.WaitGroup
	const senders = 64
	queue := make(chan []byte, eventsPerSecond/10)
	errs := make([]error, senders)
	for s := range senders {
		wg.Go(func() {
			c, err := dial(ctx, w.address())
			if err != nil {
				errs[s] = err
				return
			}
			defer c.close()
			for r := range queue {
				if errs[s] == nil {
					errs[s] = c.ask(r)
				}
			}
		})
	}
	wg.Go(func() {
		defer close(queue)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		r := seed.Seed(2).Rand()
		for ctx.Err() == nil {
			for due := int(w.opt.Now().Sub(began).Seconds() * eventsPerSecond); sent < due; sent++ {
				body := fmt.Sprintf(`{"trackingId":%q,"userId":"user-%05d","sessionId":"s-%d","eventList":[{"eventId":"e-%d","eventType":"view","itemId":"item-%07d","sentAt":%d}]}`,
					w.tracking, r.IntN(min(asked, w.scale.Users)), sent, sent, r.IntN(w.scale.Items), 1_700_000_000+sent)
				request, err := w.request(context.WithoutCancel(ctx), "/events", body)
				if err != nil {
					failed = err
					return
				}
				queue <- request
			}
			<-tick.C
		}
	})
	return func() error {
		took := w.opt.Now().Sub(began).Seconds()
		n := sent
		cancel()
		wg.Wait()
		if failed == nil && float64(n) < .9*took*eventsPerSecond {
			failed = fmt.Errorf("only %.0f events a second went in", float64(n)/took)
		}
		return errors.Join(failed, errors.Join(errs...))
	}, nil
}
