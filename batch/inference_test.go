package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"usher/blob"
	"usher/blob/blobtest"
	"usher/catalog"
	"usher/dataset"
	"usher/recipe"
	"usher/recipe/itemknn"
	"usher/recipe/popularity"
	"usher/recipe/sequence"
	"usher/serving"
	"usher/store"
)

// serve lets the world answer: three tastes of five items and twelve users, and a
// version of each recipe, trained on them. Its ARN is the recipe's name.
func (w *world) serve(recipes ...recipe.Recipe) {
	w.Helper()
	var csv strings.Builder
	csv.WriteString(interactionsHead)
	for u := range 12 {
		for i := range 4 {
			fmt.Fprintf(&csv, "u%d,i%d,%d,view,,,,\n", u, (u%3)*5+(u+i)%5, 100*u+i)
		}
	}
	w.Put("in/events.csv", csv.String())
	w.imported("a", dataset.Interactions, "s3://in/events.csv", "FULL")
	var items strings.Builder
	items.WriteString("ITEM_ID,GENRES,TEXT,N,L,F,D,B\n")
	for i := range 15 {
		fmt.Fprintf(&items, "i%d,taste%d,,%d,,,,\n", i, i/5, i)
	}
	w.Put("in/items.csv", items.String())
	w.imported("a", dataset.Items, "s3://in/items.csv", "FULL")
	w.serving = serving.New(serving.Options{DB: w.DB, History: w.History, Blobs: w.Blobs, Recipes: recipes, Now: w.DB.Now,
		NewID: func() string { return "RID" }, Log: slog.New(slog.DiscardHandler)})
	w.Cleanup(func() { _ = w.serving.Close() })
	w.batch.opt.Serving = w.serving
	w.workers[InferenceJob] = w.batch.Inferrer()
	for _, r := range recipes {
		w.version(r)
	}
}

// version trains a recipe.
func (w *world) version(r recipe.Recipe) {
	w.Helper()
	m, err := r.Train(w.Context(), recipe.Input{Data: w.group["a"].Snapshot(), Params: recipe.Defaults(r.Spec().Algo), Seed: 1, Workers: 2})
	if err != nil {
		w.Fatal(err)
	}
	name := "models/" + r.Spec().Name
	blobtest.Save(w, w.Blobs, name, m.Save)
	v := &catalog.SolutionVersion{Meta: catalog.Meta{ARN: r.Spec().Name, Group: "a", Status: catalog.Active}, Recipe: r.Spec().Name, Model: name}
	w.Create(v)
}

// inferred runs a batch inference of s3://ask/<name> to its end and gives what is
// in its output folder.
func (w *world) inferred(version, name string, more func(j *catalog.BatchInferenceJob)) (*catalog.Meta, map[string]string) {
	w.Helper()
	w.jobs++
	out := fmt.Sprint("answers", w.jobs)
	j := &catalog.BatchInferenceJob{
		Meta:       catalog.Meta{ARN: "job/" + out, Name: out, Group: "a", Parent: version, Status: catalog.Pending},
		BatchFiles: catalog.BatchFiles{Input: "s3://ask/" + name, Output: "s3://out/" + out + "/"},
	}
	if more != nil {
		more(j)
	}
	w.Update(func(tx *store.Tx) error {
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		return EnqueueInference(tx, j.ARN)
	})
	return w.run(j.ARN), w.Files("out/" + out + "/")
}

func (w *world) wantLines(got string, want ...string) {
	w.Helper()
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	for i := range max(len(lines), len(want)) {
		switch {
		case i >= len(lines):
			w.Errorf("line %d is missing: %s", i+1, want[i])
		case i >= len(want):
			w.Errorf("line %d is one too many: %s", i+1, lines[i])
		case strings.HasSuffix(want[i], "…") && strings.HasPrefix(lines[i], strings.TrimSuffix(want[i], "…")):
		case lines[i] != want[i]:
			w.Errorf("line %d:\n got %s\nwant %s", i+1, lines[i], want[i])
		}
	}
}

