//go:build unix

package sequence

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"usher/dataset"
)

// sharedLines reads a file of the folder in USHER_SHARED (…/shared/data) line by
// line, in fields, or skips. The data may not be in the project.
func sharedLines(tb testing.TB, name string, each func(fields []string)) {
	tb.Helper()
	dir := os.Getenv("USHER_SHARED")
	if dir == "" {
		tb.Skip("USHER_SHARED names no folder with " + name)
	}
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		each(strings.Fields(sc.Text()))
	}
	if err := sc.Err(); err != nil {
		tb.Fatal(err)
	}
}

// histories numbers ids by their first occurrence.
type histories struct {
	users, items *dataset.Dict
	by           [][]dataset.Event
}

func newHistories() *histories { return &histories{users: dataset.NewDict(), items: dataset.NewDict()} }

func (h *histories) add(user, item string, value float32, at int64) {
	n := h.users.Intern(strings.Clone(user))
	if int(n) == len(h.by) {
		h.by = append(h.by, nil)
	}
	h.by[n] = append(h.by[n], dataset.Event{Time: at, Item: h.items.Intern(strings.Clone(item)), Value: value})
}

func (h *histories) snapshot() *dataset.Snapshot {
	return dataset.NewSnapshot(h.users.IDs(), h.items.IDs(), []string{""}, h.by)
}

// movielens reads ml-100k.
func movielens(tb testing.TB) *dataset.Snapshot {
	tb.Helper()
	h := newHistories()
	sharedLines(tb, "ml-100k/u.data.gz", func(f []string) {
		value, _ := strconv.ParseFloat(f[2], 32)
		at, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		h.add(f[0], f[1], float32(value), at)
	})
	return h.snapshot()
}

// pairLines reads "user item" lines without times; wholeLines a user's id and
// items in one line.
func pairLines(tb testing.TB, name string) *dataset.Snapshot {
	tb.Helper()
	h := newHistories()
	sharedLines(tb, name, func(f []string) { h.add(f[0], f[1], 0, 0) })
	return h.snapshot()
}

func wholeLines(tb testing.TB, name string) *dataset.Snapshot {
	tb.Helper()
	h := newHistories()
	sharedLines(tb, name, func(f []string) {
		for _, item := range f[1:] {
			h.add(f[0], item, 0, 0)
		}
	})
	return h.snapshot()
}

// question asks for what follows a history.
type question struct {
	history []dataset.Event
	target  dataset.Index
}

// sessions reads Diginetica: the training sessions, in order of time, and the
// test's questions.
func sessions(tb testing.TB) (*dataset.Snapshot, []question) {
	tb.Helper()
	h, n := newHistories(), 0
	sharedLines(tb, "session-diginetica/train_sessions.txt.gz", func(f []string) {
		n++
		for _, item := range f {
			h.add(strconv.Itoa(n), item, 0, int64(n))
		}
	})
	data := h.snapshot()
	var test []question
	first := true
	sharedLines(tb, "session-diginetica/test_pairs.tsv.gz", func(f []string) {
		if first {
			first = false
			return
		}
		q := question{target: h.items.Intern(strings.Clone(f[len(f)-1]))}
		for _, item := range f[:len(f)-1] {
			q.history = append(q.history, dataset.Event{Item: h.items.Intern(strings.Clone(item))})
		}
		test = append(test, q)
	})
	return data, test
}
