package client

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/dataset"
	"usher/node"
	"usher/wire"
	"usher/wire/personalize"
)

// server gives a server with a dataset shop/INTERACTIONS and what to call it with.
func server(t *testing.T, keys string) Options {
	t.Helper()
	n, err := node.Open(t.Context(), node.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Fast: true, Keys: keys, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	opt := Options{Endpoint: n.URL(), Now: time.Now, Pause: time.Millisecond}
	if keys != "" {
		opt.AccessKey, opt.Secret = "AKIDEXAMPLE0000", "a-secret-of-some-length-0123456789abcdef"
	}
	admin := personalize.NewClient(wire.ClientOptions{Endpoint: opt.Endpoint, AccessKey: opt.AccessKey, Secret: opt.Secret, Now: time.Now})
	name, kind := "shop", "Interactions"
	text := `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}]}`
	g, err := admin.CreateDatasetGroup(t.Context(), &personalize.CreateDatasetGroupInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	s, err := admin.CreateSchema(t.Context(), &personalize.CreateSchemaInput{Name: &name, Schema: &text})
	if err != nil {
		t.Fatal(err)
	}
	_, err = admin.CreateDataset(t.Context(), &personalize.CreateDatasetInput{Name: &name, DatasetType: &kind, DatasetGroupArn: g.DatasetGroupArn, SchemaArn: s.SchemaArn})
	if err != nil {
		t.Fatal(err)
	}
	return opt
}

func file(name, text string) dataset.File {
	return dataset.File{Name: name, R: strings.NewReader(text), Size: int64(len(text))}
}

const head = "USER_ID,ITEM_ID,TIMESTAMP\n"

func TestImport(t *testing.T) {
	opt := server(t, "")
	good, bad := file("some/good.csv", head+"u,i,1\n"), file("bad.csv", head+"u,i,soon\nv,i,2\n")
	for _, c := range []struct {
		name     string
		job      Import
		out, err string
	}{
		{"two", Import{Dataset: "shop/interactions", Files: []dataset.File{good, good}}, "2 rows are good, 0 are bad\nimported into shop/interactions", ""},
		{"lax", Import{Dataset: "shop/INTERACTIONS", Files: []dataset.File{bad}, MaxBadRows: 1},
			"s3://imports/lax/00000-bad.csv, line 2, column TIMESTAMP, value \"soon\": a whole number (long) was expected\n1 rows are good, 1 are bad\n", ""},
		{"strict", Import{Dataset: "shop/INTERACTIONS", Files: []dataset.File{bad}}, "line 2, column TIMESTAMP", "1 bad value"},
		{"dry", Import{Dataset: "shop/INTERACTIONS", Files: []dataset.File{good}, DryRun: true}, "nothing was imported. The files can be imported", ""},
		{"dry-bad", Import{Dataset: "shop/INTERACTIONS", Files: []dataset.File{bad}, DryRun: true}, "1 are bad", "This was a dry run"},
		{"nowhere", Import{Dataset: "shop/ITEMS", Files: []dataset.File{good}}, "", `no dataset "shop/ITEMS"`},
		{"no-words", Import{Dataset: "shop", Files: []dataset.File{good}}, "", "neither an ARN nor"},
		{"two", Import{Dataset: "shop/INTERACTIONS", Files: []dataset.File{good}}, "", "already exists"},
	} {
		var out bytes.Buffer
		opt.Out = &out
		c.job.Name, c.job.Bucket, c.job.Mode = c.name, "imports", "FULL"
		err := c.job.Run(t.Context(), opt)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || !strings.Contains(out.String(), c.out) {
			t.Errorf("%s: %v\n%s", c.name, err, out.String())
		}
	}
}

// TestImportWithKeys signs all that it sends.
func TestImportWithKeys(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("AKIDEXAMPLE0000 a-secret-of-some-length-0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opt := server(t, keys)
	var out bytes.Buffer
	opt.Out = &out
	i := Import{Dataset: "shop/INTERACTIONS", Files: []dataset.File{file("x.csv", head+"u,i,1\n")}, Name: "x", Bucket: "imports", Mode: "FULL"}
	if err := i.Run(t.Context(), opt); err != nil || !strings.Contains(out.String(), "1 rows are good") {
		t.Errorf("%v\n%s", err, out.String())
	}
	opt.Secret = "wrong"
	if err := i.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") && !strings.Contains(err.Error(), "signature") {
		t.Errorf("a wrong secret: %v", err)
	}
}
