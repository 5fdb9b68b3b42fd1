package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/blob"
	"usher/blob/s3"
	"usher/blob/s3server"
	"usher/store"
)

var now = time.Unix(1_700_000_000, 0)

// tree gives all files below a folder with their times.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		rel, rerr := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = fmt.Sprint(info.ModTime().UnixNano()) + string(b)
		return errors.Join(err, rerr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// filled gives a data folder with a document, a blob and an object, and its database,
// which stays open.
func filled(t *testing.T) (string, *store.DB) {
	dir := filepath.Join(t.TempDir(), "data")
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Documents().Put(t.Context(), "a/1", []byte("one")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "blobs", "parts", "p.parquet"), "a part")
	write(t, filepath.Join(dir, "blobs", unfinished, "half"), "half a part")
	write(t, filepath.Join(dir, "buckets", "b", "odd name, ä", "x.csv"), "an object")
	write(t, filepath.Join(dir, "buckets", ".usher", "meta"), "{}")
	return dir, db
}

func TestRestoreGivesTheSame(t *testing.T) {
	dir, _ := filled(t)
	to, again := filepath.Join(t.TempDir(), "to"), filepath.Join(t.TempDir(), "again")
	m, err := Backup(t.Context(), dir, Folder(to), now)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Time.Equal(now) || m.Bytes() == 0 {
		t.Errorf("manifest %+v", m)
	}
	if _, err := Restore(t.Context(), Folder(to), again); err != nil {
		t.Fatal(err)
	}
	got, want := tree(t, again), tree(t, dir)
	for _, name := range []string{"blobs/parts/p.parquet", "buckets/b/odd name, ä/x.csv", "buckets/.usher/meta"} {
		if want[name] == "" || got[name] != want[name] {
			t.Errorf("%s: got %q, want %q", name, got[name], want[name])
		}
	}
	if got["blobs/"+unfinished+"/half"] != "" || len(got) != 4 {
		t.Errorf("restored %v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, stageName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of links is left: %v", err)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: again})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if b, ok, err := db.Documents().Get(t.Context(), "a/1"); err != nil || !ok || string(b) != "one" {
		t.Errorf("the document is %q, %v, %v", b, ok, err)
	}
}

// TestBackupBesideWriters backs up while documents and the blobs they name are made
// and removed: in each backup every document has its blob.
func TestBackupBesideWriters(t *testing.T) {
	dir, db := filled(t)
	blobs, err := blob.OpenDir(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	blobs.KeepDeleted(Kept(dir))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	first := make(chan struct{})
	ended := make(chan error, 1)
	go func() { ended <- churn(ctx, db.Documents(), blobs, first) }()
	<-first
	for k := range 4 {
		to, again := filepath.Join(t.TempDir(), "to"), filepath.Join(t.TempDir(), "again")
		if _, err := Backup(t.Context(), dir, Folder(to), now); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), Folder(to), again); err != nil {
			t.Fatal(err)
		}
		if n := named(t, again); n == 0 {
			t.Errorf("backup %d has no documents", k)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// churn makes a blob, then a document that names it, and removes older ones the
// other way round, until ctx is done.
func churn(ctx context.Context, docs store.Documents, blobs *blob.Dir, first chan struct{}) error {
	for i := 0; ctx.Err() == nil; i++ {
		name := fmt.Sprintf("churn/%d", i)
		w, err := blobs.Create(context.WithoutCancel(ctx), name)
		if err != nil {
			return err
		}
		if _, err = w.Write([]byte(name)); err == nil {
			err = w.Commit()
		}
		if err == nil {
			err = docs.Put(context.WithoutCancel(ctx), name, []byte(name))
		}
		if old := fmt.Sprintf("churn/%d", i-5); err == nil && i >= 5 {
			if err = docs.Delete(context.WithoutCancel(ctx), old); err == nil {
				err = blobs.Delete(context.WithoutCancel(ctx), old)
			}
		}
		if err != nil {
			return err
		}
		if i == 6 {
			close(first)
		}
	}
	return nil
}

// named counts the documents of a restored folder and has each find its blob.
func named(t *testing.T, dir string) (n int) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	list, err := db.Documents().List(t.Context(), "churn/")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		n++
		if b, err := os.ReadFile(filepath.Join(dir, "blobs", filepath.FromSlash(string(d)))); err != nil || string(b) != string(d) {
			t.Errorf("the blob of %q: %q, %v", d, b, err)
		}
	}
	return n
}

