package retention

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"usher/blob"
	"usher/blob/blobtest"
	"usher/catalog"
	"usher/dataset"
	"usher/job"
	"usher/store"
)

// ask creates a deletion job as the API does.
func (w *world) ask(name, location string) {
	w.Helper()
	w.Update(func(tx *store.Tx) error {
		j := &catalog.DeletionJob{Meta: catalog.Meta{ARN: name, Name: name, Group: "group", Parent: "group", Status: catalog.DeletionPending}, Location: location}
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		return Enqueue(tx, w.Record.ID)
	})
}

func (w *world) job(name string) (j *catalog.DeletionJob) {
	w.Helper()
	w.View(func(tx *store.Tx) (err error) {
		j, err = catalog.Get[catalog.DeletionJob](tx, name)
		return err
	})
	return j
}

// search looks for texts in all files of the folder but the customer's buckets: in
// their bytes, and in every text of every Parquet file, which are compressed. It
// gives where each was found.
func (w *world) search(texts ...string) map[string][]string {
	w.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && d.Name() == "buckets" {
				return fs.SkipDir
			}
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b = append(b, values(w, b)...)
		for _, text := range texts {
			if bytes.Contains(b, []byte(text)) {
				rel, _ := filepath.Rel(w.dir, path)
				found[text] = append(found[text], rel)
			}
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return found
}

// values gives all texts of a Parquet file; nothing of other files.
func values(t testing.TB, b []byte) (out []byte) {
	t.Helper()
	if !bytes.HasPrefix(b, []byte("PAR1")) {
		return nil
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]parquet.Row, 100)
	for _, g := range f.RowGroups() {
		r := g.Rows()
		for {
			n, err := r.ReadRows(rows)
			for _, row := range rows[:n] {
				for _, v := range row {
					if v.Kind() == parquet.ByteArray {
						out = append(append(out, v.ByteArray()...), 0)
					}
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		_ = r.Close()
	}
	return out
}

// canary gives an id that is nowhere else.
func canary(what string) string { return what + "-" + rand.Text() }

// TestDeletion: of users that a job names nothing is left in any file, and
// everything of others is as it was.
func TestDeletion(t *testing.T) {
	w := newWorld(t)
	bulk, live, both, session, only := canary("bulk"), canary("live"), canary("both"), canary("session"), canary("only")
	mine := []string{bulk, live, both, session, only}
	w.Append(
		w.part(interactionsText, true, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE\nother,i1,1,view,tv\n"+bulk+",i2,2,view,phone of "+bulk+"\n"+both+",i1,3,buy,\nother,i9,4,buy,\n"),
		w.part(usersText, true, "USER_ID,CITY\nother,Rome\n"+both+",town of "+both+"\n"),
		event("", session, "i1", 10), event("", "shared", "i2", 11), event(live, session, "i3", 12), event("", session, "i4", 13),
		event(both, "shared", "i5", 14), event("other", "shared", "i6", 15), event("", "shared", "i7", 16),
		dataset.Change{User: &dataset.Entity{ID: only, Row: dataset.Row{{Kind: dataset.String, Str: only}, {Kind: dataset.String, Str: "of " + only}}}},
		dataset.Change{ActionInteraction: &dataset.Interaction{User: live, Session: session, Item: "a1", Type: "TAKEN", Time: 5}},
	)
	for i := range 60 { // some of it is in segments
		w.Append(event([]string{"other", live, "another"}[i%3], "", fmt.Sprint("i", i), 100+i))
	}
	w.settle()
	w.Append(event(both, "", "i8", 200), event("other", "", "i8", 201))
	before := w.words()
	if found := w.search(mine...); len(found) != len(mine) {
		t.Fatalf("before: found only %v", found)
	}
	if _, ok := w.search("other")["other"]; !ok {
		t.Fatal("the search finds nothing")
	}
	w.Put("b/users/one.csv", "USER_ID\n"+bulk+"\n"+live+"\n")
	w.Put("b/users/deep/two.CSV", "USER_ID\n"+both+"\n"+only+"\nnobody\n")
	w.Put("b/users/readme.txt", "other")
	w.ask("job", "s3://b/users/")
	w.settle()

	j := w.job("job")
	if j.Status != catalog.DeletionCompleted || j.FailureReason != "" {
		t.Fatalf("the job is %s: %s", j.Status, j.FailureReason)
	}
	// bulk 1; live 1, 2 of his session and 20; both 4, 1 of the shared session among
	// them, and his record; only 1
	if j.Deleted != 30 || j.Report.Users != 5 || j.Report.Known != 4 {
		t.Errorf("deleted %d of %+v", j.Deleted, j.Report)
	}
	if p := j.Report; p.Parts.Replaced != 2 || p.Segments.Replaced == 0 || p.Records != 2 || p.Events != 29 {
		t.Errorf("report %+v", p)
	}
	if found := w.search(mine...); len(found) > 0 {
		t.Errorf("after the job there are %v", found)
	}
	want := before
	for _, id := range mine {
		lines := strings.Split(want, "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, id+":") {
				lines[i] = ":"
			}
		}
		want = strings.Join(lines, "\n")
	}
	if got := w.words(); got != want {
		t.Errorf("now: got\n%swant\n%s", got, want)
	}
	if got := w.again(); got != want {
		t.Errorf("loaded anew: got\n%swant\n%s", got, want)
	}

	w.Append(event(bulk, "", "i1", 300)) // somebody else with that id
	w.settle()
	if got := w.again(); got != want+bulk+": i1@300\n" {
		t.Errorf("who comes later: got\n%s", got)
	}
	w.ask("again", "s3://b/users/one.csv")
	w.settle()
	if j := w.job("again"); j.Status != catalog.DeletionCompleted || j.Deleted != 1 || len(w.search(bulk)) > 0 {
		t.Errorf("the second job: %+v, %v", j, w.search(bulk))
	}
}

// TestDeletionOfReplacedParts: id files that stand in the place of parts are
// rewritten too, and blobs that nobody names are swept.
func TestDeletionOfReplacedParts(t *testing.T) {
	w := newWorld(t)
	mine := canary("user")
	first := w.part(usersText, true, "USER_ID,CITY\nu1,Rome\n"+mine+",Oslo\n")
	w.Append(first)
	name := first.Part.Blob
	r, err := w.Blobs.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := dataset.ParseSchema(usersText, "")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := dataset.ReadPartIDs(r, r.Size(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{dataset.IDFileName(name), partsOf(w.Record.ID) + "left-1.parquet.ids"} {
		blobtest.Save(t, w.Blobs, file, func(out io.Writer) error { return dataset.WriteIDs(out, ids) })
	}
	_ = w.State()
	w.Append(w.part(usersText, true, "USER_ID,CITY\nu2,Rome\n"))
	w.words()
	if err := w.Blobs.Delete(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	w.Put("b/users.csv", "USER_ID\n"+mine+"\n")
	w.ask("job", "s3://b/users.csv")
	w.settle()
	if j := w.job("job"); j.Status != catalog.DeletionCompleted || j.Report.Parts != (catalog.Rewritten{Searched: 2, Replaced: 1}) {
		t.Errorf("the job is %+v, %+v", j, j.Report)
	}
	if found := w.search(mine); len(found) > 0 {
		t.Errorf("left are %v", found)
	}
	if names := w.stored("parts"); len(names) != 2 {
		t.Errorf("parts %v", names)
	}
}

func TestDeletionsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	w.Append(event("u", "", "i", 1))
	w.Put("b/head.csv", "ID\nu\n")
	w.Put("b/more.csv", "USER_ID,ITEM_ID\nu,i\n")
	w.Put("b/txt/users.txt", "USER_ID\nu\n")
	w.Put("b/large.csv", "USER_ID\nu\n")
	if err := os.Truncate(filepath.Join(w.dir, "buckets", "b", "large.csv"), inputMost+1); err != nil { // a hole
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ location, want string }{
		"absent":       {"s3://b/none.csv", "no object s3://b/none.csv"},
		"no bucket":    {"s3://none/", "no object"},
		"wrong header": {"s3://b/head.csv", "USER_ID"},
		"more columns": {"s3://b/more.csv", "several columns"},
		"no CSV":       {"s3://b/txt/", "no CSV file"},
		"too large":    {"s3://b/large.csv", "may have 100 MB"},
	} {
		w.ask(name, c.location)
		w.settle()
		if j := w.job(name); j.Status != catalog.DeletionFailed || !strings.Contains(j.FailureReason, c.want) {
			t.Errorf("%s: %s: %s", name, j.Status, j.FailureReason)
		}
	}
	if got := w.words(); got != "u: i@1\n" {
		t.Errorf("the group is %q", got)
	}
}

// TestDeletionWaitsForTrainings, which have frozen the users.
func TestDeletionWaitsForTrainings(t *testing.T) {
	w := newWorld(t)
	mine := canary("user")
	w.Append(event(mine, "", "i", 1), event("other", "", "i", 1))
	v := &catalog.SolutionVersion{Meta: catalog.Meta{ARN: "version", Group: "group", Status: catalog.Pending}}
	w.Update(func(tx *store.Tx) error {
		if err := catalog.Create(tx, v); err != nil {
			return err
		}
		v.Status = catalog.InProgress
		return catalog.Update(tx, v)
	})
	blobtest.Put(t, w.Blobs, fmt.Sprintf("snapshots/%s/%s-1", w.Record.ID, v.ID), []byte(mine))
	w.Put("b/users.csv", "USER_ID\n"+mine+"\n")
	w.ask("job", "s3://b/users.csv")
	worker := told{w.keeper, make(chan error, 10)}
	q, err := job.Open(t.Context(), job.Options{DB: w.DB, Workers: map[job.Kind]job.Worker{Job: worker}})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := w.State().Wait(t.Context(), 5); err != nil { // two schemas, two events, forgotten
		t.Fatal(err)
	}
	if got := w.words(); got != ":\nother: i@1\n" {
		t.Errorf("at once: %q", got)
	}
	if j := w.job("job"); j.Status != catalog.DeletionInProgress {
		t.Errorf("while a training has the user the job is %s", j.Status)
	}
	w.Update(func(tx *store.Tx) error {
		v.Status, v.Offset = catalog.Active, 3
		return catalog.Update(tx, v)
	})
	if err := <-worker.ended; err != nil {
		t.Fatal(err)
	}
	j := w.job("job")
	if j.Status != catalog.DeletionCompleted || len(j.Report.Versions) != 1 {
		t.Errorf("then it is %+v", j)
	}
	if found := w.search(mine); len(found) > 0 {
		t.Errorf("left are %v", found)
	}
}

// mortal is a store that is out of order from some call on that changes it, as for
// a process that dies there.
type mortal struct {
	blob.Store
	left int
}

var errDied = errors.New("died")

func (m *mortal) Create(ctx context.Context, name string) (blob.Writer, error) {
	if m.left--; m.left < 0 {
		return nil, errDied
	}
	return m.Store.Create(ctx, name)
}

func (m *mortal) Delete(ctx context.Context, name string) error {
	if m.left--; m.left < 0 {
		return errDied
	}
	return m.Store.Delete(ctx, name)
}

// dying is a worker whose first run dies after so many changes of blobs.
type dying struct {
	*Keeper
	after int
	died  *bool
}

func (d dying) Run(ctx context.Context, t *job.Task) error {
	if *d.died {
		return d.Keeper.Run(ctx, t)
	}
	*d.died = true
	opt := d.opt
	opt.Blobs = &mortal{opt.Blobs, d.after}
	return (&Keeper{opt}).Run(ctx, t)
}

// dieOnce has the keeper work to the end; its first run dies after so many changes.
func (w *world) dieOnce(after int) {
	w.Helper()
	died := false
	worker := told{dying{w.keeper, after, &died}, make(chan error, 10)}
	q, err := job.Open(w.Context(), job.Options{DB: w.DB, Log: slog.New(slog.DiscardHandler), Workers: map[job.Kind]job.Worker{Job: worker}, Backoff: func(int) time.Duration { return 0 }})
	if err != nil {
		w.Fatal(err)
	}
	for err := range worker.ended {
		if err == nil {
			break
		}
		if !errors.Is(err, errDied) {
			w.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		w.Fatal(err)
	}
}

// TestDeletionGoesOn: a job that dies anywhere is carried to its end by the next
// run, and nothing is left of the users or missing of others.
func TestDeletionGoesOn(t *testing.T) {
	for after := range 12 {
		w := newWorld(t)
		mine := canary("user")
		w.Append(w.part(interactionsText, true, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE\nother,i1,1,view,tv\n"+mine+",i2,2,view,\n"))
		for i := range 30 {
			w.Append(event([]string{"other", mine}[i%2], "", fmt.Sprint("i", i), i), event("another", "", "i", 100+i))
		}
		want := strings.Join(slices.DeleteFunc(strings.Split(w.words(), "\n"), func(line string) bool { return strings.HasPrefix(line, mine) }), "\n")
		w.Put("b/users.csv", "USER_ID\n"+mine+"\n")
		w.ask("job", "s3://b/users.csv")
		w.dieOnce(after)
		if j := w.job("job"); j.Status != catalog.DeletionCompleted || j.Deleted != 16 {
			t.Errorf("dead after %d changes: %+v", after, j)
		}
		if found := w.search(mine); len(found) > 0 {
			t.Errorf("dead after %d changes: left are %v", after, found)
		}
		got := strings.Join(slices.DeleteFunc(strings.Split(w.again(), "\n"), func(line string) bool { return line == ":" }), "\n")
		if got != want {
			t.Errorf("dead after %d changes: got\n%swant\n%s", after, got, want)
		}
	}
}
