// Package train makes the versions of solutions and recommenders: the job that
// freezes a group's data, trains and measures a model, and publishes it; and the
// Scheduler, which asks for trainings when their time has come.
//
// The parent side, Trainer, is a job.Worker. It freezes a snapshot, checks that
// it is enough to learn from, and hands it to a child process. The child side,
// Child, splits the data as AWS documents it, trains on the one part, measures
// on the other, refits on everything with what the first fit chose, and writes
// the model. They speak over the child's stdin and stdout (message.go). The
// child holds no claim and never opens the database: it reads and writes blobs
// by the names it is given, and ends when its stdin closes.
//
// Nothing half-made is seen: model, metrics, ACTIVE and the end of the job are
// one transaction. Where a training goes on after a crash is the job's
// checkpoint (checkpoint.go), which names blobs; each of these belongs to one
// attempt, and what neither the checkpoint nor the record names is swept.
// A training that went on gives the same bytes as one that was not interrupted,
// because the snapshot is frozen once and all else depends on it (I4).
//
// How a process is started, and at which priority, is left to node; what an
// algorithm does, to recipe; which measure counts how, to eval.
package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"usher/blob"
	"usher/catalog"
	"usher/history"
	"usher/job"
	"usher/recipe"
	"usher/store"
)

// Job is the kind of the job that trains a version; the key is its ARN.
const Job job.Kind = "train"

// Seed is the seed of every training: the same data and the same parameters
// give the same model, whatever its owner and its version are called (I4).
const Seed = 1

// Enqueue starts the training of a version whose record (CREATE PENDING) is in the same transaction.
func Enqueue(tx *store.Tx, versionARN string) error { return job.Enqueue(tx, Job, versionARN, nil) }

// Options configure a Trainer.
type Options struct {
	DB      *store.DB
	History *history.History
	Blobs   blob.Store      // snapshots, checkpoints, models; the child opens the same
	Recipes []recipe.Recipe // the child has the same
	// Start starts a process that runs Child on the other ends of In and Out.
	// Ending ctx must not end the process: the Trainer does that.
	Start func(ctx context.Context) (*Process, error)
	// Moved is told of a version in the transaction that changes its status; may
	// be nil. What depends on the version moves with it.
	Moved      func(tx *store.Tx, version catalog.Record) error
	Embed      recipe.Embed     // makes vectors of items' texts; nil: their words are learnt from alone
	Minimums   Minimums         // what data must have; zero: at least one interaction
	EventTypes int              // how many distinct event types the data may have; 0: any number (AWS: 10)
	Workers    int              // goroutines of a training; 0: one for each CPU
	Patience   time.Duration    // a child that says nothing for so long is ended; 10 minutes
	Now        func() time.Time // time.Now
	Log        *slog.Logger     // slog.Default()
}

// Trainer is the worker for jobs of kind Job. All methods may be called concurrently.
type Trainer struct {
	opt     Options
	recipes map[string]recipe.Recipe
	grace   time.Duration  // of a child that was told to end
	wg      sync.WaitGroup // of sweeps
}

var _ job.Worker = (*Trainer)(nil)

// New gives a Trainer. Close it after the queue.
func New(opt Options) *Trainer {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Patience <= 0 {
		opt.Patience = 10 * time.Minute
	}
	return &Trainer{opt: opt, recipes: byName(opt.Recipes), grace: grace}
}

// Close waits until the blobs of abandoned trainings are gone.
func (t *Trainer) Close() error {
	t.wg.Wait()
	return nil
}

func byName(list []recipe.Recipe) map[string]recipe.Recipe {
	out := make(map[string]recipe.Recipe, len(list))
	for _, r := range list {
		out[r.Spec().Name] = r
	}
	return out
}

// trainee is a record that a training makes ACTIVE: a version of a solution or of
// a recommender.
type trainee interface {
	catalog.Record
	Training() *catalog.SolutionVersion
}

// find reads the record of a training. ErrNotFound: it was deleted.
func find(tx *store.Tx, arn string) (trainee, error) {
	r, err := catalog.Find(tx, arn)
	if err != nil {
		return nil, err
	}
	v, ok := r.(trainee)
	if !ok {
		return nil, job.Permanent(fmt.Errorf("train %s: a %s is not trained", arn, r.Kind()))
	}
	return v, nil
}

// store stores a changed version and tells who depends on it.
func (t *Trainer) store(tx *store.Tx, v trainee) error {
	if err := catalog.Update(tx, v); err != nil || t.opt.Moved == nil {
		return err
	}
	return t.opt.Moved(tx, v)
}

// work is what a training needs to know.
type work struct {
	version *catalog.SolutionVersion
	names   names
}

