package train

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/catalog"
	"usher/job"
	"usher/recipe"
)

// attempts counts the processes that are started.
func attempts(opt *Options) *int {
	n := new(int)
	start := opt.Start
	opt.Start = func(ctx context.Context) (*Process, error) { *n++; return start(ctx) }
	return n
}

func TestChildThatDiesIsTriedAgain(t *testing.T) {
	for script, want := range map[string][]string{
		"crash":  {"the training process ended while it was training: exit status 2: panic: the recipe has a bug", "The server's log has more."},
		"killed": {"(the machine is probably out of memory). Give the machine more memory", "killed"},
	} {
		t.Run(script, func(t *testing.T) {
			r := openRig(t, "")
			r.shop(t)
			opt := r.remote(script)
			n := attempts(&opt)
			r.run(t, opt)
			r.request(t, nil)
			v := r.await(t, catalog.Failed)
			for _, w := range want {
				if !strings.Contains(v.FailureReason, w) {
					t.Errorf("the reason does not say %q: %s", w, v.FailureReason)
				}
			}
			r.stop()
			if *n != job.Attempts {
				t.Errorf("%d attempts", *n)
			}
			if got := r.stored(t); len(got) > 0 {
				t.Errorf("blobs %q", got)
			}
		})
	}
}

// A child that dies once costs an attempt and no more: what it had done stays done.
func TestChildThatDiesOnce(t *testing.T) {
	want, model := result(t)
	r := openRig(t, "")
	r.shop(t)
	var froms []int
	var kill func() error
	f := fake{step: func(ctx context.Context, s fakeStep) error {
		if s.n == s.from {
			froms = append(froms, s.from)
		}
		if s.refit() && s.n == 2 && s.from == 0 {
			if err := kill(); err != nil {
				return err
			}
			<-ctx.Done()
		}
		return context.Cause(ctx)
	}}
	opt := r.local(f)
	start := opt.Start
	opt.Start = func(ctx context.Context) (*Process, error) {
		p, err := start(ctx)
		kill = p.Kill
		return p, err
	}
	r.run(t, opt)
	r.request(t, nil)
	v := r.await(t, catalog.Active)
	r.stop()
	if !slices.Equal(froms, []int{0, 0, 2}) {
		t.Errorf("fits went on at %v", froms)
	}
	if !maps.Equal(v.Metrics, want.Metrics) || !bytes.Equal(r.read(t, v.Model), model) || !strings.HasSuffix(v.Model, "-2") {
		t.Errorf("model %q, metrics %v; uninterrupted %v", v.Model, v.Metrics, want.Metrics)
	}
	if got := r.stored(t); !slices.Equal(got, []string{v.Model}) {
		t.Errorf("blobs %q", got)
	}
}

func TestChildThatHangsIsEnded(t *testing.T) {
	r := openRig(t, "")
	r.grace = time.Millisecond
	r.shop(t)
	release := make(chan struct{})
	defer close(release)
	opt := r.local(fake{step: func(context.Context, fakeStep) error { <-release; return nil }})
	opt.Patience = 30 * time.Millisecond
	n := attempts(&opt)
	r.run(t, opt)
	r.request(t, nil)
	v := r.await(t, catalog.Failed)
	if !strings.Contains(v.FailureReason, "the training process said nothing for 30ms while it was ") {
		t.Error(v.FailureReason)
	}
	r.stop()
	if *n != job.Attempts {
		t.Errorf("%d attempts", *n)
	}
}

// A fit that takes no notice of being told to stop does not hold up the server.
func TestDeafChildIsEnded(t *testing.T) {
	r := openRig(t, "")
	r.grace = time.Millisecond
	r.shop(t)
	reached, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	r.run(t, r.local(fake{step: func(context.Context, fakeStep) error { close(reached); <-release; return nil }}))
	r.trainer.grace = time.Millisecond
	r.request(t, nil)
	<-reached
	r.stop()
	if s := r.job(t); s.State != "queued" {
		t.Errorf("job %+v", s)
	}
}

