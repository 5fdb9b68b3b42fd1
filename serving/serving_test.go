package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"usher/blob/blobtest"
	"usher/catalog"
	"usher/dataset"
	"usher/internal/worldtest"
	"usher/job"
	"usher/recipe"
	"usher/store"
)

const schemaText = `{"type":"record","name":"Interactions","fields":[
	{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
	{"name":"DEVICE","type":["null","string"],"categorical":true}],"version":"1.0"}`

// spelling is a recipe whose model answers its own name and what it was asked:
// item n has the score n, the user's newest item comes first. Bytes of its model
// are its name; "damaged" does not load.
type spelling struct {
	spec  recipe.Spec
	loads *int
}

func (r spelling) Spec() recipe.Spec { return r.spec }

func (r spelling) Train(context.Context, recipe.Input) (recipe.Model, error) {
	return nil, errors.New("not trained here")
}

func (r spelling) Load(b io.ReaderAt, size int64) (recipe.Model, error) {
	*r.loads++
	text := make([]byte, size)
	if _, err := b.ReadAt(text, 0); err != nil && err != io.EOF {
		return nil, err
	}
	if string(text) == "damaged" {
		return nil, errors.New("damaged model")
	}
	return spelled{string(text)}, nil
}

type spelled struct{ name string }

func (m spelled) Len() int { return 3 }

func (m spelled) Recommend(_ context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if n := len(q.History); n > 0 {
		dst = append(dst, recipe.Scored{Index: q.History[n-1].Item, Score: 1})
	} else {
		dst = append(dst, recipe.Scored{Index: 0, Score: .5, Flags: recipe.Popular | recipe.NoScore})
	}
	if q.Item != dataset.NoIndex {
		dst = append(dst, recipe.Scored{Index: q.Item, Score: .25, Flags: recipe.Exploration})
	}
	return dst[:min(k, len(dst))], nil
}

func (m spelled) Rank(context.Context, *recipe.Query, []dataset.Index, []recipe.Scored) ([]recipe.Scored, error) {
	return nil, errors.New("not ranked here")
}

func (m spelled) Save(w io.Writer) error { _, err := io.WriteString(w, m.name); return err }

type world struct {
	*worldtest.Group
	s     *Serving
	loads int
}

func newWorld(t *testing.T) *world {
	w := &world{Group: worldtest.New(t, nil).NewGroup("group")}
	user, ok := recipe.SpecOf("aws-user-personalization-v2")
	related, ok2 := recipe.SpecOf("aws-sims")
	if !ok || !ok2 {
		t.Fatal("the table has lost a recipe")
	}
	w.s = New(Options{DB: w.DB, History: w.History, Blobs: w.Blobs, Recipes: []recipe.Recipe{spelling{user, &w.loads}, spelling{related, &w.loads}},
		Now: time.Now, NewID: func() string { return "RID-1" }, Log: slog.New(slog.DiscardHandler)})
	w.Closing(func() error { return w.s.Close() }) // some tests have another
	w.append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Interactions, Text: schemaText}})
	for i, id := range []string{"i0", "i1", "i2"} {
		w.event("ann", id, int64(i))
	}
	return w
}

// append writes a change into the log; the next answer knows of it.
func (w *world) append(c dataset.Change) {
	w.Helper()
	if err := w.State().Wait(w.Context(), w.Append(c)); err != nil {
		w.Fatal(err)
	}
}

func (w *world) event(user, item string, at int64) {
	w.Helper()
	w.append(dataset.Change{Interaction: &dataset.Interaction{User: user, Item: item, Time: at}})
}

// version makes a trained version whose model says text.
func (w *world) version(arn, recipeName, text string) {
	w.Helper()
	v := &catalog.SolutionVersion{Meta: catalog.Meta{ARN: arn, Group: "group", Status: catalog.Active}, Recipe: recipeName}
	if text != "" {
		v.Model = "models/" + arn
		blobtest.Save(w, w.Blobs, v.Model, spelled{text}.Save)
	}
	w.Create(v)
}

