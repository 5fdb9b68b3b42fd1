package attribution

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/dataset"
	"usher/ingest"
	"usher/internal/worldtest"
	"usher/job"
	"usher/store"
)

const (
	interactionsText = `{"type":"record","name":"Interactions","fields":[
		{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},{"name":"EVENT_TYPE","type":"string"},
		{"name":"EVENT_VALUE","type":["null","float"]},{"name":"MINUTES","type":["null","int"]},
		{"name":"RECOMMENDATION_ID","type":["null","string"]},{"name":"EVENT_ATTRIBUTION_SOURCE","type":["null","string"]}],"version":"1.0"}`
	itemsText = `{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"PRICE","type":["null","float"]}],"version":"1.0"}`
	arn       = "arn:aws:personalize:us-east-1:000000000000:metric-attribution/m"
	campaign  = "arn:aws:personalize:us-east-1:000000000000:campaign/c"
	rid       = "RID-01234567-89ab-cdef-0123-456789abcdef"
)

// world is a group with interactions and items, a campaign, and a metric attribution.
type world struct {
	*worldtest.Group
	in   *ingest.Ingest
	jobs int

	mu  sync.Mutex
	now time.Time
}

// running is one process that counts.
type running struct {
	*Attribution
	ticks chan time.Time
	set   *metrics.Set
}

func newWorld(t *testing.T, list ...catalog.Metric) *world {
	w := &world{now: time.Unix(1_700_000_100, 0)}
	w.Group = worldtest.New(t, w.clock).NewGroup("group")
	w.in = ingest.New(ingest.Options{DB: w.DB, Logs: w.Logs, History: w.History, Blobs: w.Blobs, Buckets: w.Buckets, Workers: 2, Log: slog.New(slog.DiscardHandler)})
	w.Closing(w.in.Close)
	for kind, text := range map[dataset.Type]string{dataset.Interactions: interactionsText, dataset.Items: itemsText} {
		w.AddDataset(&catalog.Dataset{Meta: catalog.Meta{ARN: string(kind)}, Type: string(kind)}, text)
	}
	w.Create(&catalog.EventTracker{Meta: catalog.Meta{ARN: "tracker", Group: "group", Parent: "group", Status: catalog.Active}, TrackingID: "t"})
	w.Create(&catalog.Campaign{Meta: catalog.Meta{ARN: campaign, Group: "group", Status: catalog.Active}})
	if err := w.in.Put(t.Context(), string(dataset.Items), dataset.Items, []ingest.Entity{{ID: "i1", Properties: `{"price": 2.5}`}, {ID: "i2", Properties: `{"price": 10}`}, {ID: "i3"}}); err != nil {
		t.Fatal(err)
	}
	w.event(ingest.Event{ID: "before", Type: "buy", Item: "i1", SentAt: w.clock()}) // is not counted
	r := &catalog.MetricAttribution{Meta: catalog.Meta{ARN: arn, Name: "m", Group: "group", Parent: "group", Status: catalog.Active}, Metrics: list, Output: "s3://out/metrics"}
	w.Update(func(tx *store.Tx) error {
		since, err := Now(tx, w.Logs, "group")
		if err != nil {
			return err
		}
		for i := range r.Metrics {
			r.Metrics[i].Since = since
		}
		if err := catalog.Create(tx, r); err != nil {
			return err
		}
		return Begin(tx, w.Logs, r)
	})
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) event(events ...ingest.Event) {
	w.Helper()
	if err := w.in.PutEvents(w.Context(), "t", "u", "s", events); err != nil {
		w.Fatal(err)
	}
}

// start begins a process that counts.
func (w *world) start(sources int) *running {
	r := &running{ticks: make(chan time.Time), set: metrics.NewSet()}
	r.Attribution = Open(Options{DB: w.DB, Logs: w.Logs, History: w.History, Blobs: w.Blobs, Buckets: w.Buckets, Metrics: r.set, Sources: sources,
		Tick: func() (<-chan time.Time, func()) { return r.ticks, func() {} }, Log: slog.New(slog.DiscardHandler)})
	w.Cleanup(func() { _ = r.Close() }) // some tests have closed it
	return r
}

