package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sources gives every hand-written Go file that is no test, with its room.
func sources(t *testing.T, visit func(room, name string, fset *token.FileSet, f *ast.File)) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || ast.IsGenerated(f) {
			return err
		}
		room, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		visit(room, rel, fset, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// calls says which rooms may call what makes a run differ from another. Where a
// clock, randomness or the environment is needed, node and cmd hand it in.
var calls = map[string][]string{
	"time.Now":        {"node", "cmd"},
	"time.Since":      {"node", "cmd"},
	"time.Sleep":      {},
	"os.Getenv":       {"cmd"},
	"os.LookupEnv":    {"cmd"},
	"os.Exit":         {"cmd", "bench"}, // of programs
	"rand.Int":        {},
	"rand.IntN":       {},
	"rand.Float64":    {},
	"rand.Shuffle":    {},
	"log.Fatal":       {},
	"log.Printf":      {},
	"fmt.Print":       {},
	"fmt.Println":     {},
	"fmt.Printf":      {},
	"slog.SetDefault": {"cmd"},
}

func TestForbiddenCalls(t *testing.T) {
	sources(t, func(room, name string, fset *token.FileSet, f *ast.File) {
		if room == "internal" {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			what := pkg.Name + "." + sel.Sel.Name
			if who, ok := calls[what]; ok && !slices.Contains(who, room) {
				t.Errorf("%s calls %s; only %v may", fset.Position(n.Pos()), what, who)
			}
			return true
		})
	})
}

// plainMethods need no comment: the interface that they implement has it.
var plainMethods = []string{"Error", "String", "Unwrap", "Len", "Less", "Swap", "Read", "Write", "Close", "ReadAt", "ServeHTTP", "Run", "Abandon", "Kind"}

func TestExportedNamesAreDocumented(t *testing.T) {
	packages := map[string]bool{} // folder → has a package comment
	sources(t, func(room, name string, fset *token.FileSet, f *ast.File) {
		dir := filepath.Dir(name)
		packages[dir] = packages[dir] || f.Doc != nil
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && !(d.Recv != nil && (slices.Contains(plainMethods, d.Name.Name) || !exportedReceiver(d.Recv))) {
					t.Errorf("%s: %s has no comment", fset.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if id := undocumented(d, s); id != nil {
						t.Errorf("%s: %s has no comment", fset.Position(id.Pos()), id.Name)
					}
				}
			}
		}
	})
	for dir, ok := range packages {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// exportedReceiver says whether a method belongs to a type that others see.
func exportedReceiver(recv *ast.FieldList) bool {
	x := recv.List[0].Type
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.Ident:
			return y.IsExported()
		default:
			return false
		}
	}
}

// undocumented gives the first exported name of a declaration that has no
// comment: of its own, behind it, or over its group.
func undocumented(d *ast.GenDecl, s ast.Spec) *ast.Ident {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
			return s.Name
		}
	case *ast.ValueSpec:
		for _, id := range s.Names {
			if id.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				return id
			}
		}
	}
	return nil
}
