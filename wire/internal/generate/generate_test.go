package generate

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the generated packages")

const root = "../.."

// TestUpToDate compares the committed packages with what the models give.
func TestUpToDate(t *testing.T) {
	for _, service := range []string{"personalize", "personalizeevents", "personalizeruntime"} {
		text, err := os.ReadFile(filepath.Join(root, "model", service+".json"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		files, err := Package(m)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range files {
			path := filepath.Join(root, service, name)
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s/%s is not what the model gives; run go generate ./wire", service, name)
			}
		}
	}
}

// TestParseRefuses: what the generator does not know is an error.
func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":         `{`,
		"unknown field":    `{"service": "x", "streaming": true}`,
		"unknown protocol": `{"service": "x", "protocol": "rpcv2Cbor"}`,
		"GET":              `{"service": "x", "protocol": "restJson1", "operations": [{"name": "A", "method": "GET", "path": "/", "input": "I"}], "shapes": [{"name": "I", "type": "structure"}]}`,
		"unknown type":     `{"service": "x", "protocol": "restJson1", "operations": [{"name": "A", "method": "POST", "path": "/", "input": "I"}], "shapes": [{"name": "I", "type": "blob"}]}`,
		"missing shape":    `{"service": "x", "protocol": "restJson1", "operations": [{"name": "A", "method": "POST", "path": "/", "input": "I"}], "shapes": [{"name": "I", "type": "list", "member": "J"}]}`,
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