// Files as other programs write them: a mark before UTF-8, bytes that are no UTF-8,
// members of other types. Every line of answer is JSON, and no text speaks of Go.
func TestInferenceOfOddFiles(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(popularity.Recipe{}, sequence.Ranking{})
	w.Put("ask/odd/marked.json", "\uFEFF{\"userId\":\"u1\"}\n{\"userId\":\"a\xffb\"}\n\uFEFF{}\n{\"userId\":[\"u1\"]}\n{\"userId\":\"u1\",\"context\":{\"A\":7}}\nnull")
	w.Put("ask/odd/only-mark.json", "\uFEFF")
	m, files := w.inferred(popularity.Name, "odd/", func(j *catalog.BatchInferenceJob) { j.Results = 2 })
	if m.Status != catalog.Active || files["only-mark.json.out"] != "" {
		t.Fatalf("%s %q, files %v", m.Status, m.FailureReason, files)
	}
	const form = `,"output":null,"error":"The line is not a JSON object of the documented form: `
	w.wantLines(files["marked.json.out"],
		`{"input":{"userId":"u1"},"output":{"recommendedItems":["i1","i7"]},"error":null}`,
		`{"input":"{\"userId\":\"a�b\"}","output":null,"error":"The line is not UTF-8. Write…`,
		"{\"input\":\"\uFEFF{}\""+form+"invalid character…",
		`{"input":{"userId":["u1"]}`+form+`[\"u1\"] is not the id of a user or item; write…`,
		`{"input":{"userId":"u1","context":{"A":7}}`+form+`context: a text in double quotes was expected, not a number. Write…`,
		`{"input":null`+form+`an object was expected. Write…`)
	long := `{"userId":"u1","itemList":["` + strings.Repeat(`i1","`, rankedMost) + `i1"]}`
	w.Put("ask/rank.json", long+"\n"+`{"userId":"u1","itemList":["i1",null]}`)
	_, files = w.inferred(sequence.RankingName, "rank.json", nil)
	w.wantLines(files["rank.json.out"],
		`{"input":`+long+`,"output":null,"error":"itemList has 501 items. At most 500…`,
		`{"input":{"userId":"u1","itemList":["i1",null]},"output":null,"error":"itemList has no id at place 2…`)
}

// Good lines and bad ones are answered where they stand, in each file.
func TestInferenceAnswersInPlace(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(popularity.Recipe{}, itemknn.Similar{}, sequence.Ranking{})
	w.Put("ask/users/b.json", "{\"userId\": \"u1\"}\r\n\n{\"userId\": 7, \"more\": [1 , 2]}\nnonsense \"\n[1]\n{\"userId\":\"new\"}")
	w.Put("ask/users/a.json", `{"userId":"`+strings.Repeat("x", 257)+`"}`+"\n"+`{"userId":"u1","filterValues":{"A":"\"b\""}}`)
	w.Put("ask/users/deeper/c.json", `{"userId":"u1"}`)
	m, files := w.inferred(popularity.Name, "users/", func(j *catalog.BatchInferenceJob) { j.Results = 2 })
	if m.Status != catalog.Active || len(files) != 3 || files["_CHECK"] != "" {
		t.Fatalf("%s %q, files %v", m.Status, m.FailureReason, files)
	}
	const two = `,"output":{"recommendedItems":["i1","i7"]},"error":null}`
	w.wantLines(files["b.json.out"],
		`{"input":{"userId":"u1"}`+two,
		`{"input":{"userId":7,"more":[1,2]}`+two,
		`{"input":"nonsense \"","output":null,"error":"The line is not a JSON object…`,
		`{"input":[1],"output":null,"error":"The line is not a JSON object…`,
		`{"input":{"userId":"new"}`+two)
	w.wantLines(files["a.json.out"],
		`{"input":{"userId":"xxx…`,
		`{"input":{"userId":"u1","filterValues":{"A":"\"b\""}},"output":null,"error":"filterValues are given, but…`)

	w.Put("ask/items.json", `{"itemId":"i6"}`+"\n"+`{"userId":"u1"}`)
	_, files = w.inferred(itemknn.SimilarName, "items.json", func(j *catalog.BatchInferenceJob) { j.Results = 4 })
	var near []string
	for _, id := range []string{"i5", "i7", "i8", "i9"} {
		if strings.Contains(files["items.json.out"], `"`+id+`"`) {
			near = append(near, id)
		}
	}
	if len(near) != 4 {
		t.Errorf("related to i6: %s", files["items.json.out"])
	}
	if !strings.Contains(files["items.json.out"], `{"input":{"userId":"u1"},"output":null,"error":"itemId is missing.`) {
		t.Errorf("without an item: %s", files["items.json.out"])
	}

	w.Put("ask/rank.json", `{"userId":"u1","itemList":["i0","nowhere","i6"]}`+"\n"+`{"userId":"u1"}`+"\n"+`{"itemList":["i1"]}`)
	_, files = w.inferred(sequence.RankingName, "rank.json", nil)
	lines := strings.Split(files["rank.json.out"], "\n")
	if !strings.HasPrefix(lines[0], `{"input":{"userId":"u1","itemList":["i0","nowhere","i6"]},"output":{"recommendedItems":["i6","i0","nowhere"],"scores":[0.`) || !strings.HasSuffix(lines[0], `,0]},"error":null}`) {
		t.Errorf("ranked: %s", lines[0])
	}
	if !strings.Contains(lines[1], "itemList is missing") || !strings.Contains(lines[2], "userId is missing") {
		t.Errorf("%q", lines[1:])
	}
}

