package node

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/internal/storetest"
	"usher/wire/personalize"
)

func TestFolderOfAnotherDatabase(t *testing.T) {
	sqlite := options(t.TempDir())
	shut(t, open(t, sqlite))
	sqlite.Database = "postgres://nobody@127.0.0.1:1/none"
	if _, err := Open(t.Context(), sqlite); err == nil || !strings.Contains(err.Error(), "usher.db is there") {
		t.Errorf("PostgreSQL on a folder of SQLite: %v", err)
	}
	other := options(t.TempDir())
	if err := os.WriteFile(filepath.Join(other.Dir, folderFile), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), other); err == nil || !strings.Contains(err.Error(), "give -database") {
		t.Errorf("SQLite on a folder of PostgreSQL: %v", err)
	}
}

func TestNameOfAFolderIsGivenOnce(t *testing.T) {
	dir := t.TempDir()
	names := make(chan string)
	for range 8 {
		go func() {
			name, err := nameOf(dir)
			if err != nil {
				t.Error(err)
			}
			names <- name
		}()
	}
	first := <-names
	for range 7 {
		if name := <-names; name != first || name == "" {
			t.Errorf("the folder is %q and %q", first, name)
		}
	}
	if files, err := os.ReadDir(dir); len(files) != 1 || err != nil {
		t.Errorf("%v is left, %v", files, err)
	}
}

// TestTwoNodesOnPostgres share database and folder: a resource of one is there for
// the other, by its name once. Another folder is refused.
func TestTwoNodesOnPostgres(t *testing.T) {
	opt := options(t.TempDir())
	opt.Database = storetest.Postgres(t)
	a, b := open(t, opt), open(t, opt)
	atA, atB := visit(t, a), visit(t, b)
	name := "one"
	must[*personalize.CreateDatasetGroupOutput](t)(atA.admin.CreateDatasetGroup(t.Context(), &personalize.CreateDatasetGroupInput{Name: &name}))
	if _, err := atB.admin.CreateDatasetGroup(t.Context(), &personalize.CreateDatasetGroupInput{Name: &name}); err == nil || !strings.Contains(err.Error(), "ResourceAlreadyExists") {
		t.Errorf("the name was given twice: %v", err)
	}
	for _, c := range []struct {
		url, do string
		status  int
	}{{a.URL(), "CreateRole", 200}, {b.URL(), "CreateRole", 409}, {b.URL(), "DeleteRole", 200}, {a.URL(), "GetRole", 404}} {
		r := must[*http.Response](t)(http.PostForm(c.url, url.Values{"Action": {c.do}, "RoleName": {"r"}, "AssumeRolePolicyDocument": {"{}"}}))
		if r.Body.Close(); r.StatusCode != c.status {
			t.Errorf("%s at %s: %s", c.do, c.url, r.Status)
		}
	}
	elsewhere := options(t.TempDir())
	elsewhere.Database = opt.Database
	if _, err := Open(t.Context(), elsewhere); err == nil || !strings.Contains(err.Error(), "share one -data folder") {
		t.Errorf("another folder: %v", err)
	}
}
