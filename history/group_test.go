package history

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"usher/blob/blobtest"
	"usher/dataset"
	"usher/eventlog"
)

// items gives the ids of a user's items, oldest first.
func items(t *testing.T, g *Group, user string) string {
	t.Helper()
	u := g.User(user)
	if u == dataset.NoIndex {
		return "unknown"
	}
	ids := g.ItemIDs()
	var out []string
	for _, e := range g.Events(u) {
		out = append(out, ids[e.Item])
	}
	return strings.Join(out, " ")
}

func put(user, session, item string, at int64) *operation {
	return eventOp(dataset.Interaction{User: user, Session: session, Item: item, Type: "click", Time: at})
}

func TestSessionsAreJoined(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, put("", "s", "a", 10), put("", "s", "c", 30))
	if got := items(t, g, "s"); got != "a c" {
		t.Errorf("a visitor has %q", got)
	}
	if got := items(t, g, "ann"); got != "unknown" {
		t.Errorf("ann has %q", got)
	}
	r.put(t, g, put("ann", "s", "b", 20)) // joined at once
	r.put(t, g, put("", "s", "d", 40))    // and later events with her
	for _, id := range []string{"ann", "s"} {
		if got := items(t, g, id); got != "a b c d" {
			t.Errorf("%s has %q", id, got)
		}
	}
	r.put(t, g, put("bob", "s", "x", 50), put("", "s", "y", 60)) // the next one on that machine
	if a, b, s := items(t, g, "ann"), items(t, g, "bob"), items(t, g, "s"); a != "a b c d" || b != "x y" || s != "x y" {
		t.Errorf("ann %q, bob %q, session %q", a, b, s)
	}
}

// A session that is called like a user is not taken from him, however he came
// to be known.
func TestUsersAreNoVisitors(t *testing.T) {
	for name, known := range map[string]func(r *rig) *operation{
		"by an event": func(*rig) *operation { return put("carl", "", "a", 1) },
		"by PutUsers": func(*rig) *operation { return &operation{change: dataset.Change{User: &dataset.Entity{ID: "carl"}}} },
		"by an import": func(r *rig) *operation {
			return r.importOp(t, dataset.Interactions, interactionsText, true, []string{"carl", "a", "1", "t", "", ""})
		},
	} {
		r := newRig(t)
		g := r.open(t)
		r.put(t, g, schemaOp(dataset.Interactions, interactionsText), put("", "carl", "b", 2))
		r.put(t, g, known(r), put("dora", "carl", "c", 3))
		if got := items(t, g, "carl"); !strings.HasSuffix(got, "b") {
			t.Errorf("%s: carl has %q", name, got)
		}
		if got := items(t, g, "dora"); got != "c" {
			t.Errorf("%s: dora has %q", name, got)
		}
	}
}

func TestFullImportReplacesBulkAndKeepsLive(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	row := func(user, item, at string) []string { return []string{user, item, at, "t", "", ""} }
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), put("u", "", "live", 15))
	first := r.importOp(t, dataset.Interactions, interactionsText, true, row("u", "a", "10"), row("u", "b", "20"), row("v", "a", "10"), row("u", "a", "10"))
	r.put(t, g, first)
	if u, v := items(t, g, "u"), items(t, g, "v"); u != "a live b" || v != "a" {
		t.Errorf("u %q, v %q: a repeated row counts once", u, v)
	}
	held := g.Events(g.User("u"))
	copied := slices.Clone(held)
	r.put(t, g, r.importOp(t, dataset.Interactions, interactionsText, true, row("u", "c", "12")))
	if u, v := items(t, g, "u"), items(t, g, "v"); u != "c live" || v != "" {
		t.Errorf("u %q, v %q", u, v)
	}
	r.put(t, g, r.importOp(t, dataset.Interactions, interactionsText, false, row("u", "d", "5"), row("u", "c", "12")))
	if u := items(t, g, "u"); u != "d c live" {
		t.Errorf("u %q", u)
	}
	if !slices.EqualFunc(held, copied, equal) {
		t.Error("a list that somebody holds has changed")
	}
	if v := g.User("v"); v != 1 {
		t.Errorf("v has number %d now; numbers stay", v)
	}
}

