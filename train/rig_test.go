package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/blob"
	"usher/blob/blobtest"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/job"
	"usher/recipe"
	"usher/store"
)

// rig is a Trainer with all it needs, on a folder. A child in this process can
// outlive its kill when its recipe is deaf: such tests have a grace.
type rig struct {
	dir     string
	db      *store.DB
	logs    *eventlog.Logs
	blobs   *blob.Dir
	hist    *history.History
	group   *catalog.DatasetGroup
	trainer *Trainer
	queue   *job.Queue
	grace   time.Duration // of children in this process
}

// clock goes on by a second each time it is read: every duration is more than none.
func clock() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

const (
	testGroup    = "arn:aws:personalize:us-east-1:000000000000:dataset-group/g"
	testSolution = "arn:aws:personalize:us-east-1:000000000000:solution/s"
	testVersion  = "arn:aws:personalize:us-east-1:000000000000:solution/s/00000001"
)

// openRig opens the folder; "" is one of its own.
func openRig(t testing.TB, dir string) *rig {
	t.Helper()
	r := &rig{dir: dir, grace: time.Minute}
	storeDir := dir
	if dir == "" {
		r.dir = t.TempDir() // the database's is without syncs
	}
	var err error
	if r.db, err = store.Open(context.Background(), store.Options{Dir: storeDir, Now: clock()}); err != nil {
		t.Fatal(err)
	}
	if r.blobs, err = blob.OpenDir(blobFolder(r.dir)); err != nil {
		t.Fatal(err)
	}
	r.logs = eventlog.New(r.db)
	r.hist = history.New(history.Options{Logs: r.logs.Log, Blobs: r.blobs})
	t.Cleanup(r.close)
	return r
}

func blobFolder(dir string) string { return dir + "/blobs" }

func (r *rig) close() {
	r.stop()
	_ = r.hist.Close()
	_ = r.logs.Close()
	_ = r.db.Close()
}

// stop is a graceful stop of the queue.
func (r *rig) stop() {
	if r.queue != nil {
		_ = r.queue.Close()
		_ = r.trainer.Close()
		r.queue = nil
	}
}

