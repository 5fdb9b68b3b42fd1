package blob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/blob"
	"usher/blob/blobtest"
)

func openDir(t *testing.T, path string) *blob.Dir {
	t.Helper()
	d, err := blob.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDir(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return openDir(t, t.TempDir()) })
}

func TestDirIsPlainFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder")
	d := openDir(t, path)
	commit(t, d, "group/part-1", "data")
	if got, err := os.ReadFile(filepath.Join(path, "group", "part-1")); err != nil || string(got) != "data" {
		t.Errorf("%q, %v", got, err)
	}
	if err := d.Delete(t.Context(), "group/part-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(path, "group")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty folder stays: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the store's own folder is gone: %v", err)
	}
}

func commit(t *testing.T, d *blob.Dir, name, data string) {
	t.Helper()
	w, err := d.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestDirNames(t *testing.T) {
	d := openDir(t, t.TempDir())
	for _, name := range []string{"a/../b", "a/./b", "a//b", "a/", ".tmp/x", ".TMP/x", `a\b`, `..\a`, "a\x00b", "a/..", "\xff", strings.Repeat("x", 256)} {
		_, err := d.Create(t.Context(), name)
		if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "names are relative") {
			t.Errorf("create %q: %v", name, err)
		}
		if _, err := d.Open(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("open %q: %v", name, err)
		}
		if err := d.Delete(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("delete %q: %v", name, err)
		}
	}
}

// A name that is a folder of others, or lies below a blob, is refused at Commit,
// and nothing of it stays.
func TestDirNameAndFolder(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	commit(t, d, "a/b", "x")
	for _, name := range []string{"a", "a/b/c"} {
		w, err := d.Create(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err == nil {
			t.Errorf("%q is committed", name)
		}
	}
	if left, err := os.ReadDir(filepath.Join(path, ".tmp")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Opening the folder again removes what a dead writer left, and nothing of a
// living one.
func TestDirLeftovers(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	w, err := d.Create(t.Context(), "alive")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("alive")); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(path, ".tmp", "123456")
	if err := os.WriteFile(dead, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := openDir(t, path)
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover stays: %v", err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	r, err := again.Open(t.Context(), "alive")
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
}

// A folder that a deletion left empty when it was cut short is in nobody's way.
func TestDirEmptyFolder(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	if err := os.MkdirAll(filepath.Join(path, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	commit(t, d, "a", "x")
	if _, err := d.Open(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

func TestOpenDirFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.OpenDir(path); err == nil || !strings.Contains(err.Error(), "open blob folder") {
		t.Errorf("a file is opened as a folder: %v", err)
	}
}
