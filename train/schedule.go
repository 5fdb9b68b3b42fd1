package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"usher/catalog"
	"usher/store"
)

// When trainings are due.
const (
	// firstAfter is how long a solution waits for its first automatic training.
	// AWS says "within an hour": that leaves a program the time to train a version
	// itself, as most do right after CreateSolution.
	firstAfter = 15 * time.Minute
	// everyDefault is between two trainings unless the solution says otherwise;
	// for recommenders always.
	everyDefault = 7 * 24 * time.Hour
)

// SchedulerOptions configure a Scheduler.
type SchedulerOptions struct {
	DB *store.DB // its clock is the scheduler's
	// Last gives the offset of the newest record in the log of a dataset group,
	// by the group's catalog ID.
	Last  func(ctx context.Context, groupID string) (uint64, error)
	Ticks <-chan time.Time // when to look what is due
	Log   *slog.Logger
}

// Scheduler starts the trainings whose time has come: of solutions with
// performAutoTraining by their rate, of recommenders that are ACTIVE every seven
// days. It counts from the newest training, whoever asked for it and however it
// ended, and starts none unless data came since what was learnt last. What it
// knows stands in the catalog, so nothing is missed while the server is down.
type Scheduler struct {
	opt  SchedulerOptions
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// OpenScheduler starts a Scheduler. Close it before the database.
func OpenScheduler(opt SchedulerOptions) *Scheduler {
	ctx, stop := context.WithCancel(context.Background())
	s := &Scheduler{opt: opt, stop: stop}
	s.wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-opt.Ticks:
			}
			if err := s.look(ctx); err != nil && ctx.Err() == nil {
				opt.Log.Error("start trainings by schedule", "error", err)
			}
		}
	})
	return s
}

// Close stops it and waits for it.
func (s *Scheduler) Close() error {
	s.stop()
	s.wg.Wait()
	return nil
}

// look starts what is due. Mostly nothing is, so it reads first and writes only
// then; what is due is asked again inside the transaction that starts it.
func (s *Scheduler) look(ctx context.Context) error {
	var due []candidate
	err := s.opt.DB.View(ctx, func(tx *store.Tx) error {
		solutions, _, err := catalog.List[catalog.Solution](tx, catalog.Query{})
		if err != nil {
			return err
		}
		recommenders, _, err := catalog.List[catalog.Recommender](tx, catalog.Query{})
		if err != nil {
			return err
		}
		for _, r := range solutions {
			if due, err = addDue(tx, due, r); err != nil {
				return err
			}
		}
		for _, r := range recommenders {
			if due, err = addDue(tx, due, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var errs []error // of one do not keep the others
	for _, c := range due {
		errs = append(errs, s.start(ctx, c))
	}
	return errors.Join(errs...)
}

// candidate is what is due if there are new data.
type candidate struct {
	arn     string
	groupID string
	learnt  uint64 // offset of the log that was learnt last
}

func addDue(tx *store.Tx, list []candidate, r catalog.Record) ([]candidate, error) {
	learnt, ok, err := dueNow(tx, r)
	if err != nil || !ok {
		return list, err
	}
	g, err := catalog.Get[catalog.DatasetGroup](tx, r.Common().Group)
	if err != nil {
		return list, err
	}
	return append(list, candidate{r.Common().ARN, g.ID, learnt}), nil
}

// start starts a training, if there are data that the last one did not see.
func (s *Scheduler) start(ctx context.Context, c candidate) error {
	last, err := s.opt.Last(ctx, c.groupID)
	if err != nil || last <= c.learnt {
		return err
	}
	return s.opt.DB.Update(ctx, func(tx *store.Tx) error {
		r, err := catalog.Find(tx, c.arn)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, ok, err := dueNow(tx, r); err != nil || !ok { // somebody was faster
			return err
		}
		tx.OnCommit(func() { s.opt.Log.Info("training by schedule", "of", c.arn) })
		switch r := r.(type) {
		case *catalog.Solution:
			v := NewVersion(r)
			v.ARN, v.TrainingType = r.ARN+"/"+catalog.NewID()[:8], "AUTOMATIC"
			if err := catalog.Create(tx, v); err != nil {
				return err
			}
			return Enqueue(tx, v.ARN)
		case *catalog.Recommender:
			if err := Retrain(tx, r); err != nil {
				return err
			}
			return catalog.Update(tx, r)
		}
		return fmt.Errorf("train by schedule: a %s is not trained", r.Kind())
	})
}

// dueNow says whether the time of a solution or recommender has come, and what
// was learnt last.
func dueNow(tx *store.Tx, r catalog.Record) (learnt uint64, ok bool, err error) {
	switch r := r.(type) {
	case *catalog.Solution:
		return solutionDue(tx, r)
	case *catalog.Recommender:
		if r.Status != catalog.Active || r.Busy() || r.Next != "" || tx.Now().Sub(r.Trained) < everyDefault {
			return 0, false, nil
		}
		v, err := catalog.Get[catalog.RecommenderVersion](tx, r.Parent)
		if err != nil {
			return 0, false, err
		}
		return v.Offset, true, nil
	}
	return 0, false, nil
}

func solutionDue(tx *store.Tx, s *catalog.Solution) (learnt uint64, ok bool, err error) {
	if !s.PerformAutoTraining || s.Status != catalog.Active {
		return 0, false, nil
	}
	versions, _, err := catalog.List[catalog.SolutionVersion](tx, catalog.Query{Parent: s.ARN})
	if err != nil {
		return 0, false, err
	}
	if len(versions) == 0 {
		if tx.Now().Sub(s.Updated) < firstAfter {
			return 0, false, nil
		}
		ok, err = hasInteractions(tx, s.Group)
		return 0, ok, err
	}
	every, err := rate(s.Config)
	if err != nil || versions[0].Status.Transitional() || tx.Now().Sub(versions[0].Created) < every {
		return 0, false, err
	}
	for _, v := range versions {
		if v.Status == catalog.Active {
			return v.Offset, true, nil
		}
	}
	return 0, true, nil
}

// hasInteractions says whether a group may have data to learn from: something
// was imported, or events can come.
func hasInteractions(tx *store.Tx, group string) (bool, error) {
	imports, err := catalog.Count(tx, catalog.KindImportJob, catalog.Query{Group: group}, catalog.Active)
	if err != nil || imports > 0 {
		return imports > 0, err
	}
	trackers, err := catalog.Count(tx, catalog.KindEventTracker, catalog.Query{Group: group})
	return trackers > 0, err
}

// rate gives the time between two trainings that a stored solutionConfig asks
// for: autoTrainingConfig.schedulingExpression is rate(N days).
func rate(config json.RawMessage) (time.Duration, error) {
	var c struct {
		AutoTrainingConfig struct {
			SchedulingExpression string `json:"schedulingExpression"`
		} `json:"autoTrainingConfig"`
	}
	if len(config) > 0 {
		if err := json.Unmarshal(config, &c); err != nil {
			return 0, fmt.Errorf("read schedule: %w", err)
		}
	}
	text := c.AutoTrainingConfig.SchedulingExpression
	if text == "" {
		return everyDefault, nil
	}
	digits, _, _ := strings.Cut(strings.TrimPrefix(text, "rate("), " ")
	days, err := strconv.Atoi(digits)
	if err != nil || days < 1 {
		return 0, fmt.Errorf("read schedule: %q is not rate(N days)", text)
	}
	return time.Duration(days) * 24 * time.Hour, nil
}
