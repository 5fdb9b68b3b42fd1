package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"usher/node"
)

// options binds the flags of a server.
func options(fs *flag.FlagSet) (opt *node.Options, hosts, origins, level *string) {
	opt = &node.Options{}
	fs.StringVar(&opt.Listen, "listen", "127.0.0.1:8480", "`address` to listen on")
	fs.StringVar(&opt.Dir, "data", "usher-data", "`folder` that keeps everything")
	fs.StringVar(&opt.Database, "database", "", "`address` of a PostgreSQL database, postgres://…, for several servers; SQLite in the data folder when absent")
	fs.StringVar(&opt.Region, "region", "us-east-1", "region in our ARNs")
	fs.StringVar(&opt.Account, "account", "000000000000", "account in our ARNs")
	fs.StringVar(&opt.Keys, "keys", "", "`file` of access keys; required beyond loopback")
	fs.StringVar(&opt.Quotas, "quotas", "aws", "aws, none, or a file of quotas (docs/extensions.md)")
	fs.BoolVar(&opt.Fast, "fast", false, "delays and minimums off, for your own tests")
	fs.DurationVar(&opt.CampaignIdle, "campaign-idle", 15*time.Minute, "how long a campaign that is not asked keeps its model in memory; negative: for ever")
	fs.IntVar(&opt.HotRecords, "hot-records", 0, "records of a dataset group's log that stay in the database before they move into Parquet files; 0: 262144")
	fs.Int64Var(&opt.AwakeBytes, "awake-bytes", 0, "bound of the model files of campaigns that are awake; those not asked for longest give way; 0: none")
	fs.StringVar(&opt.ThemeURL, "theme-url", "", "`address` of a language model that speaks OpenAI's chat completions, such as http://127.0.0.1:8000/v1: it names the themes of batch jobs")
	fs.StringVar(&opt.ThemeModel, "theme-model", "default", "name of that model")
	fs.StringVar(&opt.ThemeKey, "theme-key", "", "key for that address")
	fs.StringVar(&opt.EmbedURL, "embed-url", "", "`address` of a model of language that speaks OpenAI's embeddings, such as http://127.0.0.1:8000/v1: trainings learn from its vectors of items' texts")
	fs.StringVar(&opt.EmbedModel, "embed-model", "default", "name of that model")
	fs.StringVar(&opt.EmbedKey, "embed-key", "", "key for that address")
	fs.StringVar(&opt.TLSCert, "tls-cert", "", "certificate `file`")
	fs.StringVar(&opt.TLSKey, "tls-key", "", "key `file`")
	hosts = fs.String("hosts", "", "further Host headers to accept on loopback, comma-separated")
	origins = fs.String("cors-origin", "", "web origins that may call from a browser, comma-separated")
	level = fs.String("log", "info", "debug, info, warn or error")
	return opt, hosts, origins, level
}

// serve runs the server until a signal comes.
func serve(ctx context.Context, io stdio, args []string) error {
	fs := flag.NewFlagSet("usher serve", flag.ContinueOnError)
	opt, hosts, origins, level := options(fs)
	if err := parse(fs, io.err, args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	var lv slog.Level
	if err := lv.UnmarshalText([]byte(*level)); err != nil {
		return fmt.Errorf("-log %q is none of debug, info, warn, error", *level)
	}
	opt.Log = slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: lv}))
	opt.Hosts, opt.Origins = split(*hosts), split(*origins)
	n, err := node.Open(ctx, *opt)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "usher is ready: export AWS_ENDPOINT_URL=%s\n", n.URL())
	select {
	case <-ctx.Done():
	case <-n.Ended():
	}
	return n.Close()
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// trainChild is the process that a training runs in. Signals are for its
// parent, which closes its stdin to end it.
func trainChild(ctx context.Context, io stdio, args []string) error {
	fs := flag.NewFlagSet("usher train-child", flag.ContinueOnError)
	dir := fs.String("data", "", "data folder")
	if err := parse(fs, io.err, args); err != nil {
		return err
	}
	return node.Child(context.WithoutCancel(ctx), *dir, io.in, io.out)
}
