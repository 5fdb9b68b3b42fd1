package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"usher/blob/blobtest"
	"usher/catalog"
	"usher/catalog/catalogtest"
	"usher/dataset"
	"usher/internal/worldtest"
	"usher/job"
	"usher/store"
)

// start is when the tests' clock stands.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const (
	interactionsText = `{"type":"record","name":"Interactions","fields":[
		{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
		{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},
		{"name":"DEVICE","type":["null","string"],"categorical":true},{"name":"NUM_RATINGS","type":["null","int"]}],"version":"1.0"}`
	itemsText = `{"type":"record","name":"Items","fields":[
		{"name":"ITEM_ID","type":"string"},{"name":"GENRES","type":"string","categorical":true},{"name":"YEAR","type":["null","int"]}],"version":"1.0"}`
	usersText = `{"type":"record","name":"Users","fields":[
		{"name":"USER_ID","type":"string"},{"name":"AGE","type":["null","int"]}],"version":"1.0"}`
)

// world is a group with three datasets and a tracker, and all that ingest needs.
type world struct {
	*worldtest.Group
	in   *Ingest
	jobs int
}

func newWorld(t *testing.T) *world {
	w := &world{Group: worldtest.New(t, func() time.Time { return start }).NewGroup("group")}
	w.in = New(Options{DB: w.DB, Logs: w.Logs, History: w.History, Blobs: w.Blobs, Buckets: w.Buckets, MinRows: 3, Workers: 2, Log: slog.New(slog.DiscardHandler)})
	w.Closing(w.in.Close)
	w.Create(&catalog.EventTracker{Meta: catalog.Meta{ARN: "tracker", Group: "group", Parent: "group", Status: catalog.Active}, TrackingID: "track"})
	for kind, text := range map[dataset.Type]string{dataset.Interactions: interactionsText, dataset.Items: itemsText, dataset.Users: usersText} {
		w.AddDataset(&catalog.Dataset{Meta: catalog.Meta{ARN: "dataset/" + string(kind)}, Type: string(kind)}, text)
	}
	return w
}

