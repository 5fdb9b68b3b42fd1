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
	fs := flag.NewFlagSet("usher bench", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher bench [flags] serving | quality -h\n\nMeasures real-time answers beside a bare HTTP handler, in temporary data folders.\n\n")
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
	opt := serving.Options{Round: *round, Rounds: *rounds, Out: io.out, Now: time.Now, States: split(*states), Access: "AKIABENCHBENCHBENCH0", Secret: "usher-bench-usher-bench"}
	for _, n := range split(*items) {
		v, err := strconv.Atoi(n)
		s, ok := serving.ScaleOf(v)
		if err != nil || !ok {
			return fmt.Errorf("-items %q: there is no scale of that number of items", n)
		}
		opt.Scales = append(opt.Scales, s)
	}
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
	_, err := serving.Run(ctx, opt)
	return err
}
