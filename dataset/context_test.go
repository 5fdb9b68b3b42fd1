package dataset

import (
	"reflect"
	"testing"
)

func TestContextsNumberMoments(t *testing.T) {
	s, err := ParseSchema(`{"type":"record","name":"Interactions","fields":[
		{"name":"USER_ID","type":"string"},{"name":"DEVICE","type":["null","string"],"categorical":true},
		{"name":"ITEM_ID","type":"string"},{"name":"NOTE","type":["null","string"]},{"name":"TIMESTAMP","type":"long"},
		{"name":"IMPRESSION","type":["null","string"]},{"name":"PRICE","type":["null","float"]},{"name":"HOUR","type":["int","null"]}]}`, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.ContextColumns(); !reflect.DeepEqual(got, []int{1, 6, 7}) {
		t.Fatalf("context columns %v, want DEVICE, PRICE and HOUR", got)
	}
	row := func(device string, price float64) Row {
		r := make(Row, 8)
		if device != "" {
			r[1] = Value{Kind: String, Str: device}
		}
		if price != 0 {
			r[6] = Value{Kind: Float, Num: price}
		}
		r[5] = Value{Kind: String, Str: "a|b"}
		return r
	}
	c := NewContexts(s)
	for i, tt := range []struct {
		row  Row
		want uint32
	}{
		{row("", 0), 0}, {row("phone", 0), 1}, {row("phone", 12.344), 2}, {row("phone", 12.301), 2}, {row("phone", 12.4), 3},
		{row("", 12.3), 4}, {row("phone", 0), 1},
	} {
		if got := c.Number(tt.row); got != tt.want {
			t.Errorf("row %d has the number %d, want %d", i, got, tt.want)
		}
	}
	snap := NewSnapshot([]string{"u"}, []string{"i"}, []string{""}, [][]Event{{{Context: 2}, {}}})
	snap.ContextTable = c.Table()
	if got, want := snap.Context(0, 0), (map[string]string{"DEVICE": "phone", "PRICE": "12.3"}); !reflect.DeepEqual(got, want) {
		t.Errorf("context %v, want %v", got, want)
	}
	if got := snap.Context(0, 1); len(got) != 0 {
		t.Errorf("context %v, want none", got)
	}
	if NewContexts(&Schema{Type: Interactions, Fields: s.Fields[:1]}) != nil {
		t.Error("a schema without columns for it has contexts")
	}
}
