package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/ingest"
	"usher/job"
	"usher/store"
)

const interactionsHead = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,IMPRESSION,RECOMMENDATION_ID,DEVICE\n"

func at(n int64) time.Time { return time.Unix(n, 0) }

func (w *world) events(user, session string, events ...ingest.Event) {
	w.Helper()
	if err := w.in.PutEvents(w.Context(), "a", user, session, events); err != nil {
		w.Fatal(err)
	}
}

func TestExportModes(t *testing.T) {
	w := newWorld(t, 2)
	w.Put("in/1.csv", interactionsHead+"u1,i1,5,view,1.5,,,tv\nu1,i1,5,view,1.5,,,tv\nu1,i1,5,view,1.5,,,\n")
	w.imported("a", dataset.Interactions, "s3://in/1.csv", "FULL")
	v := 1.5
	w.events("u1", "s1", ingest.Event{Type: "view", Item: "i1", SentAt: at(5), Value: &v, Properties: `{"device": "tv"}`},
		ingest.Event{ID: "e", Type: "buy", Item: "i2", SentAt: at(6), Impression: []string{"i3", "i,4"}, RecommendationID: "R"})
	w.events("u2", "s2", ingest.Event{ID: "e", Type: "buy", Item: "i9", SentAt: at(6)})
	bulk := []string{"5,u1,i1,view,1.5,,,\n", "5,u1,i1,view,1.5,,,tv\n"}
	live := []string{"5,u1,i1,view,1.5,,,tv\n", "6,u1,i2,buy,,\"i3|i,4\",R,\n"}
	all := append(slices.Clone(bulk), live[1])
	for mode, want := range map[string][]string{"BULK": bulk, "PUT": live, "ALL": all} {
		if got := w.exported("a", dataset.Interactions, mode); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", mode, got, want)
		}
	}
	if got := w.exported("b", dataset.Interactions, "ALL"); len(got) != 0 {
		t.Errorf("an empty dataset: %q", got)
	}
	for name, text := range w.Files("out/b/") {
		if want := "TIMESTAMP,USER_ID,ITEM_ID,EVENT_TYPE,EVENT_VALUE,IMPRESSION,RECOMMENDATION_ID,DEVICE\n"; text != want || !strings.HasSuffix(name, "/part-00000.csv") {
			t.Errorf("%s: %q", name, text)
		}
	}

	w.Put("in/users.csv", "USER_ID,AGE\nu1,1\nu1,2\nu1,2\nu2,5\n")
	w.imported("a", dataset.Users, "s3://in/users.csv", "FULL")
	users := func(list ...ingest.Entity) {
		if err := w.in.Put(t.Context(), "a/USERS", dataset.Users, list); err != nil {
			t.Fatal(err)
		}
	}
	users(ingest.Entity{ID: "u1", Properties: `{"age": 3}`}, ingest.Entity{ID: "u1", Properties: `{"age": 4}`}, ingest.Entity{ID: "u1", Properties: `{"age": 3}`})
	for mode, want := range map[string][]string{"BULK": {"u1,1\n", "u1,2\n", "u2,5\n"}, "PUT": {"u1,3\n", "u1,4\n"}, "ALL": {"u1,3\n", "u2,5\n"}} {
		if got := w.exported("a", dataset.Users, mode); !slices.Equal(got, want) {
			t.Errorf("users %s: got %q, want %q", mode, got, want)
		}
	}
	w.imported("a", dataset.Users, "s3://in/users.csv", "FULL") // now the imported ones are the newest
	if got, want := w.exported("a", dataset.Users, "ALL"), []string{"u1,2\n", "u2,5\n"}; !slices.Equal(got, want) {
		t.Errorf("users after another import: got %q, want %q", got, want)
	}
}

