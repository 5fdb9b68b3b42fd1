package s3server

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"usher/blob/internal/durable"
)

// bucket is one bucket and its locks. Take layout before a key's lock.
type bucket struct {
	s    *Buckets
	name string
	dir  string

	// layout is held for writing where the bucket comes or goes, where its
	// configuration changes, and where an object moves between its plain file
	// and the folder of keys kept aside.
	layout sync.RWMutex
	keys   [64]sync.RWMutex // by hash of the key
	aside  asideKeys
}

// config is what is kept of a bucket beside its objects.
type config struct {
	Created   time.Time         `json:"created"`
	Region    string            `json:"region"`
	Policy    string            `json:"policy,omitempty"`
	Documents map[string]string `json:"documents,omitempty"` // XML by subresource: kept and shown, without effect
}

const (
	configDir   = "config"
	configMagic = "usher-bucket"
)

var hashSeed = maphash.MakeSeed()

func (b *bucket) lockOf(key string) *sync.RWMutex {
	return &b.keys[maphash.String(hashSeed, key)%uint64(len(b.keys))]
}

// exists tells whether there is a folder of that name that can be a bucket.
func (s *Buckets) exists(name string) bool {
	if checkBucket(name) != nil {
		return false
	}
	info, err := os.Stat(filepath.Join(s.root, name))
	return err == nil && info.IsDir()
}

// bucket finds a bucket that exists.
func (s *Buckets) bucket(name string) (*bucket, error) {
	if err := checkBucket(name); err != nil {
		return nil, err
	}
	if !s.exists(name) {
		return nil, noSuchBucket(name)
	}
	return s.known(name), nil
}

// known gives the one bucket of that name, whether it exists or not.
func (s *Buckets) known(name string) *bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.mu.buckets[name]
	if b == nil {
		b = &bucket{s: s, name: name, dir: filepath.Join(s.root, name)}
		s.mu.buckets[name] = b
	}
	return b
}

// createBucket makes a bucket. One that exists stays as it is: S3 calls that
// success in us-east-1 and an error elsewhere.
func (s *Buckets) createBucket(name, region string) error {
	if err := checkBucket(name); err != nil {
		return err
	}
	b := s.known(name)
	b.layout.Lock()
	defer b.layout.Unlock()
	if s.exists(name) {
		if cmp.Or(region, s.opt.Region) == "us-east-1" {
			return nil
		}
		return faultf("BucketAlreadyOwnedByYou", http.StatusConflict, "Your previous request to create the named bucket succeeded and you already own it: %s.", name)
	}
	if err := b.removeSide(); err != nil {
		return err
	}
	// The folder is what makes the bucket; its configuration is there before.
	if err := b.writeConfig(config{Created: s.opt.Now().UTC(), Region: cmp.Or(region, s.opt.Region)}); err != nil {
		return err
	}
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return faultf("BucketAlreadyExists", http.StatusConflict, "A file that is no folder has the bucket's name: %s. Move it away.", name)
		}
		return err
	}
	return durable.SyncUp(s.root, ".")
}

// deleteBucket removes an empty bucket with all that is kept of it.
func (s *Buckets) deleteBucket(name string) error {
	b, err := s.bucket(name)
	if err != nil {
		return err
	}
	b.layout.Lock()
	defer b.layout.Unlock()
	aside, err := b.asideKeys()
	if err != nil {
		return err
	}
	c := durable.Walk(b.dir, "", "", "")
	first, _, found := c.Next()
	if err := c.Err(); err != nil {
		return err
	}
	if !found && len(aside) > 0 {
		first, found = aside[0], true
	}
	if found {
		return faultf("BucketNotEmpty", http.StatusConflict, "The bucket you tried to delete is not empty: it holds %q. aws s3 rb --force s3://%s deletes its objects first.", clip(first), name)
	}
	switch gone, err := durable.RemoveTree(b.dir); {
	case durable.IsNotExist(err):
		return noSuchBucket(name)
	case err != nil:
		return err
	case !gone:
		return faultf("BucketNotEmpty", http.StatusConflict, "The bucket you tried to delete is not empty: its folder holds something that is no object.")
	}
	if err := durable.SyncUp(s.root, "."); err != nil {
		return err
	}
	return b.removeSide()
}

// removeSide removes all that lies beside the bucket's folder.
func (b *bucket) removeSide() error {
	for _, kind := range []string{configDir, recordDir, asideDir, uploadDir} {
		if err := os.RemoveAll(filepath.Join(b.s.side, kind, b.name)); err != nil {
			return err
		}
	}
	b.aside.forget()
	return nil
}

// config reads the configuration; a folder made by hand has the defaults.
func (b *bucket) config() (config, error) {
	var c config
	_, err := b.s.read(configDir+"/"+b.name, configMagic, &c)
	c.Region = cmp.Or(c.Region, b.s.opt.Region)
	if c.Created.IsZero() {
		if info, err := os.Stat(b.dir); err == nil {
			c.Created = info.ModTime().UTC()
		}
	}
	return c, err
}

func (b *bucket) writeConfig(c config) error { return b.s.write(configDir+"/"+b.name, configMagic, c) }

// configure changes the configuration.
func (b *bucket) configure(change func(*config)) error {
	b.layout.Lock()
	defer b.layout.Unlock()
	if !b.s.exists(b.name) {
		return noSuchBucket(b.name)
	}
	c, err := b.config()
	if err != nil {
		return err
	}
	change(&c)
	return b.writeConfig(c)
}

// names gives the buckets by name.
func (s *Buckets) names() ([]string, error) {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return nil, fmt.Errorf("list buckets: %w", err)
	}
	var out []string
	for _, e := range entries {
		if s.exists(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

const asideDir = "aside"

// asideKeys are the keys of a bucket that lie aside, in order. There are few: a
// marker of a folder here and there.
type asideKeys struct {
	mu     sync.Mutex
	loaded bool
	keys   []string // never changed in place
	change int      // counts changes
}

func (a *asideKeys) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.loaded, a.keys = false, nil
	a.change++
}

func (b *bucket) asideRoot() string { return filepath.Join(b.s.side, asideDir, b.name) }

// asideKeys gives the keys that lie aside; the slice does not change.
func (b *bucket) asideKeys() ([]string, error) {
	b.aside.mu.Lock()
	defer b.aside.mu.Unlock()
	return b.loadAside()
}

func (b *bucket) loadAside() ([]string, error) {
	a := &b.aside
	if a.loaded {
		return a.keys, nil
	}
	var keys []string
	c := durable.Walk(b.asideRoot(), "", "", "")
	for name, _, ok := c.Next(); ok; name, _, ok = c.Next() {
		if key, ok := unescape(name); ok {
			keys = append(keys, key)
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	slices.Sort(keys)
	a.keys, a.loaded = keys, true
	return keys, nil
}

func (b *bucket) isAside(key string) (bool, error) {
	keys, err := b.asideKeys()
	_, found := slices.BinarySearch(keys, key)
	return found, err
}

// noteAside puts a key into the list or takes it out.
func (b *bucket) noteAside(key string, there bool) error {
	b.aside.mu.Lock()
	defer b.aside.mu.Unlock()
	keys, err := b.loadAside()
	if err != nil {
		return err
	}
	i, found := slices.BinarySearch(keys, key)
	switch {
	case there && !found:
		b.aside.keys = slices.Insert(slices.Clone(keys), i, key)
	case !there && found:
		b.aside.keys = slices.Delete(slices.Clone(keys), i, i+1)
	}
	b.aside.change++
	return nil
}
