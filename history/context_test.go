package history

import (
	"fmt"
	"reflect"
	"testing"

	"usher/dataset"
)

const contextText = `{"type":"record","name":"Interactions","fields":[
	{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
	{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},
	{"name":"DEVICE","type":["null","string"],"categorical":true},{"name":"IMPRESSION","type":["null","string"]},
	{"name":"PRICE","type":["null","float"]}]}`

// TestContexts: a snapshot knows the moments of imported and of live events, whoever
// their session belongs to by now, and nothing of data that was replaced.
func TestContexts(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	row := func(user, item, at, device, price string) []string {
		return []string{user, item, at, "click", "", device, "i1|i2", price}
	}
	r.put(t, g, schemaOp(dataset.Interactions, contextText))
	r.put(t, g, r.importOp(t, dataset.Interactions, contextText, true, row("ann", "i1", "100", "old", "9")))
	r.put(t, g, r.importOp(t, dataset.Interactions, contextText, true,
		row("ann", "i1", "100", "phone", ""), row("ann", "i2", "90", "", "12.344"), row("ann", "i3", "100", "desk", "12.341"), row("bob", "i1", "100", "", "")))
	properties := make(dataset.Row, 8)
	properties[5] = dataset.Value{Kind: dataset.String, Str: "watch"}
	r.put(t, g,
		eventOp(dataset.Interaction{EventID: "1", Session: "s", Item: "i2", Type: "view", Time: 200, Properties: properties}),
		eventOp(dataset.Interaction{EventID: "2", Session: "s", User: "bob", Item: "i3", Type: "view", Time: 201}))

	snap := frozen(t, g)
	got := map[string]map[string]string{}
	for u, id := range snap.UserIDs {
		for i, e := range snap.History(dataset.Index(u)) {
			got[fmt.Sprint(id, " ", snap.ItemIDs[e.Item], " ", e.Time)] = snap.Context(dataset.Index(u), i)
		}
	}
	want := map[string]map[string]string{
		"ann i1 100": {"DEVICE": "phone"}, "ann i2 90": {"PRICE": "12.3"}, "ann i3 100": {"DEVICE": "desk", "PRICE": "12.3"},
		"bob i1 100": {}, "bob i2 200": {"DEVICE": "watch"}, "bob i3 201": {},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := snap.ContextTable.Len() - 1; n != 4 {
		t.Errorf("%d moments, want 4: phone, a price, desk with it, watch", n)
	}
}
