// Command usher is Amazon Personalize that anyone can run.
//
//	usher serve [-listen 127.0.0.1:8480] [-data DIR]   the server
//	usher demo [file.csv [titles.csv]]                  a first walk through it
//	usher bench serving                                 how fast answers are here
//	usher evaluate FOLDER | interactions.csv            how good recipes are on these data
//	usher import -dataset GROUP/TYPE file.csv           files into a server; -propose a schema, -check
//	usher backup TO, usher restore FROM                 a data folder, also of a running server
//	usher version
//
// Every flag can be given as an environment variable USHER_FLAG, for example
// USHER_LISTEN. This package reads flags, environment and signals, and gives
// the exit code; everything else is in node and demo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// command is one word after usher.
type command struct {
	name, about string
	run         func(ctx context.Context, io stdio, args []string) error
}

type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// hidden commands are run by usher itself.
var commands = []command{
	{"serve", "start the server", sparing(serve)},
	{"demo", "take a made-up shop, or your CSV file, the whole way", demonstrate},
	{"bench", "measure this machine: real-time answers beside a bare handler", benchmark},
	{"evaluate", "measure how well recipes recommend on your own files", evaluateFiles},
	{"import", "take your files into a dataset; propose a schema; judge files before", importFiles},
	{"backup", "copy a data folder, also of a running server", backUp},
	{"restore", "make a data folder of a backup", restore},
	{"version", "print the version", version},
	{"train-child", "", trainChild},
}

// errUsage means that the text for the user is already printed.
var errUsage = errors.New("usage")

// run gives the exit code: 0 done, 1 failed, 2 wrong words.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	if len(args) == 0 {
		usage(errOut)
		return 2
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, stdio{in, out, errOut}, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		}
		fmt.Fprintf(errOut, "usher %s: %v\n", c.name, err)
		return 1
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(out)
		return 0
	}
	fmt.Fprintf(errOut, "usher: unknown command %q\n\n", args[0])
	usage(errOut)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprintf(w, "usher is Amazon Personalize that anyone can run.\n\n")
	for _, c := range commands {
		if c.about != "" {
			fmt.Fprintf(w, "  usher %-8s %s\n", c.name, c.about)
		}
	}
	fmt.Fprintf(w, "\nusher COMMAND -h shows the flags of a command.\n")
}

// parse reads flags, then the environment for those that were not given.
func parse(fs *flag.FlagSet, errOut io.Writer, args []string) error {
	fs.SetOutput(errOut)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var bad error
	fs.VisitAll(func(f *flag.Flag) {
		name := "USHER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := os.LookupEnv(name); ok && !given[f.Name] {
			if err := fs.Set(f.Name, v); err != nil {
				bad = fmt.Errorf("%s=%q: %w", name, v, err)
			}
		}
	})
	return bad
}

func version(_ context.Context, io stdio, _ []string) error {
	v := "devel"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		v = info.Main.Version
	}
	_, err := fmt.Fprintf(io.out, "usher %s\n", v)
	return err
}
