package batch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/recipe/affinity"
	"usher/store"
)

// segmented runs a segment job of s3://ask/<name> and gives the answers' lines.
func (w *world) segmented(version, name string, more func(j *catalog.BatchSegmentJob)) []string {
	w.Helper()
	w.jobs++
	out := fmt.Sprint("segments", w.jobs)
	j := &catalog.BatchSegmentJob{
		Meta:       catalog.Meta{ARN: "segments/" + out, Name: out, Group: "a", Parent: version, Status: catalog.Pending},
		BatchFiles: catalog.BatchFiles{Input: "s3://ask/" + name, Output: "s3://out/" + out, Results: 3},
	}
	if more != nil {
		more(j)
	}
	w.Update(func(tx *store.Tx) error {
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		return EnqueueSegment(tx, j.ARN)
	})
	if m := w.run(j.ARN); m.Status != catalog.Active {
		w.Fatalf("%s %s", m.Status, m.FailureReason)
	}
	return strings.Split(strings.TrimSuffix(w.Files("out/" + out + "/")[name+".out"], "\n"), "\n")
}

// Segments of items and of attributes, with a filter of users, and what is wrong in
// place.
func TestSegments(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(affinity.Item{}, affinity.Attribute{})
	w.workers[SegmentJob] = w.batch.Segmenter()
	w.Put("in/users.csv", "USER_ID,AGE\nu1,10\nu4,20\nu7,30\nu10,40\nu2,50\n")
	w.imported("a", dataset.Users, "s3://in/users.csv", "FULL")
	w.Create(&catalog.Filter{Meta: catalog.Meta{ARN: "grown", Group: "a", Status: catalog.Active}, Expression: `INCLUDE UserID WHERE Users.AGE >= $AGE`})

	w.Put("ask/items.json", `{"itemId":"i6"}`+"\n"+`{"itemId":"none"}`+"\n{}\n"+`{"itemId":"i6","filterValues":{"AGE":"\"20\""}}`)
	lines := w.segmented(affinity.ItemName, "items.json", nil)
	for _, u := range usersIn(t, lines[0]) {
		if !slices.Contains([]string{"u1", "u4", "u7", "u10"}, u) {
			t.Errorf("a user of another taste: %s", lines[0])
		}
	}
	for i, text := range map[int]string{1: `had no interactions with the item \"none\"`, 2: "itemId is missing", 3: "no filterArn"} {
		if !strings.Contains(lines[i], `"output":null,"error":"`) || !strings.Contains(lines[i], text) {
			t.Errorf("line %d: %s", i, lines[i])
		}
	}
	lines = w.segmented(affinity.ItemName, "items.json", func(j *catalog.BatchSegmentJob) { j.Filter = "grown" })
	got := usersIn(t, lines[3])
	slices.Sort(got)
	if !slices.Equal(got, []string{"u10", "u4", "u7"}) {
		t.Errorf("grown users: %v", got)
	}

	w.Put("ask/attributes.json", `{"itemAttributes":"ITEMS.genres = \"taste2\" AND items.n = 11"}`+"\n"+`{"itemAttributes":"ITEMS.GENRES IN (\"taste2\")"}`+"\n"+
		`{"itemAttributes":"ITEMS.GENRES = \"none\""}`+"\n"+`{"itemAttributes":"ITEMS.NONE = 1"}`+"\n{}\n"+`{"itemAttributes":"ITEMS.GENRES = \"taste2\" OR ITEMS.N = 1"}`)
	lines = w.segmented(affinity.AttributeName, "attributes.json", func(j *catalog.BatchSegmentJob) { j.Results = 2 })
	if got := usersIn(t, lines[0]); len(got) != 2 || got[0] == "u1" {
		t.Errorf("segment of an attribute: %s", lines[0])
	}
	if where := "(at character 7)"; !strings.Contains(lines[3], where) || strings.Contains(lines[3], "filter") {
		t.Errorf("%s is not in %s", where, lines[3])
	}
	for i, text := range map[int]string{1: "a condition is expected", 2: "no interactions with items", 3: `no column \"NONE\"`, 4: "itemAttributes is missing", 5: "AND is expected"} {
		if !strings.Contains(lines[i], `"output":null,"error":"itemAttributes`) || !strings.Contains(lines[i], text) {
			t.Errorf("line %d: %s", i, lines[i])
		}
	}
}

func usersIn(t *testing.T, line string) []string {
	t.Helper()
	var out struct {
		Output struct{ UsersList []string }
		Error  *string
	}
	if err := json.Unmarshal([]byte(line), &out); err != nil || out.Error != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return out.Output.UsersList
}
