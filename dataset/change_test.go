package dataset

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func changes() []*Change {
	v := 2.5
	row := Row{{Kind: String, Str: "a|b"}, {}, {Kind: Int, Num: 7, Int: 7}, {Kind: Long, Num: -1 << 53, Int: -1 << 53},
		{Kind: Float, Num: .1}, {Kind: Double, Num: 1e300}, {Kind: Boolean}, {Kind: Boolean, Num: 1}}
	return []*Change{
		{Interaction: &Interaction{EventID: "e", User: "u", Session: "s", Item: "i", Type: "t", Time: 1 << 40, Value: &v,
			Impression: []string{"i", "j"}, RecommendationID: "r", Source: "q", Properties: row}},
		{Interaction: &Interaction{Time: -1}},
		{Item: &Entity{ID: "i", Row: row}},
		{Item: &Entity{ID: "i", Row: Row{}}},
		{User: &Entity{ID: "ü"}},
		{Part: &PartCommitted{Type: Items, Blob: "parts/1", Replace: true, Rows: 3}},
		{Cleared: &Cleared{Type: Users}},
		{Action: &Entity{ID: "a", Row: row}},
		{ActionInteraction: &Interaction{EventID: "e", Session: "s", Item: "a", Type: "TAKEN", Time: 5, Properties: row}},
		{Forgotten: &Forgotten{Users: []string{"u", "", "v"}}},
		{Forgotten: &Forgotten{}},
		{Forgotten: &Forgotten{Items: []string{"i", "j"}}},
		{Visit: &Interaction{User: "u", Session: "s"}},
		{Visit: &Interaction{Session: "s"}},
		{Schema: &SchemaSet{Type: Users, Text: "{}", Domain: "ECOMMERCE"}},
	}
}

func TestChangeComesBack(t *testing.T) {
	for _, c := range changes() {
		b, err := c.Append([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		b, ok := bytes.CutPrefix(b, []byte("before"))
		if !ok {
			t.Fatal("Append overwrote what was there")
		}
		got, err := ParseChange(b)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("read %+v, %v, want %+v", got, err, c)
		}
		for i := range len(b) {
			if _, err := ParseChange(b[:i]); err == nil {
				t.Errorf("%+v cut at byte %d of %d was read", c, i, len(b))
			}
		}
		if _, err := ParseChange(append(b, 'x')); err == nil {
			t.Errorf("%+v with a byte behind it was read", c)
		}
	}
}

func TestAppendRefusesWrongChanges(t *testing.T) {
	for _, c := range []*Change{{}, {Item: &Entity{}, User: &Entity{}}, {Item: &Entity{Row: Row{{Kind: "date"}}}}} {
		if _, err := c.Append(nil); err == nil {
			t.Errorf("%+v was written", c)
		}
	}
}

func TestParseChangeOfAnotherVersion(t *testing.T) {
	if _, err := ParseChange([]byte{9, 1}); err == nil || !strings.Contains(err.Error(), "version 9") {
		t.Errorf("error %v, want one that names the version", err)
	}
}

func FuzzParseChange(f *testing.F) {
	for _, c := range changes() {
		b, err := c.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseChange(b)
		if err != nil {
			return
		}
		again, err := c.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseChange(again)
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%+v came back as %+v, %v", c, back, err)
		}
	})
}
