package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"usher/blob"
	"usher/recipe"
)

// ChildOptions configure a Child.
type ChildOptions struct {
	Blobs   blob.Store      // the Trainer's
	Recipes []recipe.Recipe // the Trainer's
	In      io.Reader       // stdin
	Out     io.Writer       // stdout; nobody else may write to it

	grace time.Duration // for a fit to end once ctx is done; a second
}

// ErrOrphaned is why a child ended whose stdin was closed: the server does not
// want its result any more, or has died.
var ErrOrphaned = errors.New("train: the server has gone")

// Child carries out one training for the Trainer on the other ends of In and
// Out. It returns when its result, or why there is none, has been delivered,
// and soon after In is closed or ctx is done, even when the fit takes no notice
// of that: the caller then ends the process.
func Child(ctx context.Context, opt ChildOptions) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if opt.grace <= 0 {
		opt.grace = time.Second
	}
	c := &child{opt: opt, cancel: cancel, saved: make(chan struct{}, 1)}
	if err := c.open(); err != nil {
		return fmt.Errorf("talk to the server: %w", err)
	}
	go c.listen() // ends with In; a process that is to end waits for no read
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.deliver(ctx, c.work(ctx))
	}()
	<-ctx.Done() // the server closes In when it has heard the last message
	select {
	case <-done:
	case <-time.After(opt.grace):
		return context.Cause(ctx)
	}
	if c.delivered {
		return nil
	}
	return context.Cause(ctx)
}

// child is the child's side of the conversation.
type child struct {
	opt       ChildOptions
	req       request
	at        checkpoint
	cancel    context.CancelCauseFunc
	saved     chan struct{}
	delivered bool
	memory    atomic.Int64 // that the present fit takes
	write     sync.Mutex   // of Out
}

// open says hello and reads the request.
func (c *child) open() error {
	if err := writeHello(c.opt.Out); err != nil {
		return err
	}
	if err := readHello(c.opt.In); err != nil {
		return err
	}
	kind, b, err := readMessage(c.opt.In)
	if err != nil {
		return err
	}
	if kind != messageRequest {
		return fmt.Errorf("message of kind %q instead of a request", kind)
	}
	c.req, err = decode[request](kind, b)
	c.at = c.req.From
	return err
}

// listen hears the server until In ends.
func (c *child) listen() {
	for {
		kind, _, err := readMessage(c.opt.In)
		switch {
		case errors.Is(err, io.EOF) || err == nil && kind != messageSaved:
			c.cancel(ErrOrphaned)
			return
		case err != nil:
			c.cancel(fmt.Errorf("%w: %w", ErrOrphaned, err))
			return
		}
		select {
		case c.saved <- struct{}{}:
		default: // nobody has asked
		}
	}
}

// say sends a message. When it cannot be sent, nobody wants the result.
func (c *child) say(kind messageKind, v any) error {
	c.write.Lock()
	defer c.write.Unlock()
	err := writeMessage(c.opt.Out, kind, v)
	if err != nil {
		c.cancel(fmt.Errorf("%w: %w", ErrOrphaned, err))
	}
	return err
}

// report tells how far a stage is.
func (c *child) report(s stage, done float64, note string) {
	_ = c.say(messageProgress, &report{s, done, note, c.memory.Load()}) // say has cancelled the work
}

// deliver sends the last message, unless the work was broken off.
func (c *child) deliver(ctx context.Context, err error) {
	if context.Cause(ctx) != nil {
		return
	}
	if err == nil {
		err = c.say(messageDone, &c.at)
	} else {
		var p *permanent
		err = c.say(messageFailed, &failure{err.Error(), errors.As(err, &p)})
	}
	c.delivered = err == nil
}

// permanent marks an error of the recipe: by I4 it comes again each time.
type permanent struct{ err error }

func (e *permanent) Error() string { return e.err.Error() }
func (e *permanent) Unwrap() error { return e.err }

// save makes the checkpoint durable: it returns when the server has it.
func (c *child) save(ctx context.Context) error {
	if err := c.say(messageCheckpoint, &c.at); err != nil {
		return err
	}
	select {
	case <-c.saved:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fitCheckpoint implements recipe.Checkpoint for the present fit.
type fitCheckpoint struct {
	*child
	ctx context.Context
	err error // of the blobs or the conversation, not of the recipe
}

// Load implements recipe.Checkpoint.
func (f *fitCheckpoint) Load() (state []byte, err error) {
	if f.at.Fit == "" {
		return nil, nil
	}
	defer func() { f.err = err }()
	r, err := f.opt.Blobs.Open(f.ctx, f.at.Fit)
	if errors.Is(err, fs.ErrNotExist) { // the fit starts anew
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	state = make([]byte, r.Size())
	_, err = io.ReadFull(io.NewSectionReader(r, 0, r.Size()), state)
	return state, err
}

// Save implements recipe.Checkpoint. The server deletes the blob before.
func (f *fitCheckpoint) Save(state []byte) error {
	f.at.Saved++
	f.at.Fit = fmt.Sprintf("%s%d", f.req.Fits, f.at.Saved)
	f.err = writeBlob(f.ctx, f.opt.Blobs, f.at.Fit, func(w io.Writer) error { _, err := w.Write(state); return err })
	if f.err == nil {
		f.err = f.save(f.ctx)
	}
	return f.err
}
