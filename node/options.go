// Package node builds every room once from Options and closes them in reverse;
// it is the only place that knows all of them.
//
// It owns what the rooms are handed: the clock, the data folder, the listener,
// the signature check in front of everything, and the routing of one port to
// three services, buckets, identity, console, health and metrics. What requests mean is
// left to the rooms.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// Options configure a Node. The zero value of each field is its default.
type Options struct {
	Dir string // data folder; required
	// Database is the address of a PostgreSQL database, postgres://…, which several
	// nodes may use; they share Dir too. "": SQLite in Dir, for one node.
	Database string
	Listen   string   // host:port; 127.0.0.1:8480
	Region   string   // of our ARNs; us-east-1
	Account  string   // of our ARNs; 000000000000
	Keys     string   // file of access keys; "": any credentials are accepted, on loopback only
	Hosts    []string // further Host headers that are served on loopback
	Origins  []string // web origins that may call us from a browser
	TLSCert  string   // file; with TLSKey the listener speaks TLS
	TLSKey   string   // file
	Quotas   string   // "aws", "none", or a file of quotas; aws
	Fast     bool     // delays and minimums off, for people's own tests

	ThemeURL   string // of an endpoint that speaks OpenAI's chat completions and names themes of batch jobs; "": words of the items do
	ThemeModel string // that it is asked for
	ThemeKey   string // its key; may be ""
	EmbedURL   string // of an endpoint that speaks OpenAI's embeddings and makes vectors of items' texts for trainings; "": words do
	EmbedModel string // that it is asked for
	EmbedKey   string // its key; may be ""

	// HistoryCache is how many bytes each model may keep of histories; 32 MiB, or
	// half of the model where that is more. Negative: none.
	HistoryCache int64
	// CampaignIdle is how long a campaign that is not asked keeps its model in
	// memory; 15 minutes, for ever if negative. AwakeBytes bound the model files
	// of the campaigns that are awake; 0: no bound.
	CampaignIdle time.Duration
	AwakeBytes   int64

	// HotRecords is how many records of a dataset group's log stay in the database
	// before they move into segments; retention.HotRecords.
	HotRecords int

	// Child gives the command that runs Child in a process of its own. The
	// default is this executable with the argument train-child.
	Child func(ctx context.Context, dir string) *exec.Cmd
	Now   func() time.Time // time.Now
	Log   *slog.Logger     // slog.Default()
}

func (o Options) withDefaults() Options {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&o.Listen, "127.0.0.1:8480")
	def(&o.Region, "us-east-1")
	def(&o.Account, "000000000000")
	def(&o.Quotas, "aws")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Child == nil {
		o.Child = self
	}
	return o
}

var (
	regions  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	accounts = regexp.MustCompile(`^\d{12}$`)
)

// check refuses options that cannot be meant.
func (o Options) check() error {
	switch {
	case o.Dir == "":
		return fmt.Errorf("the data folder is missing: give -data DIR")
	case !regions.MatchString(o.Region):
		return fmt.Errorf("-region %q is not a region; for example us-east-1", o.Region)
	case !accounts.MatchString(o.Account):
		return fmt.Errorf("-account %q is not an account; it has twelve digits", o.Account)
	case (o.TLSCert == "") != (o.TLSKey == ""):
		return fmt.Errorf("-tls-cert and -tls-key go together")
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return fmt.Errorf("-listen %q is not host:port: %w", o.Listen, err)
	}
	if !loopback(host) && o.Keys == "" {
		return fmt.Errorf("-listen %s is reachable from other machines, and no keys are configured: anybody could read and change everything. Give -keys FILE (docs/security.md), or listen on 127.0.0.1", o.Listen)
	}
	return nil
}

// loopback says whether a listen host is reachable from this machine only.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// self is the default Child.
func self(ctx context.Context, dir string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return exec.CommandContext(ctx, exe, "train-child", "-data", dir)
}

// Folders below the data folder.
func blobsDir(dir string) string   { return filepath.Join(dir, "blobs") }
func bucketsDir(dir string) string { return filepath.Join(dir, "buckets") }
