package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func openArea(t *testing.T, root string) *Area {
	t.Helper()
	a, err := OpenArea(filepath.Join(root, ".tmp"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func publish(t *testing.T, a *Area, root, name, data string) {
	t.Helper()
	f, err := a.Create()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := f.Publish(root, name); err != nil {
		t.Fatal(err)
	}
}

func TestSeal(t *testing.T) {
	root := t.TempDir()
	a := openArea(t, root)
	f, err := a.Create()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFrom(strings.NewReader("data")); err != nil {
		t.Fatal(err)
	}
	stamp := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	sealed, err := f.Seal(stamp)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Publish(root, "a/b"); err != nil {
		t.Fatal(err)
	}
	if err := f.Abort(); err != nil {
		t.Error(err)
	}
	got, err := os.Stat(filepath.Join(root, "a", "b"))
	if err != nil || !got.ModTime().Equal(stamp) || got.Size() != 4 || !sealed.ModTime().Equal(stamp) || sealed.Size() != 4 {
		t.Errorf("%v, %v", got, err)
	}
}

// A file is published once more after the place that was taken is free.
func TestPublishAgain(t *testing.T) {
	root := t.TempDir()
	a := openArea(t, root)
	publish(t, a, root, "a", "in the way")
	f, err := a.Create()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Publish(root, "a/b"); !IsNotExist(err) {
		t.Errorf("%v", err)
	}
	if err := Remove(root, "a"); err != nil {
		t.Fatal(err)
	}
	if err := f.Publish(root, "a/b"); err != nil {
		t.Error(err)
	}
}

func TestAdopt(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "elsewhere")
	for _, keep := range []bool{true, false} {
		if err := os.WriteFile(name, []byte("data"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Adopt(name)
		if err != nil {
			t.Fatal(err)
		}
		if !keep {
			if err := f.Publish(root, "a"); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Abort(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(name); (err == nil) != keep {
			t.Errorf("keep %v: %v", keep, err)
		}
	}
}

// Areas that are opened while others write take nothing away from them.
func TestOpenAreaAtOnce(t *testing.T) {
	root := t.TempDir()
	a := openArea(t, root)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 20 {
				if i%2 == 0 {
					if _, err := OpenArea(a.dir); err != nil {
						t.Error(err)
					}
					continue
				}
				f, err := a.Create()
				if err != nil {
					t.Error(err)
					return
				}
				if err := f.Publish(root, fmt.Sprintf("%d/%d", i, k)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left, err := os.ReadDir(a.dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestRemove(t *testing.T) {
	root := t.TempDir()
	a := openArea(t, root)
	publish(t, a, root, "a/b/c", "")
	publish(t, a, root, "a/d", "")
	for _, name := range []string{"a", "none", "a/b", "a/d/e"} { // folders and what is not there
		if err := Remove(root, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := Remove(root, "a/b/c"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "a", "b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder stays: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "a", "d")); err != nil {
		t.Error(err)
	}
}

func TestRemoveTree(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a/b/c", "a/d"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.FromSlash(dir)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(root, "a", "b", "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if gone, err := RemoveTree(filepath.Join(root, "a")); gone || err != nil {
		t.Errorf("a folder with a file in it: %v, %v", gone, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if gone, err := RemoveTree(filepath.Join(root, "a")); !gone || err != nil {
		t.Errorf("%v, %v", gone, err)
	}
}

// TestWalk holds cursors against all names, sorted at once.
func TestWalk(t *testing.T) {
	root := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	var all []string
	for len(all) < 150 {
		var b strings.Builder
		for range 1 + rng.IntN(7) {
			b.WriteByte("ab-/0."[rng.IntN(6)])
		}
		name := b.String()
		target := filepath.Join(root, filepath.FromSlash(name))
		if !IsLocal(name) || os.MkdirAll(filepath.Dir(target), 0o700) != nil {
			continue
		}
		if f, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_ = f.Close()
			all = append(all, name)
		}
	}
	slices.Sort(all)
	for range 300 {
		some := all[rng.IntN(len(all))]
		prefix := []string{"", some, some[:rng.IntN(len(some)+1)], "a/", "x/", "../"}[rng.IntN(6)]
		after := []string{"", all[rng.IntN(len(all))], "a/", "b"}[rng.IntN(4)]
		hide := []string{"", "a/", "b"}[rng.IntN(3)]
		skip := ""
		if rng.IntN(2) == 0 {
			skip = some[:1+rng.IntN(len(some))]
		}
		var want, got []string
		skipping := false
		for _, name := range all {
			if !strings.HasPrefix(name, prefix) || name <= after && after != "" || hide != "" && strings.HasPrefix(name, hide) || skipping && strings.HasPrefix(name, skip) {
				continue
			}
			want = append(want, name)
			skipping = skipping || skip != "" && strings.HasPrefix(name, skip)
		}
		c := Walk(root, prefix, after, hide)
		for name, info, ok := c.Next(); ok; name, info, ok = c.Next() {
			if !info.Mode().IsRegular() {
				t.Errorf("%q is listed", name)
			}
			got = append(got, name)
			if skip != "" && strings.HasPrefix(name, skip) {
				c.SkipPrefix(skip)
			}
		}
		if !slices.Equal(got, want) || c.Err() != nil {
			t.Fatalf("prefix %q, after %q, hide %q, skip %q: %q, want %q, %v", prefix, after, hide, skip, got, want, c.Err())
		}
	}
}

func TestIsLocal(t *testing.T) {
	for _, name := range []string{"a", "a/b", "...", ".a", "a b", "ü", strings.Repeat("x", 255)} {
		if !IsLocal(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", ".", "..", "/", "/a", "a/", "a//b", "a/./b", "a/../b", "../a", "a\x00", "\xff", strings.Repeat("x", 256)} {
		if IsLocal(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}

// Files are moved into folders that others empty and remove at that moment.
func TestRenameAgainstRemoveEmpty(t *testing.T) {
	root := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			from, name := filepath.Join(root, fmt.Sprint("from", i)), fmt.Sprintf("a/b/c/%d", i)
			if err := os.WriteFile(from, nil, 0o600); err != nil {
				t.Error(err)
			}
			for range 500 {
				if err := Rename(from, root, name); err != nil {
					t.Error(err)
					return
				}
				if err := os.Rename(filepath.Join(root, filepath.FromSlash(name)), from); err != nil {
					t.Error(err)
					return
				}
				RemoveEmpty(root, "a/b/c")
			}
		})
	}
	wg.Wait()
}