// The server is killed in the middle of a fit whose recipe notices nothing. The
// child ends by itself; the next server goes on and comes to the same end.
func TestKilledServerGoesOn(t *testing.T) {
	want, model := result(t)
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(exe, "-test.run=^TestServerProcess$")
	server.Env = append(os.Environ(), "USHER_TEST_SERVER="+dir)
	said, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	var all []string
	for lines.Scan() {
		all = append(all, lines.Text())
		if lines.Text() == "deaf" { // the child, in the second step of the refit
			if err := server.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The child has the other end too: here it has ended.
	_ = server.Wait()
	if !slices.Contains(all, "deaf") {
		t.Fatalf("the server said %q", all)
	}
	r := openRig(t, dir)
	if v := r.version(t); v.Status != catalog.InProgress {
		t.Fatalf("the version is %s", v.Status)
	}
	var froms []int
	f := fake{step: func(_ context.Context, s fakeStep) error { froms = append(froms, s.from); return nil }}
	r.run(t, r.local(f))
	v := r.await(t, catalog.Active)
	r.stop()
	if !slices.Equal(froms, []int{1, 1}) {
		t.Errorf("the fit went on at %v; its first step was saved", froms)
	}
	if !maps.Equal(v.Metrics, want.Metrics) || !bytes.Equal(r.read(t, v.Model), model) {
		t.Errorf("metrics %v, uninterrupted %v", v.Metrics, want.Metrics)
	}
	if got := r.stored(t); !slices.Equal(got, []string{v.Model}) {
		t.Errorf("blobs %q", got)
	}
}

// TestServerProcess is the server of TestKilledServerGoesOn.
func TestServerProcess(t *testing.T) {
	dir := os.Getenv("USHER_TEST_SERVER")
	if dir == "" {
		t.Skip("a process of another test")
	}
	r := openRig(t, dir)
	r.shop(t)
	r.run(t, r.remote("deaf"))
	r.request(t, nil)
	r.await(t, catalog.Active) // it never comes
}

func TestChildEndsWithItsInput(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	reached, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	recipes := []recipe.Recipe{fake{step: func(context.Context, fakeStep) error { close(reached); <-release; return nil }}}
	r.run(t, Options{Recipes: recipes, Start: func(ctx context.Context) (*Process, error) {
		p := localProcess(context.Background(), ChildOptions{Blobs: r.blobs, Recipes: recipes, grace: time.Millisecond})
		go func() { // the server dies: its end of stdin is closed
			<-reached
			_ = p.In.Close()
		}()
		wait := p.Wait
		p.Wait = func() error {
			err := wait()
			if !errors.Is(err, ErrOrphaned) {
				t.Errorf("the child ended with %v", err)
			}
			return job.Permanent(err)
		}
		return p, nil
	}})
	r.request(t, nil)
	r.await(t, catalog.Failed)
}

func TestChildThatCannotBeStarted(t *testing.T) {
	r := openRig(t, "")
	r.shop(t)
	r.run(t, Options{Recipes: []recipe.Recipe{fake{}}, Start: func(context.Context) (*Process, error) {
		return nil, errors.New("fork: resource temporarily unavailable")
	}})
	r.request(t, nil)
	if v := r.await(t, catalog.Failed); !strings.Contains(v.FailureReason, "start the training process: fork") {
		t.Error(v.FailureReason)
	}
}

// A child of another version of the program, or another program altogether.
func TestForeignChild(t *testing.T) {
	for said, want := range map[string]string{
		"ushrtrn\x01":                    "restart usher",
		"Usage: usher <command>":         "not the start of a conversation",
		"ushrtrn\x04Z\x00\x00\x00\x00":   `message of unknown kind 'Z'`,
		"ushrtrn\x04P\x03\x00\x00\x00no": "ended while it was starting: it gave no result",
		"ushrtrn\x04P\x00\x00\x00\xff":   "4278190080 bytes, at most 1048576",
		"ushrtrn\x04P\x02\x00\x00\x00[]": `read message 'P'`,
		"":                               "ended while it was starting: it gave no result",
	} {
		r := openRig(t, "")
		r.shop(t)
		r.run(t, Options{Recipes: []recipe.Recipe{fake{}}, Start: func(context.Context) (*Process, error) {
			stdin, in := io.Pipe()
			go io.Copy(io.Discard, stdin) //nolint:errcheck // it ends with the pipe
			return &Process{In: in, Out: strings.NewReader(said), Wait: func() error { return nil }, Kill: func() error { return nil }}, nil
		}})
		r.request(t, nil)
		if v := r.await(t, catalog.Failed); !strings.Contains(v.FailureReason, want) {
			t.Errorf("%q: %s", said, v.FailureReason)
		}
	}
}
