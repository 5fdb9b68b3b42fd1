package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"usher/job"
)

// Process is a running child. The Trainer calls Wait once, after Out has ended,
// and Close of In and Kill from other goroutines, more than once.
type Process struct {
	In   io.WriteCloser // its stdin; closing it ends the child
	Out  io.Reader      // its stdout; ends when the child ends
	Wait func() error   // gives how it ended, with the end of its stderr in the error
	Kill func() error   // at once; no error when it has ended already
}

// grace is how long a child may take to end by itself.
const grace = 5 * time.Second

var errNoResult = errors.New("it gave no result")

// supervise runs the child until c has a model.
func (t *Trainer) supervise(ctx context.Context, task *job.Task, w work, c *checkpoint) error {
	p, err := t.opt.Start(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("start the training process: %w", err)
	}
	s := &supervision{t: t, task: task, names: w.names, c: c, p: p, began: t.opt.Now(), spent: c.Seconds,
		heard: make(chan struct{}, 1), last: make(chan struct{}), over: make(chan struct{}), watched: make(chan struct{})}
	go s.watch(ctx)
	err = s.converse(ctx, w)
	close(s.last)
	_, _ = io.Copy(io.Discard, p.Out) // whatever it still says, until it has ended
	ended := p.Wait()
	close(s.over)
	<-s.watched
	c.Seconds = s.seconds()
	switch {
	case err == nil:
		return nil
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case s.hung:
		return fmt.Errorf("the training process said nothing for %s while it was %s, and was ended: %w", t.opt.Patience, s.where, ended)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || s.broken:
		return s.died(ended)
	}
	return err
}

// supervision is the server's side of one conversation with a child.
type supervision struct {
	t     *Trainer
	task  *job.Task
	names names
	c     *checkpoint
	p     *Process
	began time.Time
	spent float64 // seconds of earlier attempts

	search bool    // hyperparameters are searched
	memory int64   // the most that the child said it takes; 0: nothing yet
	where  string  // what the child was doing last
	first  float64 // share of the whole that was done before this child's work; 0 until it works
	broken bool    // the child did not take what was written to it

	heard, last, over chan struct{} // a message came; the last one came; the child has ended
	watched           chan struct{} // closed when watch has returned
	hung              bool          // by watch; read after watched
}

// watch ends the child when ctx is done, when it says nothing for too long, and
// when it does not end by itself. Kill makes every read and write of the
// conversation return.
func (s *supervision) watch(ctx context.Context) {
	defer close(s.watched)
	quiet := time.NewTimer(s.t.opt.Patience)
	defer quiet.Stop()
	for {
		select {
		case <-s.heard:
			quiet.Reset(s.t.opt.Patience)
			continue
		case <-s.over:
			return
		case <-quiet.C:
			s.hung = true
			s.kill()
			return
		case <-ctx.Done():
		case <-s.last:
		}
		break
	}
	_ = s.p.In.Close() // the child ends when it sees this
	late := time.NewTimer(s.t.grace)
	defer late.Stop()
	select {
	case <-s.over:
	case <-late.C:
		s.kill()
	}
}

func (s *supervision) kill() {
	if err := s.p.Kill(); err != nil {
		s.t.opt.Log.Error("end the training process", "version", s.task.Key, "error", err)
	}
}

// converse gives the child its task and listens until it is done or has failed.
func (s *supervision) converse(ctx context.Context, w work) error {
	v := w.version
	s.where, s.search = string(stageStart), v.PerformHPO
	conf, err := parseConfig(v)
	if err != nil {
		return job.Permanent(err)
	}
	if err := readHello(s.p.Out); err != nil {
		return fmt.Errorf("talk to the training process: %w", err)
	}
	err = writeHello(s.p.In)
	if err == nil {
		err = writeMessage(s.p.In, messageRequest, &request{Recipe: v.Recipe, Params: v.Params, Events: conf.rules(), Search: conf.search(v), Objective: conf.objective(), Seed: v.Seed, Workers: s.t.opt.Workers,
			Fits: s.names.fits(), Model: s.names.model(), From: *s.c})
	}
	if err != nil {
		s.broken = true
		return err
	}
	for {
		kind, b, err := readMessage(s.p.Out)
		if err != nil {
			return fmt.Errorf("talk to the training process: %w", err)
		}
		select {
		case s.heard <- struct{}{}:
		default:
		}
		done, err := s.hear(ctx, kind, b)
		if done || err != nil {
			return err
		}
	}
}

// hear takes one message; it says whether the training is done.
func (s *supervision) hear(ctx context.Context, kind messageKind, b []byte) (done bool, err error) {
	switch kind {
	case messageProgress:
		r, err := decode[report](kind, b)
		if err == nil {
			s.task.Progress(s.tell(r))
		}
		return false, err
	case messageCheckpoint, messageDone:
		c, err := decode[checkpoint](kind, b)
		if err != nil {
			return false, err
		}
		before := s.c.Fit
		s.c.Refit, s.c.Fit, s.c.Saved, s.c.Metrics, s.c.Choices = c.Refit, c.Fit, c.Saved, c.Metrics, c.Choices
		s.c.Trials, s.c.Tuned = c.Trials, c.Tuned
		s.c.Seconds = s.seconds()
		if kind == messageDone {
			s.c.Model = c.Model
			return true, nil
		}
		if err := s.c.save(ctx, s.task); err != nil {
			return false, err
		}
		if before != "" && before != s.c.Fit {
			if err := s.t.opt.Blobs.Delete(ctx, before); err != nil { // it is swept at the end
				s.t.opt.Log.Warn("delete old checkpoint", "blob", before, "error", err)
			}
		}
		err = writeMessage(s.p.In, messageSaved, nil)
		s.broken = err != nil
		return false, err
	case messageFailed:
		f, err := decode[failure](kind, b)
		switch {
		case err != nil:
			return false, err
		case f.Permanent:
			return false, job.Permanent(errors.New(f.Error))
		}
		return false, errors.New(f.Error)
	}
	return false, fmt.Errorf("talk to the training process: message of unknown kind %q", kind)
}

func (s *supervision) seconds() float64 {
	return s.spent + max(0, s.t.opt.Now().Sub(s.began).Seconds())
}

// died says how the child ended without a result.
func (s *supervision) died(ended error) error {
	if ended == nil {
		ended = errNoResult
	}
	hint := ""
	if strings.Contains(ended.Error(), "killed") {
		hint = " (the machine is probably out of memory)"
	}
	return fmt.Errorf("the training process ended while it was %s: %w%s", s.where, ended, hint)
}

// outOfMemory says whether an attempt probably ended for lack of memory. It
// goes by the text, because that is what the queue keeps of an attempt.
func outOfMemory(cause error) bool {
	text := cause.Error()
	return strings.Contains(text, "out of memory") || strings.Contains(text, "cannot allocate memory")
}