// TestExportWithoutDeleted exports while users and items are forgotten but not erased
// yet: their records are not in it, and who comes with that id later is.
func TestExportWithoutDeleted(t *testing.T) {
	w := newWorld(t, 2)
	w.Put("in/1.csv", interactionsHead+"u1,i1,5,view,,,,\nu1,i2,6,view,,,,\nu2,i1,7,view,,,,\nu2,i2,8,view,,,,\n")
	w.Put("in/users.csv", "USER_ID,AGE\nu1,1\nu2,2\n")
	w.Put("in/items.csv", "ITEM_ID,GENRES,TEXT,N,L,F,D,B\ni1,g,,,,,,\ni2,g,,,,,,\n")
	w.imported("a", dataset.Interactions, "s3://in/1.csv", "FULL")
	w.imported("a", dataset.Users, "s3://in/users.csv", "FULL")
	w.imported("a", dataset.Items, "s3://in/items.csv", "FULL")
	w.events("", "s", ingest.Event{Type: "view", Item: "i1", SentAt: at(9)})
	w.events("u2", "s", ingest.Event{Type: "view", Item: "i2", SentAt: at(10)}, ingest.Event{Type: "view", Item: "i1", SentAt: at(11)})
	w.events("u1", "t", ingest.Event{Type: "view", Item: "i1", SentAt: at(12)})
	for _, f := range []*dataset.Forgotten{{Users: []string{"u2"}}, {Items: []string{"i2"}}} {
		b, err := (&dataset.Change{Forgotten: f}).Append(nil)
		if err == nil {
			_, err = w.Logs.Log(w.group["a"].Record.ID).Append(t.Context(), eventlog.Record{Data: b})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.events("u2", "v", ingest.Event{Type: "view", Item: "i1", SentAt: at(13)})
	for kind, want := range map[dataset.Type][]string{
		dataset.Interactions: {"12,u1,i1,view,,,,\n", "13,u2,i1,view,,,,\n", "5,u1,i1,view,,,,\n"},
		dataset.Users:        {"u1,1\n"},
		dataset.Items:        {"i1,g,,,,,,\n"},
	} {
		if got := w.exported("a", kind, "ALL"); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
	}
}

// TestExportOfADatasetMadeAnew: what was imported and put before the dataset was deleted
// is not in an export of the one that has its place, and sessions begin anew.
func TestExportOfADatasetMadeAnew(t *testing.T) {
	w := newWorld(t, 2)
	w.Put("in/1.csv", interactionsHead+"u1,i1,5,view,,,,\n")
	w.Put("in/users.csv", "USER_ID,AGE\nu1,1\n")
	w.imported("a", dataset.Interactions, "s3://in/1.csv", "FULL")
	w.imported("a", dataset.Users, "s3://in/users.csv", "FULL")
	w.events("", "s", ingest.Event{ID: "e", Type: "view", Item: "i1", SentAt: at(6)})
	w.events("u2", "s", ingest.Event{Type: "view", Item: "i1", SentAt: at(7)})
	if err := w.in.Put(t.Context(), "a/USERS", dataset.Users, []ingest.Entity{{ID: "u3", Properties: "{}"}}); err != nil {
		t.Fatal(err)
	}
	for kind, text := range map[dataset.Type]string{dataset.Interactions: interactionsText, dataset.Users: usersText} {
		w.Update(func(tx *store.Tx) error {
			if err := w.in.Clear(tx, w.group["a"].Record.ID, kind); err != nil {
				return err
			}
			return w.in.SetSchema(tx, w.group["a"].Record.ID, dataset.SchemaSet{Type: kind, Text: text})
		})
	}
	w.events("", "s", ingest.Event{ID: "e", Type: "view", Item: "i2", SentAt: at(8)})
	w.events("", "v", ingest.Event{Type: "view", Item: "i2", SentAt: at(8)})
	w.events("u4", "v", ingest.Event{Type: "view", Item: "i2", SentAt: at(9)})
	if err := w.in.Put(t.Context(), "a/USERS", dataset.Users, []ingest.Entity{{ID: "u5", Properties: "{}"}}); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[dataset.Type][]string{
		dataset.Interactions: {"8,s,i2,view,,,,\n", "8,u4,i2,view,,,,\n", "9,u4,i2,view,,,,\n"},
		dataset.Users:        {"u5,\n"},
	} {
		if got := w.exported("a", kind, "PUT"); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
		if got := w.exported("a", kind, "BULK"); len(got) > 0 {
			t.Errorf("%s: imported are %q", kind, got)
		}
	}
}

// TestReimportGivesTheSame fills a group at random, exports it and imports the
// files into another: history has to know the same.
func TestReimportGivesTheSame(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t, 1+dice.Int64N(60))
			for step := range 12 {
				w.random(dice, step)
			}
			want := w.words("a")
			for _, kind := range []dataset.Type{dataset.Interactions, dataset.Items, dataset.Users} {
				name := w.export("a", kind, "ALL")
				if r := w.run(name); r.Status != catalog.Active {
					t.Fatalf("export: %s %s", r.Status, r.FailureReason)
				}
				w.imported("b", kind, "s3://out/a/"+name+"/", "FULL")
			}
			if got := w.words("b"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Count(want, "event") < 10 || !strings.Contains(want, "item ") || !strings.Contains(want, "user ") {
				t.Errorf("too little to compare:\n%s", want)
			}
		})
	}
}