// run opens the queue over a Trainer with these options.
func (r *rig) run(t testing.TB, opt Options) {
	t.Helper()
	opt.DB, opt.History, opt.Blobs, opt.Now = r.db, r.hist, r.blobs, clock()
	opt.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	r.trainer = New(opt)
	var err error
	r.queue, err = job.Open(context.Background(), job.Options{DB: r.db, Log: opt.Log, Workers: map[job.Kind]job.Worker{Job: r.trainer},
		Backoff: func(int) time.Duration { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
}

// local gives options whose children run these recipes in this process.
func (r *rig) local(recipes ...recipe.Recipe) Options {
	return Options{Recipes: recipes, Workers: 2, Start: func(ctx context.Context) (*Process, error) {
		return localProcess(ctx, ChildOptions{Blobs: r.blobs, Recipes: recipes, grace: r.grace}), nil
	}}
}

// localProcess runs Child in a goroutine that can be killed.
func localProcess(ctx context.Context, opt ChildOptions) *Process {
	ctx, cancel := context.WithCancelCause(ctx)
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	opt.In, opt.Out = stdin, stdout
	ended := make(chan struct{})
	var err error
	go func() {
		defer close(ended)
		err = Child(ctx, opt)
		_ = stdin.Close()
		_ = stdout.Close()
	}()
	return &Process{In: in, Out: out, Wait: func() error { <-ended; return err },
		Kill: func() error {
			cancel(errors.New("signal: killed"))
			_ = stdin.CloseWithError(io.ErrClosedPipe)
			return stdout.Close()
		}}
}

// remote gives options whose children are processes: this test's executable
// with the given script.
func (r *rig) remote(script string) Options {
	return Options{Recipes: []recipe.Recipe{fake{}}, Workers: 2, Start: func(context.Context) (*Process, error) {
		return remoteProcess(r.dir, script)
	}}
}

func remoteProcess(dir, script string) (*Process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "USHER_TEST_CHILD="+dir, "USHER_TEST_SCRIPT="+script)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if os.Getenv("USHER_TEST_SERVER") != "" {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{In: in, Out: out, Kill: cmd.Process.Kill, Wait: func() error {
		err := cmd.Wait()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
		}
		return err
	}}, nil
}

// TestMain is also the main of children and servers that tests start.
func TestMain(m *testing.M) {
	if dir := os.Getenv("USHER_TEST_CHILD"); dir != "" {
		childMain(dir, os.Getenv("USHER_TEST_SCRIPT"))
	}
	os.Exit(m.Run())
}

// childMain is a training process whose recipe follows a script.
func childMain(dir, script string) {
	blobs, err := blob.OpenDir(blobFolder(dir))
	if err != nil {
		panic(err)
	}
	f := fake{step: func(ctx context.Context, s fakeStep) error {
		switch {
		case script == "crash":
			panic("the recipe has a bug")
		case script == "killed":
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				return err
			}
			if err := self.Kill(); err != nil {
				return err
			}
			select {}
		case script == "deaf" && s.refit() && s.n == 1: // takes no notice of ctx
			fmt.Fprintln(os.Stderr, "deaf")
			select {}
		}
		return nil
	}}
	err = Child(context.Background(), ChildOptions{Blobs: blobs, Recipes: []recipe.Recipe{f}, In: os.Stdin, Out: os.Stdout})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// shop writes a group's records and the events of some users into its log. The
// same call gives the same data.
func (r *rig) shop(t testing.TB) {
	t.Helper()
	r.group = &catalog.DatasetGroup{Meta: catalog.Meta{ARN: testGroup, Name: "g", Status: catalog.Active}}
	err := r.db.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(
			catalog.Create(tx, r.group),
			catalog.Create(tx, &catalog.Solution{Meta: catalog.Meta{ARN: testSolution, Name: "s", Group: testGroup, Parent: testGroup, Status: catalog.Active}, Recipe: fakeName}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var list []dataset.Interaction
	for u := range 40 {
		for k := range 2 + rng.IntN(12) {
			value := float64(1 + rng.IntN(5))
			list = append(list, dataset.Interaction{User: fmt.Sprintf("u%d", u), Item: fmt.Sprintf("i%d", min(rng.IntN(30), rng.IntN(30))),
				Type: []string{"Watch", "click"}[rng.IntN(2)], Time: int64(1000*u + 10*k), Value: &value})
		}
	}
	r.append(t, list...)
}

// append puts events into the group's log.
func (r *rig) append(t testing.TB, list ...dataset.Interaction) {
	t.Helper()
	var recs []eventlog.Record
	for i := range list {
		b, err := (&dataset.Change{Interaction: &list[i]}).Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, eventlog.Record{Data: b})
	}
	if _, err := r.logs.Log(r.group.ID).Append(t.Context(), recs...); err != nil {
		t.Fatal(err)
	}
}

// request creates the version and its job.
func (r *rig) request(t testing.TB, change func(v *catalog.SolutionVersion)) {
	t.Helper()
	v := &catalog.SolutionVersion{Meta: catalog.Meta{ARN: testVersion, Group: testGroup, Parent: testSolution, Status: catalog.Pending}, Recipe: fakeName, Seed: 7}
	if change != nil {
		change(v)
	}
	err := r.db.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(catalog.Create(tx, v), Enqueue(tx, v.ARN))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) version(t testing.TB) (v *catalog.SolutionVersion) {
	t.Helper()
	err := r.db.View(t.Context(), func(tx *store.Tx) (err error) {
		v, err = catalog.Get[catalog.SolutionVersion](tx, testVersion)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// await returns when the version has the status, and fails when it ends with another.
func (r *rig) await(t testing.TB, want catalog.Status) *catalog.SolutionVersion {
	t.Helper()
	moved := make(chan struct{}, 1)
	cancel := r.db.Subscribe(catalog.Topic, func(string) {
		select {
		case moved <- struct{}{}:
		default:
		}
	})
	defer cancel()
	for {
		v := r.version(t)
		if v.Status == want {
			return v
		}
		if !v.Status.Transitional() {
			t.Fatalf("the version is %s (%s), want %s", v.Status, v.FailureReason, want)
		}
		<-moved
	}
}

func (r *rig) stored(t testing.TB) []string {
	t.Helper()
	return blobtest.Names(t, r.blobs, "")
}

func (r *rig) read(t testing.TB, name string) []byte {
	t.Helper()
	return blobtest.Get(t, r.blobs, name)
}

func (r *rig) job(t testing.TB) (s job.Status) {
	t.Helper()
	err := r.db.View(t.Context(), func(tx *store.Tx) (err error) {
		s, _, err = job.Find(tx, Job, testVersion)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// result is what a training without interruption gives on the shop's data.
func result(t testing.TB) (v *catalog.SolutionVersion, model []byte) {
	t.Helper()
	r := openRig(t, "")
	r.shop(t)
	r.run(t, r.local(fake{}))
	r.request(t, nil)
	v = r.await(t, catalog.Active)
	return v, r.read(t, v.Model)
}