// deploy lets the queue work until the campaign's status or update is settled.
func (w *world) deploy(arn string, change func(tx *store.Tx) error) (c *catalog.Campaign) {
	w.Helper()
	w.Update(func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return Enqueue(tx, arn)
	})
	w.Work(map[job.Kind]job.Worker{DeployJob: w.s.Deployer()}, func(tx *store.Tx) (bool, error) {
		var err error
		if c, err = catalog.Get[catalog.Campaign](tx, arn); err != nil {
			return false, err
		}
		return !c.Status.Transitional() && (c.LatestUpdate == nil || !c.LatestUpdate.Status.Transitional()), nil
	})
	return c
}

func (w *world) campaign(version string) *catalog.Campaign {
	w.Helper()
	arn := "arn:aws:personalize:us-east-1:000000000000:campaign/" + strings.ReplaceAll(version, "/", "-")
	return w.deploy(arn, func(tx *store.Tx) error {
		return catalog.Create(tx, &catalog.Campaign{Meta: catalog.Meta{ARN: arn, Group: "group", Parent: version, Status: catalog.Pending}})
	})
}

func (w *world) ask(r Request) string {
	w.Helper()
	a, err := w.s.Recommend(w.Context(), r)
	if err != nil {
		return "error: " + err.Error()
	}
	out := []string{a.ID}
	for _, i := range a.Items {
		s := i.ID
		if i.Scored {
			s += fmt.Sprint("=", i.Score)
		}
		if i.Reason != "" {
			s += "(" + i.Reason + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

const (
	v2   = "aws-user-personalization-v2"
	sims = "aws-sims"
)

func TestAnswers(t *testing.T) {
	w := newWorld(t)
	w.version("personal/1", v2, "a")
	w.version("related/1", sims, "b")
	p, r := w.campaign("personal/1"), w.campaign("related/1")
	for name, c := range map[string]struct {
		r    Request
		want string
	}{
		"known user":                     {Request{Campaign: p.ARN, User: "ann"}, "RID-1 i2=1"},
		"unknown user":                   {Request{Campaign: p.ARN, User: "bob"}, "RID-1 i0(Popular item)"},
		"itemId is ignored":              {Request{Campaign: p.ARN, User: "ann", Item: "i1"}, "RID-1 i2=1"},
		"known context":                  {Request{Campaign: p.ARN, User: "ann", Context: map[string]string{"device": "tv"}}, "RID-1 i2=1"},
		"related, no scores, no reasons": {Request{Campaign: r.ARN, Item: "i1"}, "RID-1 i0 i1"},
		"related to an unknown item":     {Request{Campaign: r.ARN, Item: "i9"}, "RID-1 i0"},
		"one result":                     {Request{Campaign: r.ARN, Item: "i1", Results: 1}, "RID-1 i0"},
	} {
		if got := w.ask(c.r); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	w.event("ann", "i1", 5)
	w.event("bob", "i0", 5)
	if got := w.ask(Request{Campaign: p.ARN, User: "ann"}); got != "RID-1 i1=1" {
		t.Errorf("after a live event: %s", got)
	}
	w.event("cleo", "new", 5) // an item that the model does not know
	if got := w.ask(Request{Campaign: p.ARN, User: "cleo"}); got != "RID-1 new=1" {
		t.Errorf("a new item: %s", got)
	}
	if w.loads != 2 {
		t.Errorf("%d loads of 2 models", w.loads)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	w.version("personal/1", v2, "a")
	w.version("related/1", sims, "b")
	p, r := w.campaign("personal/1"), w.campaign("related/1")
	for name, c := range map[string]struct {
		r    Request
		want string
	}{
		"no user":         {Request{Campaign: p.ARN}, "userId is missing"},
		"no item":         {Request{Campaign: r.ARN, User: "ann"}, "itemId is missing"},
		"too many":        {Request{Campaign: p.ARN, User: "ann", Results: 501}, "1 to 500"},
		"negative":        {Request{Campaign: p.ARN, User: "ann", Results: -1}, "1 to 500"},
		"unknown context": {Request{Campaign: p.ARN, User: "ann", Context: map[string]string{"WEATHER": "x"}}, "context.WEATHER: the Interactions schema has no column of that name. Use DEVICE."},
		"context of sims": {Request{Campaign: r.ARN, Item: "i1", Context: map[string]string{"DEVICE": "x"}}, "RELATED_ITEMS"},
	} {
		_, err := w.s.Recommend(t.Context(), c.r)
		var inv *Invalid
		if !errors.As(err, &inv) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := w.s.Recommend(t.Context(), Request{Campaign: "none", User: "ann"}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("an absent campaign: %v", err)
	}
}

func TestUpdateOfACampaign(t *testing.T) {
	w := newWorld(t)
	w.version("s/1", v2, "a")
	w.version("s/2", sims, "b")
	w.version("s/3", sims, "damaged")
	w.version("s/4", sims, "")
	c := w.campaign("s/1")
	change := func(version string) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			c, err := catalog.Get[catalog.Campaign](tx, c.ARN)
			if err != nil {
				return err
			}
			c.LatestUpdate = &catalog.CampaignUpdate{Version: version, MinTPS: 7, Status: catalog.Pending}
			return catalog.Update(tx, c)
		}
	}
	// While an update waits, the old version answers.
	w.Update(change("s/2"))
	if got := w.ask(Request{Campaign: c.ARN, User: "ann"}); got != "RID-1 i2=1" {
		t.Errorf("while an update waits: %s", got)
	}
	got := w.deploy(c.ARN, func(*store.Tx) error { return nil })
	if got.LatestUpdate.Status != catalog.Active || got.Parent != "s/2" || got.MinTPS != 7 || got.Status != catalog.Active {
		t.Errorf("updated: %+v %+v", got, got.LatestUpdate)
	}
	if got := w.ask(Request{Campaign: c.ARN, Item: "i1"}); got != "RID-1 i0 i1" {
		t.Errorf("after the update: %s", got)
	}
	for _, bad := range []string{"s/3", "s/4", "s/none"} {
		got := w.deploy(c.ARN, change(bad))
		if got.LatestUpdate.Status != catalog.Failed || got.LatestUpdate.FailureReason == "" || got.Status != catalog.Active || got.Parent != "s/2" {
			t.Errorf("update to %s: %+v %+v", bad, got, got.LatestUpdate)
		}
		if got := w.ask(Request{Campaign: c.ARN, Item: "i1"}); got != "RID-1 i0 i1" {
			t.Errorf("after the failed update to %s: %s", bad, got)
		}
	}
}

func TestFailedCampaign(t *testing.T) {
	w := newWorld(t)
	w.version("s/1", v2, "damaged")
	c := w.campaign("s/1")
	if c.Status != catalog.Failed || !strings.Contains(c.FailureReason, "damaged model") {
		t.Errorf("got %s %q", c.Status, c.FailureReason)
	}
	var inv *Invalid
	if _, err := w.s.Recommend(t.Context(), Request{Campaign: c.ARN, User: "ann"}); !errors.As(err, &inv) || !strings.Contains(err.Error(), "CREATE FAILED") {
		t.Errorf("got %v", err)
	}
}

func TestDeletedCampaign(t *testing.T) {
	w := newWorld(t)
	w.version("s/1", v2, "a")
	c := w.campaign("s/1")
	w.Update(func(tx *store.Tx) error { return catalog.Delete(tx, c) })
	if _, err := w.s.Recommend(t.Context(), Request{Campaign: c.ARN, User: "ann"}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if w.s.mu.models["s/1"] != nil {
		t.Error("the model is still held")
	}
}