// random does one thing to the group a.
func (w *world) random(dice *rand.Rand, step int) {
	w.Helper()
	id := func(kind string) string {
		odd := []string{"", "é", ` "`, `\`, ",", "\n", `a\"b`, "'", " x ", "\r"}
		return fmt.Sprint(kind, dice.IntN(9), odd[dice.IntN(len(odd))])
	}
	// What an event is apart from user, item and time follows from these, because
	// history takes events that differ in nothing else for one.
	event := func(item string, time int64) ingest.Event {
		e := ingest.Event{Type: []string{"view", "buy, later"}[time%2], Item: item, SentAt: at(time), Properties: `{}`}
		if time%3 == 0 {
			v := float64(float32(time) / 7)
			e.Value = &v
		}
		if time%5 == 0 {
			e.Impression, e.RecommendationID = []string{item, "x"}, "R"
		}
		return e
	}
	quote := func(s string) string {
		return `"` + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `""`) + `"`
	}
	mode := []string{"FULL", "INCREMENTAL"}[dice.IntN(2)]
	entity := func(item string) ingest.Entity {
		all := map[string]any{"genres": id("g"), "text": id("t"), "n": dice.IntN(9) - 4, "l": int64(1)<<60 + dice.Int64N(9), "f": dice.Float64() * 1e-9, "d": dice.NormFloat64() * 1e30, "b": dice.IntN(2) == 0}
		for k := range all {
			if dice.IntN(3) == 0 {
				all[k] = nil
			}
		}
		b, err := json.Marshal(all)
		if err != nil {
			w.Fatal(err)
		}
		return ingest.Entity{ID: item, Properties: string(b)}
	}
	var err error
	switch name := fmt.Sprintf("in/%d.csv", step); dice.IntN(6) {
	case 0:
		text := interactionsHead
		for range 20 {
			user, item, time := id("u"), id("i"), dice.Int64N(40)
			if dice.IntN(8) == 0 {
				user = fmt.Sprint("s", dice.IntN(6)) // a session's id that is a user's
			}
			e := event(item, time)
			value := ""
			if e.Value != nil {
				value = fmt.Sprint(float32(*e.Value))
			}
			text += fmt.Sprintf("%s,%s,%d,%q,%s,%s,%s,\n", quote(user), quote(item), time, e.Type, value, quote(strings.Join(e.Impression, "|")), e.RecommendationID)
		}
		w.Put(name, text)
		w.imported("a", dataset.Interactions, "s3://"+name, mode)
	case 1:
		text := "ITEM_ID,GENRES,TEXT,N,L,F,D,B\n"
		for range 8 {
			text += fmt.Sprintf("%s,%s,,%d,%d,%v,1e-300,true\n", quote(id("i")), quote(id("g")), dice.IntN(9), dice.Int64N(9), dice.Float32())
		}
		w.Put(name, text)
		w.imported("a", dataset.Items, "s3://"+name, mode)
	case 2:
		text := "USER_ID,AGE\n"
		for range 8 {
			text += fmt.Sprintf("%s,%d\n", quote(id("u")), dice.IntN(9))
		}
		w.Put(name, text)
		w.imported("a", dataset.Users, "s3://"+name, mode)
	case 3:
		err = w.in.Put(w.Context(), "a/ITEMS", dataset.Items, []ingest.Entity{entity(id("i")), entity(id("i"))})
	case 4:
		err = w.in.Put(w.Context(), "a/USERS", dataset.Users, []ingest.Entity{{ID: id("u"), Properties: `{"age": 3}`}, {ID: id("u")}})
	}
	if err != nil {
		w.Fatal(err)
	}
	for range 8 {
		user := id("u")
		if dice.IntN(2) == 0 {
			user = ""
		}
		e := event(id("i"), dice.Int64N(40))
		if dice.IntN(3) == 0 {
			e.ID = fmt.Sprint(dice.IntN(20))
		}
		w.events(user, fmt.Sprint("s", dice.IntN(6)), e)
	}
}

