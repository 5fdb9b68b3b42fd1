package batch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"usher/dataset"
	"usher/ingest"
)

// TestActionsComeBack imports and puts actions and what users did with them, exports
// all and imports that elsewhere.
func TestActionsComeBack(t *testing.T) {
	w := newWorld(t, 3)
	for _, group := range []string{"a", "b"} {
		w.add(group, dataset.Actions, `{"type":"record","name":"Actions","fields":[
			{"name":"ACTION_ID","type":"string"},{"name":"VALUE","type":["null","long"]},{"name":"TYPE","type":["null","string"]}]}`)
		w.add(group, dataset.ActionInteractions, `{"type":"record","name":"ActionInteractions","fields":[
			{"name":"USER_ID","type":"string"},{"name":"ACTION_ID","type":"string"},{"name":"EVENT_TYPE","type":"string"},
			{"name":"TIMESTAMP","type":"long"},{"name":"IMPRESSION","type":["null","string"]},{"name":"CHANNEL","type":["null","string"],"categorical":true}]}`)
	}
	w.Put("in/actions.csv", "ACTION_ID,VALUE,TYPE\nold,1,mail\nkept,2,\n")
	w.Put("in/acted.csv", "USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP,IMPRESSION,CHANNEL\nu,kept,Viewed,5,kept|old,app\nv,kept,Taken,6,,\n")
	w.imported("a", dataset.Actions, "s3://in/actions.csv", "FULL")
	w.imported("a", dataset.ActionInteractions, "s3://in/acted.csv", "FULL")

	ctx := t.Context()
	if err := w.in.Put(ctx, "a/ACTIONS", dataset.Actions, []ingest.Entity{{ID: "old", Properties: `{"value":9}`}, {ID: "new"}}); err != nil {
		t.Fatal(err)
	}
	acted := func(user, session, id, kind string, at int64) ingest.ActionEvent {
		return ingest.ActionEvent{User: user, Session: session, Event: ingest.Event{ID: id, Item: "kept", Type: kind, SentAt: time.Unix(at, 0), Properties: `{"channel":"web"}`}}
	}
	for _, e := range []ingest.ActionEvent{acted("u", "s", "1", "TAKEN", 7), acted("u", "s", "1", "TAKEN", 8), acted("", "s", "2", "not_taken", 9)} {
		if err := w.in.PutActionInteractions(ctx, "acted-a", []ingest.ActionEvent{e}); err != nil {
			t.Fatal(err)
		}
	}

	want := map[dataset.Type][]string{
		dataset.Actions: {"kept,2,\n", "new,,\n", "old,9,\n"},
		dataset.ActionInteractions: {"u,kept,TAKEN,7,,web\n", "u,kept,Viewed,5,kept|old,app\n", "u,kept,not_taken,9,,web\n",
			"v,kept,Taken,6,,\n"},
	}
	for kind, rows := range want {
		if got := w.exported("a", kind, "ALL"); !slices.Equal(got, rows) {
			t.Errorf("%s: exported %q, want %q", kind, got, rows)
		}
		folder := fmt.Sprintf("s3://out/a/export%d/", w.jobs)
		w.imported("b", kind, folder, "FULL")
		if got := w.exported("b", kind, "ALL"); !slices.Equal(got, rows) {
			t.Errorf("%s: exported again %q, want %q", kind, got, rows)
		}
	}
}
