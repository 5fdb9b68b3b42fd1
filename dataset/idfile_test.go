package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"testing"
)

func idFile(t testing.TB, p *Part) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteIDs(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestIDFile(t *testing.T) {
	for _, p := range []*Part{
		{Type: Interactions, UserIDs: []string{"u", "", "é"}, ItemIDs: []string{"i"}, EventTypes: []string{"view"}},
		{Type: Items, IDs: []string{"a", "b"}},
		{Type: Users},
	} {
		b := idFile(t, p)
		got, err := ReadIDs(bytes.NewReader(b), int64(len(b)))
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("got %+v, %v", got, err)
		}
		for i := range b {
			bad := bytes.Clone(b)
			bad[i] ^= 1
			if _, err := ReadIDs(bytes.NewReader(bad), int64(len(bad))); err == nil {
				t.Errorf("byte %d was changed and nobody saw it", i)
			}
			if _, err := ReadIDs(bytes.NewReader(b[:i]), int64(i)); err == nil {
				t.Errorf("the file was cut at %d and nobody saw it", i)
			}
		}
	}
	b := idFile(t, &Part{Type: Users, IDs: []string{"u", "v", "u"}})
	if got, err := ReadIDs(bytes.NewReader(b), int64(len(b))); err != nil || !reflect.DeepEqual(got.IDs, []string{"u", "v"}) {
		t.Errorf("repeated ids: %+v, %v", got, err)
	}
	// What version 1 wrote has to stay readable.
	old := []byte("ushrids\n\x01\x05USERS\x00\x00\x00\x01\x02u1\xe5\xd4\xfe\xcf")
	if got, err := ReadIDs(bytes.NewReader(old), int64(len(old))); err != nil || !reflect.DeepEqual(got, &Part{Type: Users, IDs: []string{"u1"}}) {
		t.Errorf("a file of version 1: %+v, %v; now it is %q", got, err, idFile(t, &Part{Type: Users, IDs: []string{"u1"}}))
	}
}

// FuzzReadIDs gets behind the checksum.
func FuzzReadIDs(f *testing.F) {
	f.Add(idFile(f, &Part{Type: Interactions, UserIDs: []string{"u"}, ItemIDs: []string{"i"}, EventTypes: []string{""}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		body := b[: len(b)-4 : len(b)-4]
		b = binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
		p, err := ReadIDs(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		again := idFile(t, p)
		q, err := ReadIDs(bytes.NewReader(again), int64(len(again)))
		if err != nil || !reflect.DeepEqual(q.UserIDs, p.UserIDs) || !reflect.DeepEqual(q.EventTypes, p.EventTypes) {
			t.Fatalf("read back differently: %v", err)
		}
	})
}
