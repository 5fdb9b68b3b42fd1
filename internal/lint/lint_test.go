package lint

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers lists the rooms from the ground up. A room imports rooms of lower layers only.
var layers = [][]string{
	{"store", "kernel", "wire"},
	{"dataset", "catalog", "eventlog", "blob"},
	{"eval"},
	{"filter", "recipe"},
	{"history", "job"},
	{"serving", "train", "ingest", "retention", "attribution", "measure", "evaluate", "backup", "experiment"},
	{"batch"},
	{"api", "console"},
	{"node", "demo", "bench", "client"},
	{"cmd"},
}

// only says who may hold what is dangerous to spread.
var only = map[string][]string{
	"net/http":           {"wire", "console", "node", "blob", "demo", "bench", "client"},
	"unsafe":             {"kernel"},
	"usher/wire":         {"api", "console", "node", "demo", "bench", "client"},
	"usher/kernel":       {"recipe"},
	"database/sql":       {"store", "catalog", "eventlog", "job"},
	"modernc.org/sqlite": {"store"},
	"os":                 {"backup", "blob", "store", "node", "cmd", "bench"},
	"flag":               {"cmd"},
}

func TestLayers(t *testing.T) {
	rank := map[string]int{}
	for i, rooms := range layers {
		for _, r := range rooms {
			rank[r] = i
		}
	}
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		me, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if me == "internal" || !strings.Contains(rel, string(filepath.Separator)) {
			return nil
		}
		if _, ok := rank[me]; !ok {
			t.Errorf("%s: room %q is in no layer", rel, me)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			to, _ := strconv.Unquote(spec.Path.Value)
			room, _, _ := strings.Cut(strings.TrimPrefix(to, "usher/"), "/")
			if room == me {
				continue
			}
			for path, who := range only {
				if (to == path || strings.HasPrefix(to, path+"/")) && !slices.Contains(who, me) {
					t.Errorf("%s imports %s; only %v may", rel, to, who)
				}
			}
			if strings.HasPrefix(to, "usher/") && room != "internal" && rank[room] >= rank[me] {
				t.Errorf("%s imports %s, which is not below it", rel, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