// failing lets a store's writers fail after so many bytes.
type failing struct {
	blob.Store
	left int
}

var errPlug = errors.New("the plug was pulled")

func (f *failing) Create(ctx context.Context, name string) (blob.Writer, error) {
	w, err := f.Store.Create(ctx, name)
	return &failingWriter{w, f}, err
}

type failingWriter struct {
	blob.Writer
	f *failing
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.f.left -= len(p); w.f.left < 0 {
		return 0, errPlug
	}
	return w.Writer.Write(p)
}

// TestExportGoesOn interrupts an export after any number of bytes: the files are
// those of an export that ran through, and events that came later are in none.
func TestExportGoesOn(t *testing.T) {
	w := newWorld(t, 20)
	text := interactionsHead
	for i := range 100 {
		text += fmt.Sprintf("u%d,i%d,%d,view,,,,\n", i%30, i%7, i)
	}
	w.Put("in/1.csv", text)
	w.imported("a", dataset.Interactions, "s3://in/1.csv", "FULL")
	whole := w.Files("out/a/" + w.through("ALL") + "/")
	if len(whole) != 5 {
		t.Fatalf("%d files", len(whole))
	}
	size := 0
	for _, f := range whole {
		size += len(f)
	}
	for _, share := range []int{0, 30, 50, 99} {
		left := size * share / 100
		name := w.export("a", dataset.Interactions, "ALL")
		w.stopped(name, left)
		before := len(w.Files("out/a/" + name + "/"))
		w.events("late", "s", ingest.Event{Type: "view", Item: "late", SentAt: at(9)})
		if r := w.run(name); r.Status != catalog.Active {
			t.Fatalf("export: %s %s", r.Status, r.FailureReason)
		}
		got := w.Files("out/a/" + name + "/")
		if want := left * len(whole) / size; before < want-1 || before >= len(got) {
			t.Errorf("after %d bytes of %d there were %d files, in the end %d", left, size, before, len(got))
		}
		if fmt.Sprint(got) != fmt.Sprint(whole) {
			t.Errorf("got %v, want %v", got, whole)
		}
		whole = w.Files("out/a/" + w.through("ALL") + "/") // with the event
		size = 0
		for _, f := range whole {
			size += len(f)
		}
	}
}

