// Package s3server keeps the customers' buckets in a folder and serves them as
// S3 does, so that unmodified AWS clients upload and download.
//
// The object "key" of "bucket" is the plain file bucket/key in the folder; a
// file that somebody copies there is an object as well. What a file cannot hold
// lies beside, in the folder .usher: content types and other metadata, objects
// whose keys cannot be names of files, uploads in parts, bucket policies.
// docs/formats.md describes it.
//
// Invariants: (1) an object is replaced by one rename of a synced file, and its
// metadata counts only for the very file it was written for, so a crash shows
// the old object or the new one, with the metadata of that one; (2) a 200 to a
// PUT means that object and metadata are on disk; (3) bodies stream to disk: no
// request makes the server hold more than a small buffer of them; (4) a body
// that does not match its length, MD5 or checksum leaves nothing behind;
// (5) every answer that is an error is S3's XML with a code that SDKs know.
//
// Signatures are checked by node before a request comes here; only the framing
// of signed bodies is undone. Bucket policies are kept and shown, and grant
// nothing.
package s3server

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"usher/blob/internal/durable"
)

// sideDir is the folder of all that is no plain file; no bucket can have its name.
const sideDir = ".usher"

// uploadLife is how long an unfinished multipart upload is kept after its last
// part: S3 keeps it for ever, and sends the bill.
const uploadLife = 7 * 24 * time.Hour

// Options say where the buckets are and whose.
type Options struct {
	Dir     string           // the folder of buckets; made if need be
	Region  string           // of new buckets; default us-east-1
	Account string           // of the owner; default 000000000000
	Now     func() time.Time // default time.Now
	Log     *slog.Logger     // default: nothing is logged
}

func (o Options) withDefaults() Options {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Buckets is a folder of buckets. It is an http.Handler that speaks S3, and
// safe for concurrent use. One process owns the folder.
type Buckets struct {
	opt  Options
	root string // absolute
	side string // root/.usher
	temp *durable.Area

	minPart int64 // smaller in tests
	uploads uploadLocks
	mu      struct {
		sync.Mutex
		buckets map[string]*bucket
		stamp   time.Time // the newest modification time given to a file
	}
}

// Open opens the folder and removes what a crash left unfinished.
func Open(opt Options) (*Buckets, error) {
	opt = opt.withDefaults()
	root, err := filepath.Abs(opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("open buckets %q: %w", opt.Dir, err)
	}
	s := &Buckets{opt: opt, root: root, side: filepath.Join(root, sideDir), minPart: minPart}
	s.mu.buckets = map[string]*bucket{}
	if s.temp, err = durable.OpenArea(filepath.Join(s.side, "tmp")); err != nil {
		return nil, fmt.Errorf("open buckets %q: %w", opt.Dir, err)
	}
	if err := s.sweep(); err != nil {
		return nil, fmt.Errorf("open buckets %q: %w", opt.Dir, err)
	}
	return s, durable.SyncUp(root, sideDir)
}

// sweep removes what belongs to buckets that are gone, and old uploads.
func (s *Buckets) sweep() error {
	for _, kind := range []string{configDir, recordDir, asideDir, uploadDir} {
		entries, err := os.ReadDir(filepath.Join(s.side, kind))
		if err != nil {
			if durable.IsNotExist(err) {
				continue
			}
			return err
		}
		for _, e := range entries {
			if s.exists(e.Name()) {
				continue
			}
			if err := os.RemoveAll(filepath.Join(s.side, kind, e.Name())); err != nil {
				return err
			}
		}
	}
	return s.sweepUploads()
}

// nextStamp gives a modification time that no other object of this process has:
// by its size and time a file finds its metadata. Steps are those of the
// coarsest clock among common file systems, NTFS.
func (s *Buckets) nextStamp() time.Time {
	const step = time.Microsecond
	now := s.opt.Now().Truncate(step)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.After(s.mu.stamp) {
		now = s.mu.stamp.Add(step)
	}
	s.mu.stamp = now
	return now
}
