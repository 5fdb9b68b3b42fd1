package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"usher/demo"
	"usher/node"
)

// demonstrate starts a server of its own and takes data the whole way.
func demonstrate(ctx context.Context, io stdio, args []string) error {
	fs := flag.NewFlagSet("usher demo", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher demo [flags] [interactions.csv [titles.csv]]\n\n")
		fs.PrintDefaults()
	}
	dir := fs.String("data", "", "`folder` to keep the data in; a temporary one that is removed when absent")
	listen := fs.String("listen", "127.0.0.1:0", "`address` to listen on")
	keep := fs.Bool("keep", false, "keep serving after the walk, until interrupted")
	if err := parse(fs, io.err, args); err != nil {
		return err
	}
	if fs.NArg() > 2 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(2))
	}
	var files []demo.File
	for _, name := range fs.Args() {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files = append(files, demo.File{Name: name, Data: b})
	}
	if *dir == "" {
		tmp, err := os.MkdirTemp("", "usher-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		*dir = tmp
	}
	n, err := node.Open(ctx, node.Options{
		Dir: *dir, Listen: *listen, Log: slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return err
	}
	err = demo.Run(ctx, demo.Options{Endpoint: n.URL(), Out: io.out, Files: files, Seed: 1, Now: time.Now})
	if err == nil {
		fmt.Fprintf(io.out, "\nEvery step went through the public API. Start your own server with:\n\n"+
			"  go run ./cmd/usher serve\n  export AWS_ENDPOINT_URL=http://127.0.0.1:8480   # and use boto3 or the AWS CLI as ever\n")
		if *keep {
			fmt.Fprintf(io.out, "\nStill serving; look at it at %s/console/ and interrupt to end.\n", n.URL())
			<-ctx.Done()
		}
	}
	if cerr := n.Close(); err == nil {
		err = cerr
	}
	return err
}