// TestExportOfWhatIsReplaced stops an export, replaces the data and erases the old:
// the export begins anew and has the new data only.
func TestExportOfWhatIsReplaced(t *testing.T) {
	w := newWorld(t, 20)
	for n, name := range []string{"in/1.csv", "in/2.csv"} {
		text := interactionsHead
		for i := range 60 {
			text += fmt.Sprintf("u%d,i%d-%d,%d,view,,,,\n", i%30, n, i, i)
		}
		w.Put(name, text)
	}
	w.imported("a", dataset.Interactions, "s3://in/1.csv", "FULL")
	name := w.export("a", dataset.Interactions, "ALL")
	w.stopped(name, 500) // in the middle of the second file
	w.workers = map[job.Kind]job.Worker{ingest.ImportJob: w.in.Importer(), ingest.EraseJob: w.in.Eraser()}
	w.imported("a", dataset.Interactions, "s3://in/2.csv", "FULL")
	if err := w.Drain(map[job.Kind]job.Worker{ingest.EraseJob: w.in.Eraser()}); err != nil {
		t.Fatal(err)
	}
	w.workers = map[job.Kind]job.Worker{ExportJob: w.batch.Exporter()}
	if r := w.run(name); r.Status != catalog.Active {
		t.Fatalf("export: %s %s", r.Status, r.FailureReason)
	}
	files := w.Files("out/a/" + name + "/")
	if all := fmt.Sprint(files); len(files) != 3 || strings.Contains(all, "i0-") || strings.Count(all, "i1-") != 60 {
		t.Errorf("got %v", files)
	}
}

func (w *world) through(mode string) string {
	w.Helper()
	name := w.export("a", dataset.Interactions, mode)
	if r := w.run(name); r.Status != catalog.Active {
		w.Fatalf("export: %s %s", r.Status, r.FailureReason)
	}
	return name
}

// stopped runs an export until its bucket takes no more bytes, and then ends the
// process as a graceful stop does.
func (w *world) stopped(name string, left int) {
	w.Helper()
	files := *w.batch
	files.opt.Buckets = &failing{w.Buckets, left}
	stuck := &stuckWorker{Worker: files.Exporter(), ended: make(chan error, 1)}
	q, err := job.Open(w.Context(), job.Options{DB: w.DB, Log: files.opt.Log, Workers: map[job.Kind]job.Worker{ExportJob: stuck}})
	if err != nil {
		w.Fatal(err)
	}
	if err := <-stuck.ended; !errors.Is(err, errPlug) {
		w.Errorf("the run ended with %v", err)
	}
	if err := q.Close(); err != nil {
		w.Fatal(err)
	}
}

// stuckWorker runs once and then waits for the end of the process.
type stuckWorker struct {
	job.Worker
	ended chan error
}

func (s *stuckWorker) Run(ctx context.Context, t *job.Task) error {
	s.ended <- s.Worker.Run(ctx, t)
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestExportThatCannotBe(t *testing.T) {
	w := newWorld(t, 100)
	w.batch.opt.Buckets = noBucket{w.Buckets}
	name := w.export("a", dataset.Interactions, "ALL")
	if r := w.run(name); r.Status != catalog.Failed || !strings.Contains(r.FailureReason, `There is no bucket "out"`) {
		t.Errorf("%s %q", r.Status, r.FailureReason)
	}
	w.batch.opt.Buckets = w.Buckets
	w.Put("in/1.csv", interactionsHead+"u1,i1,5,view,1.5,,,tv\n")
	w.imported("a", dataset.Interactions, "s3://in/1.csv", "FULL")
	w.batch.opt.Blobs = &flipped{w.Blobs}
	name = w.export("a", dataset.Interactions, "ALL")
	r := w.run(name)
	if r.Status != catalog.Failed || !strings.Contains(r.FailureReason, "parts/") {
		t.Errorf("a damaged part: %s %q", r.Status, r.FailureReason)
	}
	if got := w.Files("out/"); len(got) != 0 {
		t.Errorf("files of exports that failed: %v", got)
	}
}

func TestExportOfADeletedDataset(t *testing.T) {
	w := newWorld(t, 100)
	name := w.export("a", dataset.Interactions, "ALL")
	w.Update(func(tx *store.Tx) error {
		d, err := catalog.Get[catalog.Dataset](tx, "a/INTERACTIONS")
		if err != nil {
			return err
		}
		return catalog.DeleteAll(tx, d)
	})
	if r := w.run(w.export("b", dataset.Interactions, "ALL")); r.Status != catalog.Active { // runs behind the orphan
		t.Fatal(r.FailureReason)
	}
	w.View(func(tx *store.Tx) error {
		s, _, err := job.Find(tx, ExportJob, name)
		if s.State != "done" {
			t.Errorf("the orphan is %s", s.State)
		}
		return err
	})
}
