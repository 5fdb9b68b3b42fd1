// Package blobtest is the contract of blob.Store: what every store owes, as a
// suite of tests. Tests of other rooms put objects into stores and read them by its
// Put, Save, Get and Names, which end the test where that fails.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"usher/blob"
)

// Root is the first element of all names in the suite; a store of buckets makes
// a bucket of that name beforehand.
const Root = "blobtest"

// Run runs the suite. open gives a new, empty store for each test.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, blob.Store)
	}{
		{"WriteAndRead", writeAndRead},
		{"Missing", missing},
		{"InvisibleBeforeCommit", invisibleBeforeCommit},
		{"Abort", abort},
		{"FinishedWriter", finishedWriter},
		{"Replace", replace},
		{"ListOrder", listOrder},
		{"ListPrefix", listPrefix},
		{"ListStops", listStops},
		{"Delete", remove},
		{"Names", names},
		{"Cancelled", cancelled},
		{"ConcurrentReads", concurrentReads},
		{"LastCommitWins", lastCommitWins},
		{"CreateAgainstDelete", createAgainstDelete},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// pattern gives n bytes that differ from place to place and from seed to seed.
func pattern(seed byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i*7+i>>8*13) ^ seed
	}
	return out
}

func writeAndRead(t *testing.T, s blob.Store) {
	for i, n := range []int{0, 1, 4096, 300_001} {
		name := fmt.Sprintf("%s/group-%d/part", Root, i)
		want := pattern(byte(i), n)
		w, err := s.Create(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for rest := want; len(rest) > 0; {
			k := min(len(rest), 1000)
			if got, err := w.Write(rest[:k]); got != k || err != nil {
				t.Fatal(got, err)
			}
			rest = rest[k:]
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if r.Size() != int64(n) {
			t.Errorf("size %d, want %d", r.Size(), n)
		}
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes read back as %d bytes, %v", n, len(got), err)
		}
		piece := make([]byte, 10)
		if k, err := r.ReadAt(piece, int64(n)-4); n > 4 && (k != 4 || !errors.Is(err, io.EOF) || !bytes.Equal(piece[:4], want[n-4:])) {
			t.Errorf("the last 4 of %d bytes: %d, %v", n, k, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		for info, err := range s.List(t.Context(), name) {
			if err != nil || info.Size != int64(n) || info.ModTime.IsZero() {
				t.Errorf("listed as %+v, %v", info, err)
			}
		}
	}
}

func missing(t *testing.T, s blob.Store) {
	Put(t, s, Root+"/folder/file", []byte("x"))
	for _, name := range []string{Root + "/none", Root + "/folder", Root + "/folder/none", Root + "/folder/file/none"} {
		if _, err := s.Open(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %q: %v", name, err)
		}
		if err := s.Delete(t.Context(), name); err != nil {
			t.Errorf("delete %q: %v", name, err)
		}
	}
	if got := Names(t, s, Root+"/"); !slices.Equal(got, []string{Root + "/folder/file"}) {
		t.Errorf("left: %q", got)
	}
}

func invisibleBeforeCommit(t *testing.T, s blob.Store) {
	name := Root + "/a/b"
	w, err := s.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(pattern(1, 100_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open before commit: %v", err)
	}
	if got := Names(t, s, ""); len(got) != 0 {
		t.Errorf("listed before commit: %q", got)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := Names(t, s, ""); !slices.Equal(got, []string{name}) {
		t.Errorf("listed after commit: %q", got)
	}
}

func abort(t *testing.T, s blob.Store) {
	name := Root + "/a"
	Put(t, s, name, []byte("old"))
	w, err := s.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if got, err := get(s, name); err != nil || string(got) != "old" {
		t.Errorf("after abort: %q, %v", got, err)
	}
	if err := w.Abort(); err != nil {
		t.Errorf("second abort: %v", err)
	}
}

func finishedWriter(t *testing.T, s blob.Store) {
	w, err := s.Create(t.Context(), Root+"/a")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Errorf("abort after commit: %v", err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("write after commit succeeds")
	}
	if err := w.Commit(); err == nil {
		t.Error("second commit succeeds")
	}
	if got, err := get(s, Root+"/a"); err != nil || len(got) != 0 {
		t.Errorf("abort after commit changed the blob: %q, %v", got, err)
	}
	w, err = s.Create(t.Context(), Root+"/b")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err == nil {
		t.Error("commit after abort succeeds")
	}
}

func replace(t *testing.T, s blob.Store) {
	name := Root + "/a"
	Put(t, s, name, pattern(1, 5000))
	old, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	Put(t, s, name, []byte("short"))
	if got, err := get(s, name); err != nil || string(got) != "short" {
		t.Errorf("after replacing: %q, %v", got, err)
	}
	// An open reader goes on reading what it opened (I3).
	got := make([]byte, 5000)
	if _, err := old.ReadAt(got, 0); err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(got, pattern(1, 5000)) {
		t.Errorf("the reader opened before sees something else: %v", err)
	}
}

func listOrder(t *testing.T, s blob.Store) {
	want := []string{"a", "b-", "b.x", "b/a", "b/a-", "b/b/c", "b0", "ba", "c/\u00e9", "c/\U0001F600", "d e", "z"}
	for i := range want {
		want[i] = Root + "/" + want[i]
	}
	slices.Sort(want)
	for i := range want { // in another order
		Put(t, s, want[(i*5)%len(want)], nil)
	}
	if got := Names(t, s, ""); !slices.Equal(got, want) {
		t.Errorf("listed %q\nwant %q", got, want)
	}
}

func listPrefix(t *testing.T, s blob.Store) {
	all := []string{"a", "ab/c", "ab/cd", "ab/cd-", "abc", "b/c/d/e"}
	for i := range all {
		all[i] = Root + "/" + all[i]
		Put(t, s, all[i], nil)
	}
	for _, prefix := range []string{"", Root, Root + "/", Root + "/a", Root + "/ab", Root + "/ab/", Root + "/ab/c", Root + "/ab/cd",
		Root + "/b", Root + "/b/c/d/e", Root + "/b/c/d/e/", Root + "/b/x/", "none", "/", "../", Root + "/../", Root + "//"} {
		var want []string
		for _, name := range all {
			if strings.HasPrefix(name, prefix) {
				want = append(want, name)
			}
		}
		if got := Names(t, s, prefix); !slices.Equal(got, want) {
			t.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
	}
}

func listStops(t *testing.T, s blob.Store) {
	for i := range 5 {
		Put(t, s, fmt.Sprintf("%s/%d/%d", Root, i%2, i), nil)
	}
	var got int
	for range s.List(t.Context(), "") {
		if got++; got == 2 {
			break
		}
	}
	if got != 2 {
		t.Errorf("%d blobs", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range s.List(ctx, "") {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("a cancelled list ends with %v", last)
	}
}

func remove(t *testing.T, s blob.Store) {
	Put(t, s, Root+"/a/b/c", []byte("c"))
	Put(t, s, Root+"/a/d", []byte("d"))
	if err := s.Delete(t.Context(), Root+"/a/b/c"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), Root+"/a/b/c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open after delete: %v", err)
	}
	if got := Names(t, s, ""); !slices.Equal(got, []string{Root + "/a/d"}) {
		t.Errorf("left: %q", got)
	}
	// What was a folder of names is free to be a name.
	Put(t, s, Root+"/a/b", []byte("now a blob"))
	if got, err := get(s, Root+"/a/b"); err != nil || string(got) != "now a blob" {
		t.Errorf("%q, %v", got, err)
	}
}

func names(t *testing.T, s blob.Store) {
	for _, name := range []string{"", "/", "/a", "..", ".", "../a", "../../a/b", Root + "/" + strings.Repeat("a/", 1000) + "a"} {
		if w, err := s.Create(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("create %.30q: %v", name, err)
			if err == nil {
				_ = w.Abort()
			}
		}
		if _, err := s.Open(t.Context(), name); !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %.30q: %v", name, err)
		}
	}
	long := Root + "/" + strings.Repeat("x", 255) + "/" + strings.Repeat("y", 255)
	Put(t, s, long, []byte("long"))
	if got, err := get(s, long); err != nil || string(got) != "long" {
		t.Errorf("long name: %q, %v", got, err)
	}
}

func cancelled(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	name := Root + "/a"
	Put(t, s, name, nil)
	if _, err := s.Open(ctx, name); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v", err)
	}
	if _, err := s.Create(ctx, name); !errors.Is(err, context.Canceled) {
		t.Errorf("create: %v", err)
	}
	if err := s.Delete(ctx, name); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
}

func concurrentReads(t *testing.T, s blob.Store) {
	want := pattern(3, 1<<16)
	Put(t, s, Root+"/a", want)
	r, err := s.Open(t.Context(), Root+"/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			got := make([]byte, 1000)
			for off := i * 100; off+1000 <= len(want); off += 4000 {
				if _, err := r.ReadAt(got, int64(off)); err != nil || !bytes.Equal(got, want[off:off+1000]) {
					t.Errorf("at %d: %v", off, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func lastCommitWins(t *testing.T, s blob.Store) {
	name := Root + "/shared/name"
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			w, err := s.Create(context.Background(), name)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := w.Write(pattern(byte(i), 10_000+i)); err != nil {
				t.Error(err)
			}
			if err := w.Commit(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := get(s, name)
	if err != nil || len(got) < 10_000 || !bytes.Equal(got, pattern(byte(len(got)-10_000), len(got))) {
		t.Errorf("a mixture of %d bytes, %v", len(got), err)
	}
	if got := Names(t, s, ""); !slices.Equal(got, []string{name}) {
		t.Errorf("left: %q", got)
	}
}

// createAgainstDelete commits into folders that deletions empty at that moment.
func createAgainstDelete(t *testing.T, s blob.Store) {
	ctx := context.Background()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			name := fmt.Sprintf("%s/deep/er/%d", Root, i)
			for k := range 25 {
				w, err := s.Create(ctx, name)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := w.Write([]byte{byte(k)}); err != nil {
					t.Error(err)
				}
				if err := w.Commit(); err != nil {
					t.Error(err)
				}
				if got, err := get(s, name); err != nil || len(got) != 1 || got[0] != byte(k) {
					t.Errorf("a committed blob reads as %v, %v", got, err)
				}
				if err := s.Delete(ctx, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := Names(t, s, ""); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}