// A filter of the job narrows each line's answer by the line's own values.
func TestInferenceFilters(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(popularity.Recipe{})
	f := &catalog.Filter{Meta: catalog.Meta{ARN: "filter", Group: "a", Status: catalog.Active}, Expression: `INCLUDE ItemID WHERE Items.GENRES IN ($T)`}
	w.Create(f)
	w.Put("ask/f.json", `{"userId":"u1","filterValues":{"T":"\"taste1\""}}`+"\n"+`{"userId":"u1","filterValues":{"T":"\"taste2\""}}`+"\n"+`{"userId":"u1"}`)
	_, files := w.inferred(popularity.Name, "f.json", func(j *catalog.BatchInferenceJob) { j.Filter, j.Results = "filter", 1 })
	w.wantLines(files["f.json.out"],
		`{"input":{"userId":"u1","filterValues":{"T":"\"taste1\""}},"output":{"recommendedItems":["i7"]},"error":null}`,
		`{"input":{"userId":"u1","filterValues":{"T":"\"taste2\""}},"output":{"recommendedItems":["i13"]},"error":null}`,
		`{"input":{"userId":"u1"},"output":null,"error":"…`)
}

// The customer learns what is wrong with the job's paths.
func TestInferencePaths(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(popularity.Recipe{})
	m, _ := w.inferred(popularity.Name, "nothing.json", nil)
	if m.Status != catalog.Failed || !strings.Contains(m.FailureReason, "Invalid S3 input path. There is no object s3://ask/nothing.json") {
		t.Errorf("%s %q", m.Status, m.FailureReason)
	}
	w.Put("ask/u.json", `{"userId":"u1"}`)
	w.batch.opt.Buckets = noBucket{w.Buckets}
	m, _ = w.inferred(popularity.Name, "u.json", nil)
	if m.Status != catalog.Failed || !strings.Contains(m.FailureReason, "Invalid S3 output path. There is no bucket") {
		t.Errorf("%s %q", m.Status, m.FailureReason)
	}
}

// frail is a store that fails once when the n-th object is created.
type frail struct {
	blob.Store
	left  atomic.Int64
	made  atomic.Int64
	error error
}

func (f *frail) Create(ctx context.Context, name string) (blob.Writer, error) {
	if f.left.Add(-1) == 0 {
		return nil, f.error
	}
	f.made.Add(1)
	return f.Store.Create(ctx, name)
}

// An attempt goes on behind the last chunk of the one before, and nothing is left
// but the answers, which are those of an attempt that was not disturbed.
func TestInferenceGoesOn(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(popularity.Recipe{})
	w.batch.opt.chunkLines = 3
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "{\"userId\":\"u%d\"}\n", i)
	}
	w.Put("ask/go/1.json", text.String())
	w.Put("ask/go/2.json", strings.ReplaceAll(text.String(), "u", "x"))
	_, want := w.inferred(popularity.Name, "go", nil)
	for _, fail := range []int{0, 3, 6, 7, 13} {
		f := &frail{Store: w.Blobs, error: io.ErrClosedPipe}
		f.left.Store(int64(fail + 1))
		w.batch.opt.Blobs = f
		m, got := w.inferred(popularity.Name, "go/", nil)
		if m.Status != catalog.Active || len(got) != 3 {
			t.Fatalf("failed at chunk %d: %s %s, %d files", fail, m.Status, m.FailureReason, len(got))
		}
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("failed at chunk %d: %s differs", fail, name)
			}
		}
		if n := f.made.Load(); n != 14 { // 7 chunks a file, none made twice
			t.Errorf("failed at chunk %d: %d chunks", fail, n)
		}
	}
	for info, err := range w.Blobs.List(t.Context(), "batch/") {
		t.Errorf("left: %s %v", info.Name, err)
	}
}

// Quotas of the input files end a job before it asks.
func TestInferenceQuotas(t *testing.T) {
	w := newWorld(t, 0)
	w.serve(popularity.Recipe{})
	w.batch.opt.Quotas = true
	for i := range filesMost + 1 {
		w.Put(fmt.Sprintf("ask/many/%d.json", i), "{}")
	}
	m, files := w.inferred(popularity.Name, "many/", nil)
	if m.Status != catalog.Failed || !strings.Contains(m.FailureReason, "1001 files") || len(files) != 0 {
		t.Errorf("%s %q, %d files", m.Status, m.FailureReason, len(files))
	}
}

func FuzzQuestion(f *testing.F) {
	for _, s := range []string{`{"userId":"a"}`, `{"itemList":["a",1]}`, "\x80", "", `{"userId":{}}`, "[]", `"` + strings.Repeat("é", 600)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(strings.TrimSpace(string(line))) == 0 {
			return
		}
		_, err := parseQuestion(line)
		if text, ok := mistake(err); err != nil && (!ok || text == "") {
			t.Fatalf("%v is not for people", err)
		}
		out := appendMistake(nil, line, "text")
		if !json.Valid(out) || strings.ContainsRune(string(out), '\n') {
			t.Fatalf("%q gives %q", line, out)
		}
	})
}
