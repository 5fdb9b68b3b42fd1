package dataset

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
)

// sample is a snapshot with something of everything.
func sample(t testing.TB) *Snapshot {
	t.Helper()
	schema, err := ParseSchema(`{"type":"record","name":"Items","fields":[
		{"name":"ITEM_ID","type":"string"},{"name":"GENRE","type":["null","string"],"categorical":true},
		{"name":"PRICE","type":["float","null"]},{"name":"STOCK","type":"int"},{"name":"NEW","type":"boolean"}]}`, "")
	if err != nil {
		t.Fatal(err)
	}
	s := NewSnapshot([]string{"ann", "bob", ""}, []string{"x", "yé"}, []string{"", "click"}, [][]Event{
		{{Time: 5, Item: 1, Value: 2, Type: 1}, {Time: 3, Item: 0, Value: 1}, {Time: 5, Item: 0, Value: 9}},
		{},
	})
	s.Offset = 77
	s.ItemTable = NewTable(schema)
	s.ItemTable.Set(1, Row{{Kind: String, Str: "yé"}, {}, {Kind: Float, Num: .5}, {Kind: Int, Num: -3, Int: -3}, {Kind: Boolean, Num: 1}})
	return s
}

func snapshotBytes(t testing.TB, s *Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSnapshot(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSnapshotComesBack(t *testing.T) {
	s := sample(t)
	if want := []Event{{Time: 3, Item: 0, Value: 1}, {Time: 5, Item: 1, Value: 2, Type: 1}, {Time: 5, Item: 0, Value: 9}}; !reflect.DeepEqual(s.History(0), want) {
		t.Fatalf("history of ann is %v, want %v", s.History(0), want)
	}
	comesBack(t, s)
}

// comesBack writes a snapshot and reads it again. It gives the file.
func comesBack(t *testing.T, s *Snapshot) (b []byte) {
	t.Helper()
	b = snapshotBytes(t, s)
	got, err := ReadSnapshot(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, s) {
		t.Fatalf("read %+v, want %+v", got, s)
	}
	return b
}

// contextual is sample with contexts.
func contextual(t testing.TB) *Snapshot {
	t.Helper()
	s := sample(t)
	s.ContextTable = NewTable(&Schema{Type: Interactions, Fields: []Field{{Name: "DEVICE", Kind: String, Nullable: true, Categorical: true}}})
	s.ContextTable.Set(2, Row{{Kind: String, Str: "phone"}})
	s.Events[0].Context, s.Events[2].Context = 2, 1
	return s
}

func TestContextsComeBack(t *testing.T) {
	s := contextual(t)
	b := comesBack(t, s)
	s.Events[1].Context = 3
	if err := WriteSnapshot(&bytes.Buffer{}, s); err == nil || !strings.Contains(err.Error(), "context 3") {
		t.Errorf("error %v, want one about the context 3", err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x10
		if _, err := ReadSnapshot(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("byte %d was changed and nobody saw it", i)
		}
	}
}

// showing is sample with exposures.
func showing(t testing.TB) *Snapshot {
	t.Helper()
	s := sample(t)
	s.Shown = &Shown{Start: []int64{0, 2, 2, 3}, List: []Exposure{{3, 1}, {5, 0}, {-4, 1}}}
	return s
}

func TestExposuresComeBack(t *testing.T) {
	b := comesBack(t, showing(t))
	both := contextual(t)
	both.Shown = showing(t).Shown
	comesBack(t, both)
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x10
		if _, err := ReadSnapshot(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("byte %d was changed and nobody saw it", i)
		}
	}
	for want, wrong := range map[string]*Shown{
		"starts":  {Start: []int64{0, 1, 1}, List: []Exposure{{3, 1}}},
		"users'":  {Start: []int64{0, 2, 1, 1}, List: []Exposure{{3, 1}}},
		"item 2":  {Start: []int64{0, 1, 1, 1}, List: []Exposure{{3, 2}}},
		"ordered": {Start: []int64{0, 2, 2, 2}, List: []Exposure{{5, 1}, {3, 0}}},
	} {
		s := sample(t)
		s.Shown = wrong
		if err := WriteSnapshot(&bytes.Buffer{}, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestShownBefore(t *testing.T) {
	s := showing(t).Shown
	for moment, want := range map[int64]int{3: 0, 4: 1, 5: 1, 6: 2} {
		if got := s.Before(0, moment); len(got) != want {
			t.Errorf("before %d: %v, want %d", moment, got, want)
		}
	}
	var none *Shown
	if none.Of(1) != nil || none.Before(1, 9) != nil || s.Of(9) != nil || len(s.Of(1)) != 0 {
		t.Error("who was shown nothing has exposures")
	}
}

func TestSnapshotKeepsAbsentValues(t *testing.T) {
	s := NewSnapshot([]string{"u"}, []string{"i"}, []string{""}, [][]Event{{{Value: float32(math.NaN())}}})
	b := snapshotBytes(t, s)
	got, err := ReadSnapshot(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if v := got.Events[0].Value; v == v {
		t.Errorf("value %v, want NaN", v)
	}
}

func TestReadSnapshotFindsEveryDamage(t *testing.T) {
	b := snapshotBytes(t, sample(t))
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x10
		if _, err := ReadSnapshot(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("byte %d was changed and nobody saw it", i)
		}
		if _, err := ReadSnapshot(bytes.NewReader(b[:i]), int64(i)); err == nil {
			t.Errorf("the file was cut at %d and nobody saw it", i)
		}
	}
}

func TestWriteSnapshotRefusesWhatDoesNotFit(t *testing.T) {
	for _, tt := range []struct {
		break_ func(*Snapshot)
		want   string
	}{
		{func(s *Snapshot) { s.Start = s.Start[:2] }, "starts"},
		{func(s *Snapshot) { s.Events[0].Item = 2 }, "item 2"},
		{func(s *Snapshot) { s.Events[0].Type = 2 }, "type 2"},
		{func(s *Snapshot) { s.Events[0].Time = 6 }, "ordered"},
		{func(s *Snapshot) { s.Start[1] = 9 }, "overlap"},
		{func(s *Snapshot) { s.ItemTable.Row(1)[2].Num = math.NaN() }, "not a number"},
	} {
		s := sample(t)
		tt.break_(s)
		if err := WriteSnapshot(&bytes.Buffer{}, s); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want one with %q", err, tt.want)
		}
	}
}

func FuzzReadSnapshot(f *testing.F) {
	b := snapshotBytes(f, sample(f))
	f.Add(b)
	f.Add(b[:40])
	f.Add(snapshotBytes(f, contextual(f)))
	f.Add(snapshotBytes(f, showing(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadSnapshot(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		again := snapshotBytes(t, s)
		back, err := ReadSnapshot(bytes.NewReader(again), int64(len(again)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(snapshotBytes(t, back), again) {
			t.Error("a snapshot does not come back")
		}
	})
}