func TestClearedDatasets(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), schemaOp(dataset.Items, itemsText), put("u", "s", "a", 1),
		r.importOp(t, dataset.Items, itemsText, true, []string{"a", "x", "1"}))
	r.put(t, g, clearOp(dataset.Interactions), clearOp(dataset.Items))
	if got := items(t, g, "u"); got != "" {
		t.Errorf("u has %q", got)
	}
	if g.User("s") != dataset.NoIndex || g.Schema(dataset.Interactions) != nil || g.Schema(dataset.Items) != nil {
		t.Error("a session or a schema is left")
	}
	if s := frozen(t, g); s.ItemTable != nil || len(s.Events) > 0 || !slices.Equal(s.UserIDs, []string{"u"}) {
		t.Errorf("snapshot %+v", s)
	}
	again := put("u", "", "a", 1)
	r.put(t, g, again)
	if got := items(t, g, "u"); got != "a" {
		t.Errorf("u has %q", got)
	}
}

func TestEventIDsCountOnce(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	with := func(id string, at int64) *operation {
		return eventOp(dataset.Interaction{EventID: id, User: "u", Item: "a", Type: "t", Time: at})
	}
	r.put(t, g, with("1", 1), with("1", 2), with("2", 3), with("", 4), with("", 5))
	if n := len(g.Events(g.User("u"))); n != 4 {
		t.Errorf("%d events", n)
	}
	if n := len(r.open(t).Events(0)); n != 4 {
		t.Errorf("%d events after a restart", n)
	}
}

// Rows keep their meaning when a schema's columns move.
func TestNewSchemaMovesCells(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Items, itemsText), r.importOp(t, dataset.Items, itemsText, true, []string{"a", "drama", "2"}))
	before := frozen(t, g)
	r.put(t, g, schemaOp(dataset.Items, movedItemsText))
	row := frozen(t, g).ItemTable.Row(0)
	want := dataset.Row{{Kind: dataset.String, Str: "a"}, {}, {Kind: dataset.Float, Num: 2}, {Kind: dataset.String, Str: "drama"}}
	if !reflect.DeepEqual(row, want) {
		t.Errorf("%+v", row)
	}
	r.put(t, g, &operation{change: dataset.Change{Item: &dataset.Entity{ID: "b", Row: dataset.Row{{Kind: dataset.String, Str: "b"}}}}})
	if row := frozen(t, g).ItemTable.Row(1); len(row) != 4 || row[0].Str != "b" {
		t.Errorf("a row of fewer cells is %+v", row)
	}
	if old := before.ItemTable; len(old.Schema.Fields) != 3 || old.Row(0)[1].Str != "drama" {
		t.Errorf("an older snapshot has changed: %+v", old)
	}
}

// While a part is read and merged, the numbers of its ids are nobody's business.
func TestNumbersComeWithTheirOffset(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), put("u", "", "a", 1))
	o := r.importOp(t, dataset.Interactions, interactionsText, true, []string{"v", "b", "1", "t", "", ""})
	change, err := g.part(t.Context(), o.change.Part, 3)
	if err != nil {
		t.Fatal(err)
	}
	if s := frozen(t, g); len(s.UserIDs) != 1 || len(s.ItemIDs) != 1 || g.User("v") != dataset.NoIndex {
		t.Errorf("before the part: %q %q", s.UserIDs, s.ItemIDs)
	}
	change()
	if g.User("v") != 1 || items(t, g, "v") != "b" {
		t.Errorf("after it: v is %d with %q", g.User("v"), items(t, g, "v"))
	}
}

func TestManyEventTypesShareTheLastNumber(t *testing.T) {
	d := dataset.NewDict()
	n := &numbering{types: newOverlay(d)}
	for i := range maxTypes + 10 {
		if got, want := n.eventType(fmt.Sprint(i)), min(i, maxTypes-1); int(got) != want {
			t.Fatalf("type %d has number %d", i, got)
		}
	}
	n.types.commit()
	if d.Len() != maxTypes || n.eventType("5") != 5 || n.eventType("new") != maxTypes-1 {
		t.Errorf("%d types", d.Len())
	}
}

