package quality

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/dataset"
)

// write puts a gzipped file into a folder.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// films writes a made-up ml-100k: users walk around a ring of films.
func films(t *testing.T) (dir string) {
	dir = t.TempDir()
	var ratings, items strings.Builder
	for u := range 40 {
		for j := range 8 {
			fmt.Fprintf(&ratings, "%d\t%d\t%d\t%d\n", u, (3*u+j)%30, 1+(u+j)%5, 100*j+u)
		}
	}
	for i := range 31 {
		fmt.Fprintf(&items, "%d|Film \xe9 (1995)|01-Jan-1995||x|0|%d|1\n", i, i%2)
	}
	write(t, dir, "ml-100k/u.data.gz", ratings.String())
	write(t, dir, "ml-100k/u.item.gz", items.String())
	return dir
}

// TestRun goes the whole way: measured, kept, and put into the tables, which come
// out the same when they are written again.
func TestRun(t *testing.T) {
	checkout := t.TempDir()
	if err := os.MkdirAll(filepath.Join(checkout, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(checkout, document)
	if err := os.WriteFile(page, []byte("before\n"+tablesBegin+"old\n"+tablesEnd+"after\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	opt := Options{Dir: checkout, Data: films(t), Sets: []string{"ml-100k@1,2"}, Out: io.Discard, Err: io.Discard,
		Now: func() time.Time { now = now.Add(time.Second); return now }}
	if err := Run(context.Background(), opt); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "after\n", "**ml-100k** (", "40 users, 31 items, 320 interactions", "seeds 1, 2", "| markov counts |", "| aws-user-personalization-v2 | **"} {
		if !strings.Contains(string(first), want) {
			t.Errorf("the document has no %q:\n%s", want, first)
		}
	}
	svg, err := os.ReadFile(filepath.Join(checkout, pictures, "training-ml-100k.svg"))
	if err != nil {
		t.Fatal(err)
	}
	var tree struct {
		Paths []struct{} `xml:"path"`
		Dots  []struct{} `xml:"circle"`
	}
	if err := xml.Unmarshal(svg, &tree); err != nil || len(tree.Paths) < 4 || len(tree.Dots) < 4 || bytes.Contains(svg, []byte("NaN")) {
		t.Errorf("%v: %d paths and %d dots in\n%s", err, len(tree.Paths), len(tree.Dots), svg)
	}
	if strings.Contains(string(first), "old\n") {
		t.Error("the old tables are still there")
	}
	if err := Run(context.Background(), Options{Dir: checkout}); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(page); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the tables are not the same when written again (%v):\n%s", err, again)
	}
	for _, wanted := range []string{"nothing", "ml-100k@x"} {
		opt.Sets = []string{wanted}
		if err := Run(context.Background(), opt); err == nil {
			t.Errorf("the set %q is measured", wanted)
		}
	}
	if err := os.WriteFile(page, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Run(context.Background(), Options{Dir: checkout}); err == nil {
		t.Error("tables are written into a document without a place for them")
	}
}

func TestMovieLens(t *testing.T) {
	data, err := movielens(3.6)(os.DirFS(films(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range data.Events {
		if e.Value <= 3.6 {
			t.Fatalf("a rating of %v", e.Value)
		}
	}
	row := data.ItemTable.Row(0)
	if len(data.Events) == 0 || row[1].Str == "" || row[2].Str != "Film é (1995)" || row[3].Num != 1995 {
		t.Errorf("%d events, the first film is %+v", len(data.Events), row)
	}
}

func TestPublishedCuts(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "gowalla-lightgcn/train.txt.gz", "0 10 11\n1 11 12\n")
	write(t, dir, "gowalla-lightgcn/test.txt.gz", "0 12\n1\n")
	_, rounds, err := gowalla(os.DirFS(dir))
	if err != nil || len(rounds[0].Questions) != 1 || len(rounds[0].Questions[0].Input) != 2 || rounds[0].Questions[0].Truth[0] != 2 || !rounds[0].Mask {
		t.Errorf("gowalla: %+v, %v", rounds, err)
	}
	write(t, dir, "session-diginetica/train_sessions.txt.gz", "5 6 5\n7 5\n")
	write(t, dir, "session-diginetica/test_pairs.tsv.gz", "prefix\tnext\n5 6\t9\n")
	data, rounds, err := diginetica(os.DirFS(dir))
	if err != nil || len(rounds[0].Questions) != 1 {
		t.Fatalf("diginetica: %v", err)
	}
	if q := rounds[0].Questions[0]; len(q.Input) != 2 || data.ItemIDs[q.Truth[0]] != "9" || q.User != dataset.NoIndex || rounds[0].Train.Users() != 2 {
		t.Errorf("diginetica: %+v", q)
	}
	write(t, dir, "p.gz", "a x\nbroken\n")
	if _, err := pairs("p.gz")(os.DirFS(dir)); err == nil {
		t.Error("a line that is no pair is read")
	}
}

func TestOnce(t *testing.T) {
	events := [][]dataset.Event{{{Time: 1, Item: 0, Type: 0}, {Time: 1, Item: 0, Type: 1}, {Time: 2, Item: 0}}}
	data, err := once(func(fs.FS) (*dataset.Snapshot, error) {
		return dataset.NewSnapshot([]string{"u"}, []string{"i"}, []string{"click", "watch"}, events), nil
	})(nil)
	if err != nil || len(data.Events) != 2 {
		t.Errorf("%+v, %v", data, err)
	}
}
