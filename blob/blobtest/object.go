package blobtest

import (
	"context"
	"errors"
	"io"
	"testing"

	"usher/blob"
)

// Put makes an object of these bytes.
func Put(t testing.TB, s blob.Store, name string, data []byte) {
	t.Helper()
	Save(t, s, name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Save makes an object of what write writes: a model's Save, for example.
func Save(t testing.TB, s blob.Store, name string, write func(w io.Writer) error) {
	t.Helper()
	w, err := s.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Abort() }()
	if err := write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// Get gives the bytes of an object.
func Get(t testing.TB, s blob.Store, name string) []byte {
	t.Helper()
	data, err := get(s, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func get(s blob.Store, name string) ([]byte, error) {
	r, err := s.Open(context.Background(), name)
	if err != nil {
		return nil, err
	}
	data := make([]byte, r.Size())
	_, err = io.ReadFull(io.NewSectionReader(r, 0, r.Size()), data)
	return data, errors.Join(err, r.Close())
}

// Names gives the names of the objects below a prefix, in the store's order.
func Names(t testing.TB, s blob.Store, prefix string) []string {
	t.Helper()
	var out []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, info.Name)
	}
	return out
}