// words is the group as it is now, in words: user: item@time type=value …
func (w *world) words() string {
	w.Helper()
	s := w.Snapshot()
	var b strings.Builder
	for u, id := range s.UserIDs {
		fmt.Fprintf(&b, "%s:", id)
		for _, e := range s.History(dataset.Index(u)) {
			fmt.Fprintf(&b, " %s@%d", s.ItemIDs[e.Item], e.Time)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// imported runs an import to its end.
func (w *world) imported(kind dataset.Type, location string) *catalog.ImportJob {
	w.Helper()
	return w.importedAs(kind, location, func(*catalog.ImportJob) {})
}

// importedAs is imported with switches set.
func (w *world) importedAs(kind dataset.Type, location string, set func(*catalog.ImportJob)) *catalog.ImportJob {
	w.Helper()
	return w.run(w.enqueued(kind, location, set).ARN)
}

// enqueued makes the record and the job of an import.
func (w *world) enqueued(kind dataset.Type, location string, set func(*catalog.ImportJob)) *catalog.ImportJob {
	w.Helper()
	w.jobs++
	j := &catalog.ImportJob{Meta: catalog.Meta{ARN: fmt.Sprint("import/", w.jobs), Group: "group", Parent: "dataset/" + string(kind), Status: catalog.Pending}, Location: location, Mode: "FULL"}
	set(j)
	w.Update(func(tx *store.Tx) error {
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		return Enqueue(tx, j.ARN)
	})
	return j
}

// run lets the queue work until the import is over.
func (w *world) run(arn string) *catalog.ImportJob {
	w.Helper()
	return w.Settle(map[job.Kind]job.Worker{ImportJob: w.in.Importer(), EraseJob: w.in.Eraser()}, arn).(*catalog.ImportJob)
}

func (w *world) parts() int {
	w.Helper()
	return len(blobtest.Names(w, w.Blobs, "parts/"))
}

const head = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE,NUM_RATINGS\n"

// csv is a file with head and these users, items, times and types.
func csv(rows string) string { return head + strings.ReplaceAll(rows, "\n", ",,,\n") }

func TestImport(t *testing.T) {
	w := newWorld(t)
	w.Put("b/all/2.csv", csv("u2,i1,7,view\nu2,i2,8,view\n"))
	w.Put("b/all/1.CSV", csv("u1,i1,5,view\nu1,i1,5,view\nu1,i2,4,view\n"))
	w.Put("b/all/readme.txt", "not data")
	w.Put("b/all/deeper/3.csv", "neither")
	w.Put("b/all/.4.csv", "nor that")
	w.Put("b/plain/_SUCCESS", "3 rows")
	w.Put("b/plain/.x.crc", "crc")
	w.Put("b/one", csv("u3,i3,1,view\nu3,i4,2,view\nu3,i5,3,view\n"))
	w.Put("b/plain/x", csv("u4,i3,1,view\nu4,i4,2,view\nu4,i5,3,view\n"))
	for _, c := range []struct{ location, want string }{
		{"s3://b/all/", "u1: i2@4 i1@5\nu2: i1@7 i2@8\n"}, // in order of names; exact repeats count once
		{"s3://b/one", "u1:\nu2:\nu3: i3@1 i4@2 i5@3\n"},  // replaces; numbers stay
		{"s3://b/all", "u1: i2@4 i1@5\nu2: i1@7 i2@8\nu3:\n"},
		{"s3://b/plain/", "u1:\nu2:\nu3:\nu4: i3@1 i4@2 i5@3\n"},
	} {
		if j := w.imported(dataset.Interactions, c.location); j.Status != catalog.Active || j.FailureReason != "" {
			t.Fatalf("%s: %s %q", c.location, j.Status, j.FailureReason)
		}
		if got := w.words(); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.location, got, c.want)
		}
	}
}

// TestImportModes goes from FULL to INCREMENTAL and back, with a record put between:
// it stays through a FULL import, and of one id the later record counts.
func TestImportModes(t *testing.T) {
	w := newWorld(t)
	const items = "ITEM_ID,GENRES,YEAR\n"
	w.Put("b/1.csv", items+"a,full,1\nb,full,1\nc,full,1\n")
	w.Put("b/2.csv", items+"b,more,\nd,more,2\n")
	w.Put("b/3.csv", items+"c,again,3\n")
	load := func(location, mode string) {
		t.Helper()
		j := w.importedAs(dataset.Items, location, func(j *catalog.ImportJob) { j.Mode = mode })
		if j.Status != catalog.Active {
			t.Fatalf("%s: %s", location, j.FailureReason)
		}
	}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { load("s3://b/1.csv", "FULL") }, "a=full,1 b=full,1 c=full,1"},
		{func() { load("s3://b/2.csv", "INCREMENTAL") }, "a=full,1 b=more, c=full,1 d=more,2"},
		{func() {
			if err := w.in.Put(t.Context(), "dataset/ITEMS", dataset.Items, []Entity{{"a", `{"genres": "put"}`}, {"e", `{"genres": "put"}`}}); err != nil {
				t.Fatal(err)
			}
		}, "a=put, b=more, c=full,1 d=more,2 e=put,"},
		{func() { load("s3://b/3.csv", "FULL") }, "a=put, b= c=again,3 d= e=put,"},
		{func() { load("s3://b/1.csv", "INCREMENTAL") }, "a=full,1 b=full,1 c=full,1 d= e=put,"},
	} {
		step.do()
		if got := w.items(); got != step.want {
			t.Errorf("got  %s\nwant %s", got, step.want)
		}
	}
}

