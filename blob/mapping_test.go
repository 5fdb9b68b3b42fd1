package blob

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// mapped opens and maps a blob of the store, and closes the reader.
func mapped(t *testing.T, d *Dir, name string) *Mapping {
	t.Helper()
	r, err := d.Open(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m, err := r.(Mapper).Map()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A mapping is the blob, also when the reader is closed and the blob is replaced
// or deleted; and it ends when nobody has it any more.
func TestMappingOutlivesTheBlob(t *testing.T) {
	ctx := context.Background()
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("a blob never changes\n"), 10_000)
	create := func(data []byte) {
		w, err := d.Create(ctx, "models/a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err = w.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	create(want)
	first := mapped(t, d, "models/a")
	create([]byte(strings.Repeat("another", 40_000)))
	second := mapped(t, d, "models/a")
	if err := d.Delete(ctx, "models/a"); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), want) || !bytes.HasPrefix(second.Bytes(), []byte("another")) {
		t.Error("the mappings are not what the blob was")
	}
	ended := make(chan struct{})
	runtime.AddCleanup(first, func(c chan struct{}) { close(c) }, ended)
	runtime.KeepAlive(first)
	for range 100 {
		runtime.GC()
		select {
		case <-ended:
			runtime.KeepAlive(second)
			return
		default:
			runtime.Gosched()
		}
	}
	t.Error("a mapping that nobody has is still there after a hundred collections")
}

// Empty blobs are read.
func TestEmptyBlobsAreNotMapped(t *testing.T) {
	ctx := context.Background()
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.Create(ctx, "empty")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	r, err := d.Open(ctx, "empty")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.(Mapper).Map(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("mapped: %v", err)
	}
}