// Run implements job.Worker.
func (t *Trainer) Run(ctx context.Context, task *job.Task) error {
	w, err := t.begin(ctx, task)
	if errors.Is(err, catalog.ErrNotFound) { // deleted with its solution: nothing is left to do
		return task.Finish(ctx, func(*store.Tx) error { return nil })
	}
	if err != nil {
		return err
	}
	p := parseCheckpoint(task.Checkpoint())
	t.sweep(ctx, w.names, p)
	if err := t.freeze(ctx, task, w, &p); err != nil {
		var bad *insufficient
		if errors.As(err, &bad) {
			defer t.sweep(context.WithoutCancel(ctx), w.names, checkpoint{})
			return task.Finish(ctx, func(tx *store.Tx) error { return t.fail(tx, task.Key, bad.reason) })
		}
		return err
	}
	if err := t.supervise(ctx, task, w, &p); err != nil {
		if errors.Is(context.Cause(ctx), job.ErrCanceled) { // its record may be gone before it is abandoned
			t.sweep(context.WithoutCancel(ctx), w.names, checkpoint{})
		}
		return err
	}
	// What is trained is worth publishing, even while the process is stopping.
	ctx = context.WithoutCancel(ctx)
	err = task.Finish(ctx, func(tx *store.Tx) error { return t.publish(tx, task.Key, p) })
	if errors.Is(err, job.ErrLost) { // another process trains it; the blobs are its own
		return err
	}
	keep := checkpoint{}
	if err != nil && !errors.Is(err, catalog.ErrNotFound) { // for the next attempt
		keep = parseCheckpoint(task.Checkpoint())
	}
	t.sweep(ctx, w.names, keep) // a model that was not published goes too
	if err != nil {
		return err
	}
	t.opt.Log.Info("training finished", "version", task.Key, "recipe", w.version.Recipe,
		"seconds", math.Round(p.Seconds*10)/10, "metrics", p.Metrics, "chosen", p.notes())
	return nil
}

// begin reads the record and marks the version as being trained.
func (t *Trainer) begin(ctx context.Context, task *job.Task) (w work, err error) {
	err = task.Update(ctx, func(tx *store.Tx) error {
		r, err := find(tx, task.Key)
		if err != nil {
			return err
		}
		v := r.Training()
		if v.Status == catalog.Stopping {
			return job.Permanent(job.ErrCanceled)
		}
		group, err := catalog.Get[catalog.DatasetGroup](tx, v.Group)
		if err != nil {
			return err
		}
		owner, err := catalog.Find(tx, v.Parent)
		if err != nil {
			return err
		}
		w = work{v, names{arn: v.ARN, group: group.ID, owner: owner.Common().ID, version: v.ID, attempt: task.Attempt}}
		v.Status = catalog.InProgress
		return t.store(tx, r)
	})
	if err == nil && t.recipes[w.version.Recipe] == nil {
		err = job.Permanent(fmt.Errorf("this usher has no recipe %q", w.version.Recipe))
	}
	return w, err
}

// publish makes the trained version ACTIVE.
func (t *Trainer) publish(tx *store.Tx, arn string, p checkpoint) error {
	r, err := find(tx, arn)
	if err != nil {
		return err
	}
	v := r.Training()
	if v.Status == catalog.Stopping { // the stop came first; the job is being cancelled
		return job.ErrCanceled
	}
	v.Status, v.FailureReason = catalog.Active, ""
	v.Model, v.Metrics, v.Offset, v.Tuned = p.Model, p.Metrics, p.Offset, p.Tuned
	v.Chosen = p.notes()
	v.TrainingHours = math.Ceil(p.Seconds/3600*1e6) / 1e6
	return t.store(tx, r)
}

// fail publishes that the training failed.
func (t *Trainer) fail(tx *store.Tx, arn, reason string) error {
	v, err := find(tx, arn)
	if err != nil {
		return err
	}
	v.Common().Status, v.Common().FailureReason = catalog.Failed, reason
	return t.store(tx, v)
}

// Abandon implements job.Worker: a cancelled version is CREATE STOPPED, any
// other CREATE FAILED.
func (t *Trainer) Abandon(tx *store.Tx, key string, _ json.RawMessage, cause error) error {
	r, err := find(tx, key)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	v := r.Training()
	if errors.Is(cause, job.ErrCanceled) {
		v.Status = catalog.Stopped
	} else {
		v.Status = catalog.Failed
		v.FailureReason = "The training was given up: " + cause.Error() + advice(v, cause)
	}
	if err := t.store(tx, r); err != nil {
		return err
	}
	n := names{arn: v.ARN, version: v.ID}
	if group, err := catalog.Get[catalog.DatasetGroup](tx, v.Group); err == nil {
		n.group = group.ID
	}
	if owner, err := catalog.Find(tx, v.Parent); err == nil {
		n.owner = owner.Common().ID
	}
	tx.OnCommit(func() { // not here: the writer waits for us
		t.wg.Go(func() { t.sweep(context.Background(), n, checkpoint{}) })
	})
	return nil
}

// advice is what a person can do about a training that did not succeed.
func advice(v *catalog.SolutionVersion, cause error) string {
	again, fewer := " Create another solution version to try again.", " (eventType, eventValueThreshold)"
	if useCase(v) {
		again, fewer = " Delete the recommender and create it again, or update it, to try again.", ""
	}
	if outOfMemory(cause) {
		return ". Give the machine more memory, stop other programs, or train on fewer interactions" + fewer + "." + again
	}
	return ". The server's log has more." + again
}
