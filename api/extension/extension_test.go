package extension

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/history"
	"usher/measure"
	"usher/store"
	"usher/wire"
)

// serve gives a server of the calls over a group "shop" with two datasets that
// these changes fill.
func serve(t *testing.T, changes ...dataset.Change) *wire.Extensions {
	db, err := store.Open(t.Context(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	logs := eventlog.New(db)
	h := history.New(history.Options{Logs: logs.Log, Blobs: blobs})
	m := measure.New(measure.Options{Logs: logs.Log, History: h, Blobs: blobs})
	t.Cleanup(func() {
		if err := errors.Join(m.Close(), h.Close(), logs.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	arns := catalog.NewARNs("us-east-1", "000000000000")
	g := &catalog.DatasetGroup{Meta: catalog.Meta{ARN: arns.Of(catalog.KindDatasetGroup, "shop"), Status: catalog.Active}}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		if err := catalog.Create(tx, g); err != nil {
			return err
		}
		schemas := []dataset.SchemaSet{
			{Type: dataset.Interactions, Text: `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}]}`},
			{Type: dataset.Users, Text: `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":"int"}]}`},
		}
		all := []dataset.Change{{Schema: &schemas[0]}, {Schema: &schemas[1]}}
		for _, c := range append(all, changes...) {
			b, err := c.Append(nil)
			if err != nil {
				return err
			}
			if _, err := logs.Log(g.ID).AppendTx(tx, eventlog.Record{Data: b}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	x := wire.NewExtensions(wire.Options{Now: time.Now})
	New(Options{DB: db, ARNs: arns, Measure: m, History: h}).Register(x)
	return x
}

// answer is what a call below dataset-groups/ is to give.
type answer struct {
	path   string
	status int
	has    []string
	hasNot string // "": anything may be there
}

// answers makes the calls.
func answers(t *testing.T, x *wire.Extensions, calls []answer) {
	t.Helper()
	for _, c := range calls {
		w := httptest.NewRecorder()
		x.ServeHTTP(w, httptest.NewRequest("GET", wire.ExtensionPrefix+"dataset-groups/"+c.path, nil))
		got := w.Body.String()
		if w.Code != c.status || c.hasNot != "" && strings.Contains(got, c.hasNot) {
			t.Errorf("%s: %d %s", c.path, w.Code, got)
		}
		for _, want := range c.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s lacks %s", c.path, got, want)
			}
		}
	}
}

func TestStatisticsAndInsights(t *testing.T) {
	answers(t, serve(t), []answer{
		{"shop/statistics", 200, []string{`"datasetType":"INTERACTIONS"`, `"datasetType":"USERS"`, `"name":"AGE"`}, "ITEMS"},
		{"shop/statistics?datasetType=users", 200, []string{`"datasetType":"USERS"`}, "INTERACTIONS"},
		{"shop/insights", 200, []string{"few-interactions", "few-repeated-users"}, "idle"},
		{"shop/insights?search=ANONYMOUS", 200, []string{"few-repeated-users"}, "few-interactions"},
		{"shop/insights?datasetType=USERS", 200, []string{`"insights":[]`}, "few"},
		{"shop/insights?datasetType=shoes", 400, []string{"ValidationException", "ACTION_INTERACTIONS"}, "insights"},
		{"none/statistics", 404, []string{"ResourceNotFoundException", "dataset-group/none does not exist"}, ""},
	})
}