// items gives the items' records: id=genres,year.
func (w *world) items() string {
	w.Helper()
	s := w.Snapshot()
	var list []string
	for i, id := range s.ItemIDs {
		text := id + "="
		if r := s.ItemTable.Row(dataset.Index(i)); r != nil {
			line := string(s.ItemTable.Schema.AppendCSV(nil, r))
			_, line, _ = strings.Cut(strings.TrimSpace(line), ",")
			text += line
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

// TestImportRemovesEarlierAttempts has the part of an attempt that was killed lie there.
func TestImportRemovesEarlierAttempts(t *testing.T) {
	w := newWorld(t)
	w.Put("b/x", csv("u1,i1,5,view\nu1,i3,6,view\nu1,i2,4,view\n"))
	j := w.enqueued(dataset.Interactions, "s3://b/x", func(*catalog.ImportJob) {})
	blobtest.Put(t, w.Blobs, fmt.Sprintf("parts/%s/%s-77.parquet", w.Record.ID, j.ID), nil)
	if j := w.run(j.ARN); j.Status != catalog.Active {
		t.Fatal(j.FailureReason)
	}
	if n := w.parts(); n != 1 {
		t.Errorf("%d parts are there, want the one that counts", n)
	}
}

func TestFailedImportChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.Put("b/good", csv("u1,i1,5,view\nu1,i3,6,view\nu1,i2,4,view\n"))
	w.Put("b/bad", csv("u1,i1,5,view\nu1,i3,soon,view\nu1,i2,4,view\n"))
	w.Put("b/short", csv("u1,i1,5,view\n"))
	if j := w.imported(dataset.Interactions, "s3://b/good"); j.Status != catalog.Active {
		t.Fatal(j.FailureReason)
	}
	before, parts := w.words(), w.parts()
	for location, want := range map[string]string{
		"s3://b/bad":         "s3://b/bad, line 3, column TIMESTAMP, ",
		"s3://b/short":       "fewer than 3 interactions",
		"s3://b/none":        "Invalid Data location.",
		"s3://none/x":        "Invalid Data location.",
		"s3://none/x/":       "Invalid Data location.",
		"https://b/good":     "Invalid Data location.",
		"s3://b/../../etc/x": "Invalid Data location.",
	} {
		j := w.imported(dataset.Interactions, location)
		if j.Status != catalog.Failed || !strings.Contains(j.FailureReason, want) {
			t.Errorf("%s: %s %q", location, j.Status, j.FailureReason)
		}
	}
	if got := w.words(); got != before || w.parts() != parts {
		t.Errorf("after failed imports: %d parts,\n%s", w.parts(), got)
	}
}

func TestImportOfADeletedDataset(t *testing.T) {
	w := newWorld(t)
	w.Put("b/good", csv("u1,i1,5,view\nu1,i3,6,view\nu1,i2,4,view\n"))
	w.Update(func(tx *store.Tx) error {
		d, err := catalog.Get[catalog.Dataset](tx, "dataset/INTERACTIONS")
		if err != nil {
			return err
		}
		j := &catalog.ImportJob{Meta: catalog.Meta{ARN: "orphan", Group: "group", Parent: d.ARN, Status: catalog.Pending}, Location: "s3://b/good"}
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		if err := Enqueue(tx, j.ARN); err != nil {
			return err
		}
		return catalog.DeleteAll(tx, d)
	})
	w.Put("b/items", "ITEM_ID,GENRES,YEAR\ni1,a|b,\ni2,c,1\n")
	if j := w.imported(dataset.Items, "s3://b/items"); j.Status != catalog.Active { // runs behind the orphan
		t.Fatal(j.FailureReason)
	}
	w.View(func(tx *store.Tx) error {
		s, _, err := job.Find(tx, ImportJob, "orphan")
		if s.State != "done" {
			t.Errorf("the orphan is %s", s.State)
		}
		return err
	})
}

func TestEraseGroup(t *testing.T) {
	w := newWorld(t)
	w.Put("b/good", csv("u1,i1,5,view\nu1,i3,6,view\nu1,i2,4,view\n"))
	w.imported(dataset.Interactions, "s3://b/good")
	other := *w.Record
	other.ARN = "other"
	w.Create(&other)
	if w.parts() != 1 {
		t.Fatalf("%d parts before", w.parts())
	}
	w.Update(func(tx *store.Tx) error { return w.in.EraseGroup(tx, w.Record.ID) })
	if last, err := w.Logs.Log(w.Record.ID).Last(t.Context()); last != 0 || err != nil {
		t.Errorf("the log still has %d records, %v", last, err)
	}
	w.settle()
	if w.parts() != 0 {
		t.Errorf("%d parts are left", w.parts())
	}
}

func TestPutEvents(t *testing.T) {
	w := newWorld(t)
	v := 3.5
	at := func(n int64) time.Time { return time.Unix(n, 0) }
	put := func(user, session string, events ...Event) {
		t.Helper()
		if err := w.in.PutEvents(t.Context(), "track", user, session, events); err != nil {
			t.Fatal(err)
		}
	}
	put("", "s1", Event{ID: "e1", Type: "view", Item: "i1", SentAt: at(10)}, Event{Type: "view", Item: "i2", SentAt: at(9), Value: &v, Properties: `{"device": "phone", "numRatings": 3, "unknown": [1]}`})
	if got, want := w.words(), "s1: i2@9 i1@10\n"; got != want {
		t.Errorf("an anonymous visitor: got\n%s", got)
	}
	put("u1", "s1", Event{Type: "buy", Item: "i3", SentAt: at(11)})
	put("", "s1", Event{Type: "view", Item: "i4", SentAt: at(12)}, Event{ID: "e1", Type: "view", Item: "i5", SentAt: at(13)})
	if got, want := w.words(), "s1:\nu1: i2@9 i1@10 i3@11 i4@12\n"; got != want {
		t.Errorf("joined, and a repeated eventId: got\n%s", got)
	}
	g := w.State()
	if g.User("s1") != g.User("u1") {
		t.Error("the session cannot be asked for like its user")
	}
}

func TestPutEventsRefuses(t *testing.T) {
	w := newWorld(t)
	good := Event{Type: "view", Item: "i1", SentAt: time.Unix(10, 0)}
	for name, c := range map[string]struct {
		tracking string
		change   func(e *Event)
		want     string
	}{
		"unknown tracking id": {"other", func(*Event) {}, `tracking id "other"`},
		"no item":             {"track", func(e *Event) { e.Item = "" }, "itemId"},
		"milliseconds":        {"track", func(e *Event) { e.SentAt = time.Unix(1_700_000_000_000, 0) }, "1700000000"},
		"before 1970":         {"track", func(e *Event) { e.SentAt = time.Unix(-5, 0) }, "before 1970"},
		"no JSON":             {"track", func(e *Event) { e.Properties = `{"device": ` }, "JSON"},
		"text behind":         {"track", func(e *Event) { e.Properties = `{} }` }, "behind"},
		"a list":              {"track", func(e *Event) { e.Properties = `[1]` }, "JSON object"},
		"reserved":            {"track", func(e *Event) { e.Properties = `{"UserId": "x"}` }, "reserved"},
		"wrong type":          {"track", func(e *Event) { e.Properties = `{"numRatings": "many"}` }, "NUM_RATINGS"},
		"a list as value":     {"track", func(e *Event) { e.Properties = `{"device": ["a"]}` }, "DEVICE"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			c.change(&bad)
			err := w.in.PutEvents(t.Context(), c.tracking, "u", "s", []Event{good, bad})
			var inv *Invalid
			if !errors.As(err, &inv) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	if got := w.words(); got != "" {
		t.Errorf("of refused calls something was kept:\n%s", got)
	}
}

func TestPutEntities(t *testing.T) {
	w := newWorld(t)
	if err := w.in.Put(t.Context(), "dataset/ITEMS", dataset.Items, []Entity{{"i1", `{"genres": "a|b", "year": 1999, "eventType": "x"}`}, {"i1", `{"genres": "c"}`}}); err != nil {
		t.Fatal(err)
	}
	if err := w.in.Put(t.Context(), "dataset/USERS", dataset.Users, []Entity{{"u1", ""}}); err != nil {
		t.Fatal(err)
	}
	s := w.Snapshot()
	row := s.ItemTable.Row(0)
	if row[0].Str != "i1" || row[1].Str != "c" || row[2].Kind != "" { // the whole record is replaced
		t.Errorf("item: %+v", row)
	}
	if row := s.UserTable.Row(0); row[0].Str != "u1" {
		t.Errorf("user: %+v", row)
	}
	for name, c := range map[string]struct {
		arn  string
		kind dataset.Type
		list []Entity
		want string
	}{
		"null":           {"dataset/ITEMS", dataset.Items, []Entity{{"i2", `{"genres": null}`}}, "column GENRES: the value null"},
		"missing column": {"dataset/ITEMS", dataset.Items, []Entity{{"i2", `{"genres": "a"}`}, {"i3", `{"year": 3}`}}, "items.2.member: properties.genres is missing"},
		"wrong type":     {"dataset/ITEMS", dataset.Items, []Entity{{"i2", `{"genres": "a", "year": "soon"}`}}, "YEAR"},
		"wrong dataset":  {"dataset/ITEMS", dataset.Users, []Entity{{"i2", ""}}, "of type ITEMS"},
	} {
		var inv *Invalid
		if err := w.in.Put(t.Context(), c.arn, c.kind, c.list); !errors.As(err, &inv) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := w.in.Put(t.Context(), "dataset/ITEMS", dataset.Items, []Entity{{"i1", `{"GENRES": ""}`}}); err != nil {
		t.Errorf("an empty text: %v", err)
	}
	if err := w.in.Put(t.Context(), "dataset/none", dataset.Items, nil); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("absent dataset: %v", err)
	}
	w.Update(func(tx *store.Tx) error { return catalogtest.SetStatus(tx, "dataset/ITEMS", catalog.Pending) })
	var not *NotReady
	if err := w.in.Put(t.Context(), "dataset/ITEMS", dataset.Items, []Entity{{"i2", `{"genres": "a"}`}}); !errors.As(err, &not) {
		t.Errorf("a dataset that is not ACTIVE: %v", err)
	}
	again := w.Snapshot()
	if len(again.ItemIDs) != 1 {
		t.Errorf("of refused calls something was kept: %v", again.ItemIDs)
	}
}

// TestTrackersAreForgotten shows that the cache of tracking ids follows the catalog.
func TestTrackersAreForgotten(t *testing.T) {
	w := newWorld(t)
	e := Event{Type: "view", Item: "i1", SentAt: time.Unix(10, 0)}
	if err := w.in.PutEvents(t.Context(), "track", "u", "s", []Event{e}); err != nil {
		t.Fatal(err)
	}
	w.Update(func(tx *store.Tx) error {
		tr, err := catalog.Get[catalog.EventTracker](tx, "tracker")
		if err != nil {
			return err
		}
		return catalog.Delete(tx, tr)
	})
	var inv *Invalid
	if err := w.in.PutEvents(t.Context(), "track", "u", "s", []Event{e}); !errors.As(err, &inv) {
		t.Errorf("after the tracker was deleted: %v", err)
	}
}

func TestCamel(t *testing.T) {
	var got []string
	for _, c := range []string{"NUM_RATINGS", "GENRES", "A_B_C", "_X", "already"} {
		got = append(got, camel(c))
	}
	if want := "numRatings genres aBC X already"; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}

func FuzzProperties(f *testing.F) {
	s, err := dataset.ParseSchema(interactionsText, "")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{``, `{}`, `null`, `{"device":"x"}`, `{"numRatings":1e3}`, `{"numRatings":-9223372036854775809}`, `{"DEVICE":null}`, `[`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		row, err := properties(s, text, carried[dataset.Interactions], reserved)
		if err != nil {
			return
		}
		c := dataset.Change{Interaction: &dataset.Interaction{Properties: row}}
		b, err := c.Append(nil)
		if err != nil {
			t.Fatalf("what was accepted cannot be written: %v", err)
		}
		back, err := dataset.ParseChange(b)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if again, err := back.Append(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("read back differently: %v", err)
		}
	})
}
