package recipetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// KeepsModel checks the source in the working directory: slices of a mapped file do
// not keep it, so every exported method of *Model but the quiet ones, which look at no
// such slice, defers runtime.KeepAlive of its receiver.
func KeepsModel(t *testing.T, quiet ...string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	methods := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || slices.Contains(quiet, f.Name.Name) || receiver(f) == "" {
				continue
			}
			methods++
			if !slices.ContainsFunc(f.Body.List, func(s ast.Stmt) bool { return keeps(s, receiver(f)) }) {
				t.Errorf("%s: %s does not defer runtime.KeepAlive(%s)", name, f.Name.Name, receiver(f))
			}
		}
	}
	if methods == 0 {
		t.Error("there is no method to look at")
	}
}

// receiver gives the receiver's name of a method of *Model, else "".
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	r := f.Recv.List[0]
	star, ok := r.Type.(*ast.StarExpr)
	if !ok || len(r.Names) == 0 {
		return ""
	}
	if of, ok := star.X.(*ast.Ident); !ok || of.Name != "Model" {
		return ""
	}
	return r.Names[0].Name
}

// keeps says whether a statement is defer runtime.KeepAlive(name).
func keeps(s ast.Stmt, name string) bool {
	d, ok := s.(*ast.DeferStmt)
	if !ok || len(d.Call.Args) != 1 {
		return false
	}
	f, ok := d.Call.Fun.(*ast.SelectorExpr)
	arg, named := d.Call.Args[0].(*ast.Ident)
	return ok && named && f.Sel.Name == "KeepAlive" && arg.Name == name
}