// Readers get lists that are whole and never change, whatever is applied.
func TestReadersWhileFollowing(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	r.put(t, g, schemaOp(dataset.Interactions, interactionsText), put("u", "", "a", 1000))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				held := g.Events(0)
				sum := total(held)
				if !slices.IsSortedFunc(held, func(a, b dataset.Event) int { return int(a.Time - b.Time) }) {
					t.Error("a list is out of order")
				}
				if s, err := g.Snapshot(ctx); err == nil && s.Start[len(s.UserIDs)] != int64(len(s.Events)) {
					t.Error("a snapshot is not whole")
				}
				if total(held) != sum {
					t.Error("a list has changed in its reader's hands")
				}
			}
		})
	}
	for i := range 100 {
		ops := []*operation{put("u", "", fmt.Sprint("i", i%7), int64(1000+(i*37)%100)), put("", "s", "z", int64(i))}
		switch {
		case i%50 == 10:
			ops = append(ops, put("u", "s", "y", int64(i)))
		case i%50 == 20:
			ops = append(ops, r.importOp(t, dataset.Interactions, interactionsText, true, []string{"u", "b", "1010", "t", "", ""}, []string{"w", "b", "5", "t", "", ""}))
		}
		r.put(t, g, ops...)
	}
	stop()
	wg.Wait()
}

func total(l []dataset.Event) (sum int64) {
	for _, e := range l {
		sum = sum*31 + e.Time + int64(e.Item)
	}
	return sum
}

func TestWait(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	waiting := make(chan error)
	go func() { waiting <- g.Wait(ctx, 2) }()
	r.put(t, g, put("u", "", "a", 1))
	cancel(enough)
	if err := <-waiting; !errors.Is(err, enough) {
		t.Errorf("waited for an offset that is not there: %v", err)
	}
	go func() { waiting <- g.Wait(t.Context(), 2) }()
	r.put(t, g, put("u", "", "a", 2))
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}

// Who catches up sees all that is in the log, however far the group is behind.
func TestCatchUp(t *testing.T) {
	r := newRig(t)
	g := r.open(t)
	for n := range 200 {
		r.append(t, put("u", "", "a", int64(n+1)))
		if err := g.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(g.Events(g.User("u"))); got != n+1 {
			t.Fatalf("%d events are known, want %d", got, n+1)
		}
	}
}

// A log that cannot be applied fails those who wait and those who ask, says
// where, and works again once the cause is gone.
func TestLogThatCannotBeApplied(t *testing.T) {
	r := newRig(t)
	h := New(Options{Logs: r.logs.Log, Blobs: r.blobs})
	defer h.Close()
	g, err := h.Group(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	o := r.importOp(t, dataset.Interactions, interactionsText, true, []string{"u", "a", "1", "t", "", ""})
	name := o.change.Part.Blob
	whole := blobtest.Get(t, r.blobs, name)
	if err := r.blobs.Delete(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	last := r.append(t, schemaOp(dataset.Interactions, interactionsText), o)
	if err := g.Wait(t.Context(), last); err == nil || !strings.Contains(err.Error(), "apply log record 2: ") || !strings.Contains(err.Error(), name) {
		t.Errorf("waited: %v", err)
	}
	if _, err := g.Snapshot(t.Context()); err == nil {
		t.Error("a group that failed gives a snapshot")
	}
	for range 2 {
		if _, err := h.Group(t.Context(), "g"); err == nil {
			t.Error("a log without its part was loaded")
		}
	}
	blobtest.Put(t, r.blobs, name, whole)
	g, err = h.Group(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	if got := items(t, g, "u"); got != "a" {
		t.Errorf("u has %q", got)
	}
}

func TestDamagedRecord(t *testing.T) {
	r := newRig(t)
	if _, err := r.logs.Log("g").Append(t.Context(), eventlog.Record{Data: []byte("rubbish")}); err != nil {
		t.Fatal(err)
	}
	h := New(Options{Logs: r.logs.Log, Blobs: r.blobs})
	defer h.Close()
	if _, err := h.Group(t.Context(), "g"); err == nil || !strings.Contains(err.Error(), "apply log record 1: read change: ") {
		t.Errorf("loaded: %v", err)
	}
}

func TestDropAndClose(t *testing.T) {
	r := newRig(t)
	h := New(Options{Logs: r.logs.Log, Blobs: r.blobs})
	r.append(t, put("u", "", "a", 1))
	first, err := h.Group(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	h.Drop("g")
	h.Drop("nobody")
	second, err := h.Group(t.Context(), "g")
	if err != nil || second == first {
		t.Errorf("a dropped group is given again (%v)", err)
	}
	if same, err := h.Group(t.Context(), "g"); err != nil || same != second {
		t.Errorf("a group is loaded twice (%v)", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Wait(t.Context(), 99); err == nil {
		t.Error("a dropped group lets others wait for ever")
	}
	if _, err := h.Group(t.Context(), "g"); err == nil {
		t.Error("a closed History gives groups")
	}
}
