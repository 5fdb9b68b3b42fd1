package ingest

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"usher/catalog"
	"usher/dataset"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestImportOfGzip(t *testing.T) {
	w := newWorld(t)
	one, two := csv("u1,i1,5,view\nu1,i2,4,view\n"), csv("u2,i1,7,view\n")
	w.Put("b/all/1.csv.gz", zipped(t, one))
	w.Put("b/all/2.csv", two)
	w.Put("b/all/readme", "not data")
	w.Put("b/members", zipped(t, one)+zipped(t, "u3,i1,9,view,,,\n")) // two members are one text
	w.Put("b/named.csv", zipped(t, one+"u4,i1,soon,view,,,\n"))
	for location, want := range map[string]string{
		"s3://b/all/":    "u1: i2@4 i1@5\nu2: i1@7\n",
		"s3://b/members": "u1: i2@4 i1@5\nu3: i1@9\n",
	} {
		if j := w.imported(dataset.Interactions, location); j.Status != catalog.Active {
			t.Fatalf("%s: %s %q", location, j.Status, j.FailureReason)
		}
		got := ""
		for line := range strings.Lines(w.words()) {
			if strings.Contains(line, "@") { // a user of an earlier import has no events
				got += line
			}
		}
		if got != want {
			t.Errorf("%s: got\n%swant\n%s", location, got, want)
		}
	}
	whole := zipped(t, one)
	w.Put("b/cut", whole[:len(whole)-5])
	w.Put("b/empty", "\x1f\x8b")
	w.Put("b/bomb", zipped(t, head+strings.Repeat("u1,i1,5,view,,,\n", 1_000_000)))
	for location, want := range map[string]string{
		"s3://b/cut":       "s3://b/cut is not a whole file of gzip",
		"s3://b/empty":     "s3://b/empty is not a whole file of gzip",
		"s3://b/bomb":      "more than 200 times",
		"s3://b/named.csv": "s3://b/named.csv, line 4, column TIMESTAMP",
	} {
		if j := w.imported(dataset.Interactions, location); j.Status != catalog.Failed || !strings.Contains(j.FailureReason, want) {
			t.Errorf("%s: %s %q", location, j.Status, j.FailureReason)
		}
	}
	for info, err := range w.Blobs.List(t.Context(), "") {
		if err != nil || strings.Contains(info.Name, "plain") {
			t.Errorf("left behind: %q, %v", info.Name, err)
		}
	}
}
