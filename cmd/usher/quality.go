package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"usher/bench/quality"
)

// benchQuality measures recipes on public data sets and writes docs/quality.md.
func benchQuality(ctx context.Context, io stdio, args []string) error {
	fs := flag.NewFlagSet("usher bench quality", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "usher bench quality [flags] [DATA [set | set@seed,seed …]]\n\n"+
			"Measures recipes on the public data sets in the folder DATA and writes the tables of\n"+
			"docs/quality.md. Without DATA the tables are written from what was measured before.\n\n")
		fs.PrintDefaults()
	}
	dir := fs.String("dir", ".", "`folder` of the checkout")
	if err := parse(fs, io.err, args); err != nil {
		return err
	}
	opt := quality.Options{Dir: *dir, Out: io.out, Err: io.err, Now: time.Now}
	if fs.NArg() > 0 {
		opt.Data, opt.Sets = fs.Arg(0), fs.Args()[1:]
	}
	return quality.Run(ctx, opt)
}
