package extension

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"usher/catalog"
	"usher/dataset"
	"usher/internal/worldtest"
	"usher/measure"
	"usher/wire"
)

// serve gives a server of the calls over a group "shop" with two datasets that
// these changes fill.
func serve(t *testing.T, changes ...dataset.Change) *wire.Extensions {
	arns := catalog.NewARNs("us-east-1", "000000000000")
	g := worldtest.New(t, nil).NewGroup(arns.Of(catalog.KindDatasetGroup, "shop"))
	m := measure.New(measure.Options{Logs: g.Logs.Log, History: g.History, Blobs: g.Blobs})
	g.Closing(m.Close)
	g.Append(dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Interactions, Text: `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}]}`}},
		dataset.Change{Schema: &dataset.SchemaSet{Type: dataset.Users, Text: `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":"int"}]}`}})
	g.Append(changes...)
	x := wire.NewExtensions(wire.Options{Now: time.Now})
	New(Options{DB: g.DB, ARNs: arns, Measure: m, History: g.History}).Register(x)
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
