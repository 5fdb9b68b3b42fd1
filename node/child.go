package node

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"usher/blob"
	"usher/train"
)

// startChild starts the process that a training runs in, with lower priority so
// that answers do not wait for it.
func (n *Node) startChild(ctx context.Context) (*train.Process, error) {
	cmd := n.opt.Child(ctx, n.opt.Dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start training process: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start training process: %w", err)
	}
	said := &tail{}
	cmd.Stderr = said
	background(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start training process: %w", err)
	}
	yielding(cmd.Process.Pid)
	wait := func() error {
		err := cmd.Wait()
		if text := said.String(); err != nil && text != "" {
			err = fmt.Errorf("%w; it said: %s", err, text)
		}
		return err
	}
	return &train.Process{In: in, Out: out, Wait: sync.OnceValue(wait), Kill: cmd.Process.Kill}, nil
}

// Child is the other side: it trains what the parent asks for on in and ends
// when in does. It opens the blobs of the data folder, nothing else.
func Child(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	blobs, err := blob.OpenDir(blobsDir(dir))
	if err != nil {
		return err
	}
	return train.Child(ctx, train.ChildOptions{Blobs: blobs, Recipes: recipes(), In: in, Out: out})
}

// tail keeps the end of what a process wrote to its standard error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 2000

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text); n > tailBytes {
		t.text = append(t.text[:0], t.text[n-tailBytes:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.text), ""))
}