// TestBlobsDeletedMeanwhile has a blob come after files were linked for the first time,
// be named by the database, and go before they are for the second.
func TestBlobsDeletedMeanwhile(t *testing.T) {
	dir, _ := filled(t)
	blobs, err := blob.OpenDir(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	blobs.KeepDeleted(Kept(dir))
	stage, remove, err := openStage(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(Kept(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "blobs", "models", "a b"), "a model")
	if err := blobs.Delete(t.Context(), "models/a b"); err != nil {
		t.Fatal(err)
	}
	if err := takeKept(Kept(dir), stage); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, stage); len(got) != 1 || !strings.HasSuffix(got["blobs/models/a b"], "a model") {
		t.Errorf("the backup has %v", got)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
}

func TestBackupRefuses(t *testing.T) {
	dir, _ := filled(t)
	for name, c := range map[string]struct {
		dir, to, want string
	}{
		"no data folder":    {t.TempDir(), filepath.Join(t.TempDir(), "x"), "no data folder of usher"},
		"a folder in use":   {dir, dir, "it is not empty"},
		"into a plain file": {dir, filepath.Join(dir, databaseName), "usher.db"},
	} {
		if _, err := Backup(t.Context(), c.dir, Folder(c.to), now); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	_, remove, err := openStage(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), dir, Folder(filepath.Join(t.TempDir(), "x")), now); err == nil || !strings.Contains(err.Error(), "another backup is under way") {
		t.Errorf("a second backup: %v", err)
	}
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, stageName)); err != nil {
		t.Errorf("a backup that is under way lost its folder: %v", err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
}

// TestBackupAfterOneThatWasKilled has the folder of links left, as kill -9 leaves it:
// the next backup begins anew, and who sweeps removes it.
func TestBackupAfterOneThatWasKilled(t *testing.T) {
	dir, _ := filled(t)
	left := filepath.Join(dir, stageName, "blobs", "parts", "old.parquet")
	write(t, left, "what is deleted since")
	to := filepath.Join(t.TempDir(), "to")
	m, err := Backup(t.Context(), dir, Folder(to), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		if strings.HasSuffix(f.Name, "old.parquet") {
			t.Errorf("%q of the killed backup is in the next one", f.Name)
		}
	}
	write(t, left, "what is deleted since")
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, stageName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
	if err := Sweep(dir); err != nil {
		t.Errorf("nothing to sweep: %v", err)
	}
}

func TestBackupThatIsStopped(t *testing.T) {
	dir, _ := filled(t)
	to := filepath.Join(t.TempDir(), "to")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Backup(ctx, dir, Folder(to), now); !errors.Is(err, context.Canceled) {
		t.Errorf("a stopped backup: %v", err)
	}
	if err := Folder(to).empty(t.Context()); err != nil {
		t.Errorf("a stopped backup leaves something: %v", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	dir, _ := filled(t)
	for name, c := range map[string]struct {
		damage func(to string) error
		want   string
	}{
		"no manifest": {func(to string) error { return os.Remove(filepath.Join(to, manifestName)) }, "is no whole backup"},
		"a wrong bit": {func(to string) error {
			return os.WriteFile(filepath.Join(to, "blobs/parts/p.parquet"), []byte("A part"), 0o600)
		}, `restore "blobs/parts/p.parquet": the backup is damaged`},
		"a missing file": {func(to string) error { return os.Remove(filepath.Join(to, "blobs/parts/p.parquet")) }, "lacks the file"},
		"a newer one":    {change(`"version": 1`, `"version": 2`), "version 2; this usher reads"},
		"another thing":  {change(format, "tarball"), `the format "tarball"`},
		"an escape":      {change("blobs/parts/p.parquet", "../../p"), "outside of the backup"},
		"no JSON":        {change("{", "<"), "read backup.json"},
	} {
		to, again := filepath.Join(t.TempDir(), "to"), filepath.Join(t.TempDir(), "again")
		if _, err := Backup(t.Context(), dir, Folder(to), now); err != nil {
			t.Fatal(err)
		}
		if err := c.damage(to); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), Folder(to), again); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		for _, left := range []string{again, again + ".restoring"} {
			if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %q is left: %v", name, left, err)
			}
		}
	}
	to := filepath.Join(t.TempDir(), "to")
	if _, err := Backup(t.Context(), dir, Folder(to), now); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), Folder(to), dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a data folder: %v", err)
	}
}

// change replaces a text in the manifest.
func change(from, to string) func(dir string) error {
	return func(dir string) error {
		name := filepath.Join(dir, manifestName)
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(name, []byte(strings.Replace(string(b), from, to, 1)), 0o600)
	}
}

// TestBucket keeps a backup in a bucket.
func TestBucket(t *testing.T) {
	buckets, err := s3server.Open(s3server.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(buckets)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/backups", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("no bucket: %v, %v", res, err)
	}
	_ = res.Body.Close()
	place, err := ParseBucket(s3.New(s3.Options{Endpoint: server.URL}), "s3://backups/usher/monday")
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := filled(t)
	if _, err := Restore(t.Context(), place, filepath.Join(t.TempDir(), "x")); err == nil || !strings.Contains(err.Error(), "s3://backups/usher/monday/ is no whole backup") {
		t.Errorf("an empty prefix: %v", err)
	}
	if _, err := Backup(t.Context(), dir, place, now); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), dir, place, now); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a backup: %v", err)
	}
	again := filepath.Join(t.TempDir(), "again")
	if _, err := Restore(t.Context(), place, again); err != nil {
		t.Fatal(err)
	}
	got, want := tree(t, again), tree(t, dir)
	for _, name := range []string{"blobs/parts/p.parquet", "buckets/b/odd name, ä/x.csv", "buckets/.usher/meta"} {
		if want[name] == "" || got[name] != want[name] {
			t.Errorf("%s: got %q, want %q", name, got[name], want[name])
		}
	}
	if _, err := ParseBucket(nil, "https://x"); err == nil {
		t.Error("a location that is no bucket's")
	}
}
