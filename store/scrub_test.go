package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScrub: of a row that was deleted nothing is in any file, however large it was.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir})
	canary := "canary-4711"
	holds := func() (files []string) {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte(canary)) {
				files = append(files, name)
			}
		}
		return files
	}
	change := func(fn func(tx *Tx) error) {
		t.Helper()
		if err := db.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	for i, size := range []int{1, 300, 100_000} {
		change(func(tx *Tx) error {
			_, err := tx.Exec("insert into document(key, value) values($1, $2)", strings.Repeat("k", i+1), strings.Repeat(canary, size))
			return err
		})
	}
	if err := db.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(holds()) == 0 {
		t.Error("the rows are not in the files: this test cannot fail")
	}
	change(func(tx *Tx) error { _, err := tx.Exec("delete from document"); return err })
	if err := db.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if files := holds(); len(files) > 0 {
		t.Errorf("deleted rows are in %v", files)
	}
}
