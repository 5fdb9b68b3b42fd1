package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"usher/demo"
	"usher/node"
)

const childDir = "USHER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := node.Child(context.Background(), dir, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestRun takes a small shop the whole way through a real server.
func TestRun(t *testing.T) {
	n, err := node.Open(t.Context(), node.Options{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
		Child: func(ctx context.Context, dir string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, os.Args[0])
			cmd.Env = append(os.Environ(), childDir+"="+dir)
			return cmd
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out bytes.Buffer
	if err := demo.Run(t.Context(), demo.Options{Endpoint: n.URL(), Out: &out, Seed: 3, Customers: 120, Now: time.Now}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"upload ", "import ", "train ", "deploy ", "NDCG@10", "aws-user-personalization-v2 recommends:", "The next request answers"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the walk does not show %q:\n%s", want, out.String())
		}
	}
}