// settled ticks until all that is in the log is written down, and no report waits.
func (w *world) settled(r *running) *state {
	w.Helper()
	last, err := w.Logs.Log(w.Record.ID).Last(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for {
		for range 2 { // the second is taken when the first has been dealt with
			select {
			case r.ticks <- time.Time{}:
			case <-w.Context().Done():
				w.Fatal("test ended")
			}
		}
		if s := w.state(); s.Offset >= last && len(s.Outbox) == 0 {
			return s
		}
	}
}

func (w *world) state() *state {
	w.Helper()
	var c *catalog.AttributionCounts
	w.View(func(tx *store.Tx) (err error) {
		c, err = catalog.Get[catalog.AttributionCounts](tx, catalog.CountsARN(arn))
		return err
	})
	s, err := decodeState(c.State)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) wantTotals(s *state, want ...string) {
	w.Helper()
	var got []string
	for _, c := range sorted(s.Totals) {
		got = append(got, fmt.Sprintf("%s %s %s %v", c.Metric, c.Type, c.Source, c.N))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.Errorf("totals are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

var buys = []catalog.Metric{
	{Name: "buys", EventType: "Buy", Expression: "SAMPLECOUNT()"},
	{Name: "value", EventType: "buy", Expression: "SUM(Interactions.EVENT_VALUE)"},
	{Name: "revenue", EventType: "buy", Expression: "sum( items.Price )"},
	{Name: "minutes", EventType: "watch", Expression: "SUM(Interactions.MINUTES)"},
}

func value(x float64) *float64 { return &x }

// Live events are counted by their source and window; reports are what AWS writes.
func TestLiveEvents(t *testing.T) {
	w := newWorld(t, buys...)
	r := w.start(0)
	now := w.clock()
	w.event(
		ingest.Event{Type: "buy", Item: "i1", SentAt: now, Source: "shelf", RecommendationID: catalog.RecommendationID(rid, campaign)},
		ingest.Event{ID: "a", Type: "BUY", Item: "i2", SentAt: now, Value: value(3), RecommendationID: catalog.RecommendationID(rid, campaign)},
		ingest.Event{Type: "buy", Item: "i3", SentAt: now.Add(-time.Hour), Value: value(.5), RecommendationID: rid},
		ingest.Event{Type: "watch", Item: "i3", SentAt: now, Properties: `{"minutes": 7}`},
		ingest.Event{Type: "watch", Item: "i3", SentAt: now.Add(time.Second)},
		ingest.Event{Type: "look", Item: "i3", SentAt: now})
	w.event(ingest.Event{ID: "a", Type: "buy", Item: "i1", SentAt: now}, // repeats
		ingest.Event{Type: "watch", Item: "i3", SentAt: now, Properties: `{"minutes": 7}`},
		ingest.Event{ID: "before", Type: "buy", Item: "i1", SentAt: now})
	s := w.settled(r)
	want := []string{
		"buys BUY shelf 1", "buys BUY " + campaign + " 1", "buys BUY " + Undefined + " 1",
		"value BUY " + campaign + " 3", "value BUY " + Undefined + " 0.5",
		"revenue BUY shelf 2.5", "revenue BUY " + campaign + " 10", "minutes WATCH " + Undefined + " 7",
	}
	w.wantTotals(s, want...)
	var series strings.Builder
	r.set.WritePrometheus(&series)
	if line := fmt.Sprintf("usher_attributed_metric{MetricAttributionArn=%q,MetricName=\"revenue\",EVENT_TYPE=\"BUY\",EVENT_ATTRIBUTION_SOURCE=%q} 10\n", arn, campaign); !strings.Contains(series.String(), line) {
		t.Errorf("%s is not in\n%s", line, series.String())
	}
	if len(w.Files("out/metrics/")) != 0 {
		t.Error("a report came before its time")
	}
	w.later(window)
	w.settled(r)
	const begin = 1_700_000_100 / 900 * 900
	wantReport := header + fmt.Sprintf(`BUYS,BUY,1.0,samplecount,SOURCE_NAME_UNDEFINED,%[1]d
VALUE,BUY,0.5,sum,SOURCE_NAME_UNDEFINED,%[1]d
BUYS,BUY,1.0,samplecount,%[3]s,%[2]d
BUYS,BUY,1.0,samplecount,shelf,%[2]d
MINUTES,WATCH,7.0,sum,SOURCE_NAME_UNDEFINED,%[2]d
REVENUE,BUY,10.0,sum,%[3]s,%[2]d
REVENUE,BUY,2.5,sum,shelf,%[2]d
VALUE,BUY,3.0,sum,%[3]s,%[2]d
`, begin-3600, begin, campaign)
	name := fmt.Sprintf("AggregatedAttributionMetrics - PutEvents - %d.csv", w.clock().Unix())
	if got := w.Files("out/metrics/"); len(got) != 1 || got[name] != wantReport {
		t.Errorf("reports %q\nwant %s:\n%s", got, name, wantReport)
	}

	// A late event is in the next report, in its own window.
	w.event(ingest.Event{ID: "late", Type: "buy", Item: "i1", SentAt: now.Add(-24 * time.Hour)})
	w.settled(r)
	w.later(2 * window)
	w.settled(r)
	name = fmt.Sprintf("AggregatedAttributionMetrics - PutEvents - %d.csv", w.clock().Unix())
	if got := w.Files("out/metrics/")[name]; !strings.Contains(got, fmt.Sprintf("BUYS,BUY,1.0,samplecount,SOURCE_NAME_UNDEFINED,%d\n", begin-86400)) || strings.Count(got, "\n") != 3 {
		t.Errorf("the late event: %q", got)
	}
}

// Processes that end, that begin anew and that run at once count everything once.
func TestCountsOnce(t *testing.T) {
	w := newWorld(t, buys...)
	a, b := w.start(0), w.start(0)
	n := 0
	for round := range 6 {
		for range 20 {
			n++
			w.event(ingest.Event{ID: fmt.Sprint(n), Type: "buy", Item: "i1", SentAt: w.clock()})
		}
		switch round % 3 {
		case 0:
			w.settled(a)
		case 1:
			w.settled(b)
		case 2:
			_ = a.Close()
			a = w.start(0)
		}
	}
	w.event(ingest.Event{ID: "7", Type: "buy", Item: "i1", SentAt: w.clock()}) // from before the restarts
	w.settled(a)
	w.wantTotals(w.settled(b), fmt.Sprintf("buys BUY %s %d", Undefined, n), fmt.Sprintf("revenue BUY %s %v", Undefined, 2.5*float64(n)))
}

// Imports that add are in the totals; those that are told to, in a report.
func TestImports(t *testing.T) {
	w := newWorld(t, buys...)
	r := w.start(0)
	const head = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,MINUTES,RECOMMENDATION_ID,EVENT_ATTRIBUTION_SOURCE\n"
	w.imported("FULL", false, head+"u,i1,1699999000,buy,1,,,\n")
	w.wantTotals(w.settled(r))
	w.imported("INCREMENTAL", true, head+
		"u,i1,1699999000,buy,1,,,shelf\nu,i2,1699999000,Buy,,,"+catalog.RecommendationID(rid, campaign)+",\nv,i1,1699998000,watch,,5,,\n")
	w.wantTotals(w.settled(r), "buys BUY shelf 1", "value BUY shelf 1", "revenue BUY shelf 2.5", "buys BUY "+campaign+" 1", "revenue BUY "+campaign+" 10", "minutes WATCH "+Undefined+" 5")
	w.imported("FULL", true, head+"u,i1,1699999000,buy,9,,,shelf\n")
	w.settled(r)
	got := w.Files("out/metrics/")
	names := slices.Sorted(maps.Keys(got))
	if len(names) != 2 || !strings.HasPrefix(names[0], "AggregatedAttributionMetrics - FULL - ") || !strings.HasPrefix(names[1], "AggregatedAttributionMetrics - INCREMENTAL - ") {
		t.Fatalf("reports %q", names)
	}
	if want := header + "BUYS,BUY,1.0,samplecount,shelf,1699998300\nREVENUE,BUY,2.5,sum,shelf,1699998300\nVALUE,BUY,9.0,sum,shelf,1699998300\n"; got[names[0]] != want {
		t.Errorf("FULL: %q, want %q", got[names[0]], want)
	}
	if text := got[names[1]]; strings.Count(text, "\n") != 7 || !strings.Contains(text, "MINUTES,WATCH,5.0,sum,"+Undefined+",1699997400\n") {
		t.Errorf("INCREMENTAL: %q", text)
	}
	w.wantTotals(w.state(), "buys BUY shelf 1", "value BUY shelf 1", "revenue BUY shelf 2.5", "buys BUY "+campaign+" 1", "revenue BUY "+campaign+" 10", "minutes WATCH "+Undefined+" 5")
}

func (w *world) imported(mode string, publish bool, text string) {
	w.Helper()
	w.jobs++
	w.Put(fmt.Sprintf("in/%d.csv", w.jobs), text)
	j := &catalog.ImportJob{Meta: catalog.Meta{ARN: fmt.Sprint("import/", w.jobs), Group: "group", Parent: string(dataset.Interactions), Status: catalog.Pending},
		Location: fmt.Sprintf("s3://in/%d.csv", w.jobs), Mode: mode, PublishMetrics: publish}
	w.Update(func(tx *store.Tx) error {
		if err := catalog.Create(tx, j); err != nil {
			return err
		}
		return ingest.Enqueue(tx, j.ARN)
	})
	if m := w.Settle(map[job.Kind]job.Worker{ingest.ImportJob: w.in.Importer(), ingest.EraseJob: w.in.Eraser()}, j.ARN).Common(); m.Status != catalog.Active {
		w.Fatal(m.FailureReason)
	}
}

// Metrics that are added count from then on, those taken away are forgotten, and
// with the metric attribution the counts and series go.
func TestMetricsComeAndGo(t *testing.T) {
	w := newWorld(t, buys[:1]...)
	r := w.start(1)
	w.event(ingest.Event{ID: "1", Type: "buy", Item: "i1", SentAt: w.clock(), Source: "a"}, ingest.Event{ID: "2", Type: "buy", Item: "i1", SentAt: w.clock(), Source: "b"})
	w.wantTotals(w.settled(r), "buys BUY a 1", "buys BUY "+Undefined+" 1") // there is room for one source
	change := func(fn func(m *catalog.MetricAttribution, since uint64)) {
		w.Update(func(tx *store.Tx) error {
			m, err := catalog.Get[catalog.MetricAttribution](tx, arn)
			if err != nil {
				return err
			}
			since, err := Now(tx, w.Logs, "group")
			if err != nil {
				return err
			}
			fn(m, since)
			return catalog.Update(tx, m)
		})
	}
	change(func(m *catalog.MetricAttribution, since uint64) {
		m.Metrics = []catalog.Metric{{Name: "revenue", EventType: "buy", Expression: "SUM(Items.PRICE)", Since: since}}
	})
	w.event(ingest.Event{ID: "3", Type: "buy", Item: "i1", SentAt: w.clock(), Source: "a"})
	w.wantTotals(w.settled(r), "revenue BUY a 2.5")
	w.Update(func(tx *store.Tx) error {
		m, err := catalog.Get[catalog.MetricAttribution](tx, arn)
		if err != nil {
			return err
		}
		return catalog.DeleteAll(tx, m)
	})
	_ = r.Close()
	var series strings.Builder
	if r.set.WritePrometheus(&series); series.Len() > 0 {
		t.Errorf("series are left: %s", series.String())
	}
}

func TestParseExpression(t *testing.T) {
	for text, want := range map[string]Expression{
		"SAMPLECOUNT()": {}, " samplecount ( ) ": {}, "SUM(Items.PRICE)": {dataset.Items, "PRICE"}, "sum(INTERACTIONS.event_value)": {dataset.Interactions, "event_value"},
	} {
		if got, err := ParseExpression(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "SUM()", "SUM(Users.AGE)", "SUM(Items)", "COUNT()", "SUM(Items.A) x", "SAMPLECOUNT(Items.A)"} {
		if _, err := ParseExpression(text); err == nil || !strings.Contains(err.Error(), "SAMPLECOUNT()") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
