package main

import (
	"context"
	"flag"
	"fmt"
	goio "io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"time"

	"usher/bench/serving"
	"usher/node"
)

// benchmark runs a workload of bench/.
func benchmark(ctx context.Context, io stdio, args []string) error {
	if len(args) > 0 && args[0] == "quality" {
		return benchQuality(ctx, io, args[1:])
	}
	if len(args) > 0 && args[0] == "folder" {
		return benchFolder(ctx, io, args[1:])
	}
	return sparing(benchServing)(ctx, io, args)
}

// benchServing runs bench/serving.
func benchServing(ctx context.Context, io stdio, args []string) error {
	fs := flag.NewFlagSet("usher bench", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher bench [flags] serving | quality -h | folder -h\n\nMeasures real-time answers beside a bare HTTP handler, in temporary data folders.\n\n")
		fs.PrintDefaults()
	}
	rounds := fs.Int("rounds", 5, "rounds of each state")
	round := fs.Duration("round", 2*time.Second, "length of a round")
	items := fs.String("items", "", "only the scales of so many items, comma-separated: 4000, 100000, 1000000")
	states := fs.String("states", "", "only these states, comma-separated: repeated, filtered, training, events, cold")
	profile := fs.String("cpuprofile", "", "`file` for a CPU profile of the run")
	if err := parse(fs, io.err, args); err != nil {
		return err
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if fs.NArg() != 1 || fs.Arg(0) != "serving" {
		fs.Usage()
		return errUsage
	}
	opt := servingOptions(io)
	opt.Round, opt.Rounds, opt.States = *round, *rounds, split(*states)
	for _, n := range split(*items) {
		v, err := strconv.Atoi(n)
		s, ok := serving.ScaleOf(v)
		if err != nil || !ok {
			return fmt.Errorf("-items %q: there is no scale of that number of items", n)
		}
		opt.Scales = append(opt.Scales, s)
	}
	_, err := serving.Run(ctx, opt)
	return err
}

// servingOptions are those of all workloads of bench/serving.
func servingOptions(io stdio) serving.Options {
	opt := serving.Options{Out: io.out, Now: time.Now, Access: "AKIABENCHBENCHBENCH0", Secret: "usher-bench-usher-bench"}
	opt.Open = func(ctx context.Context, dir string, cold bool) (serving.Server, error) {
		keys := filepath.Join(dir, "bench.keys")
		if err := os.WriteFile(keys, []byte(opt.Access+" "+opt.Secret+" bench\n"), 0o600); err != nil {
			return serving.Server{}, err
		}
		o := node.Options{Dir: dir, Listen: "127.0.0.1:0", Keys: keys, Log: slog.New(slog.NewTextHandler(goio.Discard, nil))}
		if cold {
			o.HistoryCache = -1
		}
		n, err := node.Open(ctx, o)
		if err != nil {
			return serving.Server{}, err
		}
		return serving.Server{URL: n.URL(), Close: n.Close}, nil
	}
	return opt
}

// benchFolder makes a data folder with many models.
func benchFolder(ctx context.Context, io stdio, args []string) error {
	fs := flag.NewFlagSet("usher bench folder", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher bench folder [flags] DIR\n\nMakes a data folder with many versions of a solution, and prints their ARNs.\n\n")
		fs.PrintDefaults()
	}
	f := serving.Folder{}
	fs.IntVar(&f.Scale.Items, "items", 750_000, "items of the catalogue")
	fs.IntVar(&f.Scale.Dim, "dim", 64, "width of the models")
	fs.IntVar(&f.Versions, "versions", 100, "versions, each with a model of its own")
	fs.IntVar(&f.Files, "files", 100, "different files that the models are; the others are links to them")
	if err := parse(fs, io.err, args); err != nil {
		return err
	}
	if fs.NArg() != 1 || f.Versions < 1 || f.Files < 1 || f.Scale.Items < 1 || f.Scale.Dim < 1 {
		fs.Usage()
		return errUsage
	}
	f.Dir, f.Scale.Users = fs.Arg(0), f.Scale.Items/50+1
	return f.Fill(ctx, servingOptions(io))
}
