package retention

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/store"
)

const (
	shownText = `{"type":"record","name":"Interactions","fields":[
		{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
		{"name":"EVENT_TYPE","type":"string"},{"name":"DEVICE","type":["null","string"],"categorical":true},
		{"name":"IMPRESSION","type":["null","string"]}],"version":"1.0"}`
	itemsText = `{"type":"record","name":"Items","fields":[
		{"name":"ITEM_ID","type":"string"},{"name":"GENRE","type":["null","string"],"categorical":true}],"version":"1.0"}`
)

// withItems gives a world whose datasets have items and impressions.
func withItems(t *testing.T) *world {
	w := newWorld(t)
	w.Append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Interactions, Text: shownText}},
		dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Items, Text: itemsText}})
	return w
}

// forgetItems deletes items as the API does.
func (w *world) forgetItems(name string, items ...string) {
	w.Helper()
	w.Update(func(tx *store.Tx) error {
		off, err := ForgetItems(tx, w.Logs, w.Record.ID, items)
		if err != nil {
			return err
		}
		j := &catalog.DeletionJob{Meta: catalog.Meta{ARN: name, Name: name, Group: "group", Parent: "group", Status: catalog.DeletionPending},
			Offset: uint64(off), Report: &catalog.DeletionProof{Items: len(items)}}
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		return Enqueue(tx, w.Record.ID)
	})
}

// numbered gives the ids of items by number, and which have a record.
func (w *world) numbered() string {
	w.Helper()
	s := w.Snapshot()
	var b strings.Builder
	for i, id := range s.ItemIDs {
		fmt.Fprintf(&b, "%s:", id)
		if r := s.ItemTable.Row(dataset.Index(i)); r != nil {
			b.WriteString(r[1].Str)
		}
		b.WriteString(" ")
	}
	return b.String()
}

func shown(user, session, item string, at int, impression ...string) dataset.Change {
	c := event(user, session, item, at)
	c.Interaction.Impression = impression
	return c
}

// without gives words without the events of an item.
func without(words string, items ...string) string {
	lines := strings.Split(words, "\n")
	for i, line := range lines {
		lines[i] = strings.Join(slices.DeleteFunc(strings.Split(line, " "), func(w string) bool {
			return slices.ContainsFunc(items, func(id string) bool { return strings.HasPrefix(w, id+"@") })
		}), " ")
	}
	return strings.Join(lines, "\n")
}

