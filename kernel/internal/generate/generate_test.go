package generate

import (
	"bytes"
	"flag"
	"go/format"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files")

// The files in package kernel are what this generator writes now.
func TestUpToDate(t *testing.T) {
	for name, want := range Files() {
		path := filepath.Join("..", "..", name)
		if filepath.Ext(name) == ".go" {
			formatted, err := format.Source(want)
			if err != nil {
				t.Fatalf("%s does not parse: %v", name, err)
			}
			want = formatted
		}
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is out of date: run go generate ./kernel", name)
		}
	}
}