// TestDeletionOfItems: of items that a call names nothing is left in any file, and
// everything of others is as it was: whose the sessions are too.
func TestDeletionOfItems(t *testing.T) {
	w := withItems(t)
	bulk, live, joins, seen := canary("bulk"), canary("live"), canary("joins"), canary("seen")
	mine := []string{bulk, live, joins, seen}
	w.Append(
		w.part(shownText, true, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE,IMPRESSION\nu1,i1,1,view,tv,i1|"+seen+"\nu1,"+bulk+",2,view,tv of "+bulk+",\nu2,i2,3,buy,,"+bulk+"\n"),
		w.part(shownText, false, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE,IMPRESSION\nu2,i1,4,view,,"+seen+"|i1|i2\n"),
		w.part(itemsText, true, "ITEM_ID,GENRE\ni1,a\n"+bulk+",genre of "+bulk+"\n"),
		event("", "s1", "i1", 10), event("u3", "s1", joins, 11), event("", "s1", "i2", 12), event("", "s2", joins, 13), event("u4", "s2", "i3", 14), event("", "s2", "i4", 15),
		dataset.Change{Item: &dataset.Entity{ID: live, Row: dataset.Row{{Kind: dataset.String, Str: live}, {Kind: dataset.String, Str: "of " + live}}}},
		shown("u1", "s3", "i5", 16, "i5", live), shown("u1", "s3", live, 17, live, "i1"),
	)
	for i := range 60 { // some of it is in segments
		w.Append(event("u1", "s3", []string{"i1", live, "i2"}[i%3], 100+i))
	}
	w.settle()
	w.Append(event("u2", "s4", live, 200), event("u2", "s4", "i8", 201))
	before := w.words()
	if found := w.search(mine...); len(found) != len(mine) {
		t.Fatalf("before: found only %v", found)
	}
	want, items := without(before, mine...), w.numbered()
	for _, id := range mine {
		if row := strings.Index(items, id+":"); row >= 0 {
			end := row + strings.Index(items[row:], ":")
			next := end + 1
			for _, of := range []string{"genre of " + id, "of " + id} {
				if strings.HasPrefix(items[next:], of) {
					next += len(of)
					break
				}
			}
			items = items[:row] + ":" + items[next:]
		}
	}
	w.forgetItems("job", mine...)
	if got := w.words(); got != want {
		t.Errorf("at once: got\n%swant\n%s", got, want)
	}
	w.settle()
	j := w.job("job")
	// bulk 1, joins 2, live 1, 20 and 1; and two records
	if j.Status != catalog.DeletionCompleted || j.Deleted != 27 || j.Report.Items != 4 || j.Report.Events != 25 || j.Report.Records != 2 {
		t.Errorf("the job is %+v, %+v", j, j.Report)
	}
	if p := j.Report; p.Parts != (catalog.Rewritten{Searched: 3, Replaced: 3}) || p.Segments.Replaced == 0 {
		t.Errorf("report %+v", p)
	}
	if found := w.search(mine...); len(found) > 0 {
		t.Errorf("after the job there are %v", found)
	}
	for when, got := range map[string]string{"now": w.words(), "loaded anew": w.again()} {
		if got != want {
			t.Errorf("%s: got\n%swant\n%s", when, got, want)
		}
	}
	if got := w.numbered(); got != items {
		t.Errorf("items: got\n%s\nwant\n%s", got, items)
	}
	if n := len(w.State().ErasedItems()); n != 3 { // seen was never an item
		t.Errorf("%d holes", n)
	}

	w.Append(event("u2", "s4", live, 300)) // another item with that id
	w.settle()
	if got := w.numbered(); got != items+live+": " {
		t.Errorf("an item that comes later: got\n%s", got)
	}
	w.visitsGo(j)
}

// visitsGo: a user who is deleted after items takes along what these left of the
// user's sessions, and which were joined by them.
func (w *world) visitsGo(before *catalog.DeletionJob) {
	w.Helper()
	w.Put("b/users.csv", "USER_ID\nu3\n")
	w.ask("users", "s3://b/users.csv")
	w.settle()
	j := w.job("users")
	if j.Status != catalog.DeletionCompleted || j.Deleted != 2 || j.Report.Events != 2 {
		w.Errorf("the job of the user is %+v, %+v", j, j.Report)
	}
	for rec, err := range w.Logs.Log(w.Record.ID).Read(w.Context(), 0) {
		if err != nil {
			w.Fatal(err)
		}
		c, err := dataset.ParseChange(rec.Data)
		if err != nil {
			w.Fatal(err)
		}
		if c.Visit != nil && (c.Visit.User == "u3" || c.Visit.Session == "s1") || uint64(rec.Offset) < before.Offset && c.Interaction != nil && c.Interaction.Session == "s1" {
			w.Errorf("left is %+v, %+v", c.Visit, c.Interaction)
		}
	}
}

// TestDeletionOfUsersAndItems: one run erases both from the same part and its log.
func TestDeletionOfUsersAndItems(t *testing.T) {
	w := withItems(t)
	user, item := canary("user"), canary("item")
	w.Append(w.part(shownText, true, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE,IMPRESSION\nu1,i1,1,view,,\nu1,"+item+",2,view,,\n"+user+",i1,3,view,,"+item+"\n"),
		event(user, "", item, 4), event("u1", "", "i1", 5))
	w.Put("b/users.csv", "USER_ID\n"+user+"\n")
	w.ask("users", "s3://b/users.csv")
	w.forgetItems("items", item)
	w.settle()
	if j := w.job("items"); j.Status != catalog.DeletionCompleted || j.Report.Parts != (catalog.Rewritten{Searched: 1, Replaced: 1}) || j.Report.Events != 3 {
		t.Errorf("the job is %+v, %+v", j, j.Report)
	}
	if found := w.search(user, item); len(found) > 0 {
		t.Errorf("left are %v", found)
	}
	if got, want := w.again(), "u1: i1@1 i1@5\n:\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestDeletionOfItemsGoesOn: as TestDeletionGoesOn.
func TestDeletionOfItemsGoesOn(t *testing.T) {
	for after := range 12 {
		w := withItems(t)
		mine := canary("item")
		w.Append(w.part(shownText, true, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE,IMPRESSION\nu1,i1,1,view,tv,"+mine+"\nu1,"+mine+",2,view,,\n"))
		for i := range 30 {
			w.Append(event("u1", "s", []string{"i1", mine}[i%2], i), event("u2", "", "i", 100+i))
		}
		want := without(w.words(), mine)
		w.forgetItems("job", mine)
		w.dieOnce(after)
		if j := w.job("job"); j.Status != catalog.DeletionCompleted || j.Deleted != 16 {
			t.Errorf("dead after %d changes: %+v", after, j)
		}
		if found := w.search(mine); len(found) > 0 {
			t.Errorf("dead after %d changes: left are %v", after, found)
		}
		if got := w.again(); got != want {
			t.Errorf("dead after %d changes: got\n%swant\n%s", after, got, want)
		}
	}
}
