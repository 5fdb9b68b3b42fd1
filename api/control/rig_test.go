package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"usher/batch"
	"usher/catalog"
	"usher/catalog/catalogtest"
	"usher/dataset"
	"usher/ingest"
	"usher/internal/worldtest"
	"usher/job"
	"usher/recipe"
	"usher/serving"
	"usher/store"
	"usher/train"
	"usher/wire"
	"usher/wire/personalize"
)

// prefix begins the ARNs of the tests; they write it "~".
const prefix = "arn:aws:personalize:us-east-1:123456789012:"

func epoch() time.Time { return time.Unix(1_700_000_000, 0).UTC() }

// fakeRecipe is a recipe of the table that is never trained in these tests.
type fakeRecipe struct{ name string }

func (f fakeRecipe) Spec() recipe.Spec { s, _ := recipe.SpecOf(f.name); return s }

func (fakeRecipe) Train(context.Context, recipe.Input) (recipe.Model, error) {
	return nil, errors.New("no training here")
}

func (fakeRecipe) Load(io.ReaderAt, int64) (recipe.Model, error) {
	return nil, errors.New("no models here")
}

// worker does jobs when the test says so: what is sent on ends publishes the result.
type worker struct {
	begun chan string // the key, when a job runs
	ends  chan func(tx *store.Tx) error
	done  chan error
	leave chan struct{} // closed: a cancelled job returns at once
}

func newWorker() *worker {
	w := &worker{make(chan string, 100), make(chan func(tx *store.Tx) error), make(chan error), make(chan struct{})}
	close(w.leave)
	return w
}

func (w *worker) Run(ctx context.Context, t *job.Task) error {
	w.begun <- t.Key
	select {
	case fn := <-w.ends:
		err := t.Finish(ctx, fn)
		w.done <- err
		return err
	case <-ctx.Done():
		<-w.leave
		return context.Cause(ctx)
	}
}

// Abandon does what train does for a cancelled version.
func (w *worker) Abandon(tx *store.Tx, key string, _ json.RawMessage, cause error) error {
	r, err := catalog.Find(tx, key)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m := r.Common()
	m.Status, m.FailureReason = catalog.Failed, cause.Error()
	if errors.Is(cause, job.ErrCanceled) {
		m.Status, m.FailureReason = catalog.Stopped, ""
	}
	return catalog.Update(tx, r)
}

// rig is the API over a real database, log and queue, with workers that wait.
type rig struct {
	*worldtest.World
	jobs    *job.Queue
	opt     Options
	mux     *wire.Mux
	workers map[job.Kind]*worker
}

func newRig(t *testing.T, set ...func(*Options)) *rig {
	t.Helper()
	r := &rig{World: worldtest.New(t, epoch), workers: map[job.Kind]*worker{}}
	quiet := slog.New(slog.DiscardHandler)
	in := ingest.New(ingest.Options{DB: r.DB, Logs: r.Logs, History: r.History, Blobs: r.Blobs, Log: quiet})
	r.Closing(in.Close)
	workers := map[job.Kind]job.Worker{ingest.EraseJob: in.Eraser()}
	for _, k := range []job.Kind{ingest.ImportJob, batch.ExportJob, batch.InferenceJob, batch.SegmentJob, train.Job, serving.DeployJob, serving.RecommenderJob} {
		r.workers[k] = newWorker()
		workers[k] = r.workers[k]
	}
	var err error
	if r.jobs, err = job.Open(t.Context(), job.Options{DB: r.DB, Workers: workers, Log: quiet}); err != nil {
		t.Fatal(err)
	}
	r.Closing(r.jobs.Close)
	r.opt = Options{DB: r.DB, Jobs: r.jobs, Ingest: in, Logs: r.Logs, ARNs: catalog.NewARNs("us-east-1", "123456789012"),
		Recipes: []recipe.Recipe{fakeRecipe{"aws-user-personalization-v2"}, fakeRecipe{"aws-sims"}, fakeRecipe{"aws-popularity-count"}}}
	for _, fn := range set {
		fn(&r.opt)
	}
	r.mux = wire.NewMux(wire.Options{Now: epoch})
	personalize.Register(r.mux, New(r.opt))
	return r
}

// allRecipes makes every recipe of the table trainable.
func allRecipes(o *Options) {
	o.Recipes = nil
	for _, s := range recipe.Table() {
		o.Recipes = append(o.Recipes, fakeRecipe{s.Name})
	}
}

// send calls an operation as a client does and gives status and body.
func (r *rig) send(op, input string) (int, string) {
	r.Helper()
	req := httptest.NewRequest("POST", "/", strings.NewReader(strings.ReplaceAll(input, "~", prefix)))
	req.Header.Set("X-Amz-Target", "AmazonPersonalize."+op)
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, req)
	if w.Code >= 500 {
		r.Errorf("%s %s: %d %s", op, input, w.Code, w.Body)
	}
	return w.Code, strings.ReplaceAll(w.Body.String(), prefix, "~")
}

// ok calls an operation that has to succeed and gives its answer.
func (r *rig) ok(op, input string) map[string]any {
	r.Helper()
	code, body := r.send(op, input)
	if code != 200 {
		r.Fatalf("%s %s: %d %s", op, input, code, body)
	}
	if body == "" {
		return nil
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		r.Fatal(err)
	}
	return out
}

// refused calls an operation that has to fail and compares its error: code, and
// parts of the message.
func (r *rig) refused(op, input, code string, parts ...string) {
	r.Helper()
	status, body := r.send(op, input)
	var fault struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal([]byte(body), &fault) // what is no fault has no type
	if status != 400 || fault.Type != code+"Exception" {
		r.Errorf("%s %s: %d %s, want %s", op, input, status, body, code)
		return
	}
	for _, p := range parts {
		if !strings.Contains(fault.Message, p) {
			r.Errorf("%s %s: message %q lacks %q", op, input, fault.Message, p)
		}
	}
}

// at goes down an answer: at(m, "solution", "latestSolutionVersion", "status").
func at(v any, path ...string) any {
	for _, k := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// same compares a member of an answer.
func (r *rig) same(answer any, want any, path ...string) {
	r.Helper()
	got, _ := json.Marshal(at(answer, path...))
	expected, _ := json.Marshal(want)
	if string(got) != string(expected) {
		r.Errorf("%s is %s, want %s", strings.Join(path, "."), got, expected)
	}
}

// status gives a resource's status from the catalog.
func (r *rig) status(arn string) catalog.Status {
	r.Helper()
	var s catalog.Status
	r.View(func(tx *store.Tx) error {
		c, err := catalog.Find(tx, strings.Replace(arn, "~", prefix, 1))
		if err == nil {
			s = c.Common().Status
		}
		return err
	})
	return s
}

// set changes a record behind the API's back, as a worker does.
func (r *rig) set(arn string, fn func(catalog.Record)) {
	r.Helper()
	r.Update(func(tx *store.Tx) error { return change(tx, arn, fn) })
}

// change changes a record, into any status.
func change(tx *store.Tx, arn string, fn func(catalog.Record)) error {
	c, err := catalog.Find(tx, strings.Replace(arn, "~", prefix, 1))
	if err != nil {
		return err
	}
	fn(c)
	return errors.Join(catalogtest.SetStatus(tx, c.Common().ARN, c.Common().Status), catalog.Update(tx, c))
}

func (r *rig) setStatus(arn string, s catalog.Status) {
	r.Helper()
	r.set(arn, func(c catalog.Record) {
		c.Common().Status = s
		if s == catalog.Failed {
			c.Common().FailureReason = "the reason"
		}
	})
}

// begun waits until a job of the kind runs and gives its key.
func (r *rig) begun(k job.Kind) string {
	return strings.Replace(<-r.workers[k].begun, prefix, "~", 1)
}

// finish ends the running job of the kind; fn changes its record.
func (r *rig) finish(k job.Kind, arn string, fn func(catalog.Record)) {
	r.Helper()
	w := r.workers[k]
	w.ends <- func(tx *store.Tx) error { return change(tx, arn, fn) }
	if err := <-w.done; err != nil {
		r.Fatal(err)
	}
}

// schemaText gives the text of a schema, as a JSON string.
func schemaText(t string, fields ...string) string {
	var list []string
	for _, f := range fields {
		name, kind, _ := strings.Cut(f, " ")
		field := fmt.Sprintf(`{"name": %q, "type": %q}`, name, strings.TrimSuffix(kind, " categorical"))
		if strings.HasPrefix(kind, "[") {
			field = fmt.Sprintf(`{"name": %q, "type": %s}`, name, strings.TrimSuffix(kind, " categorical"))
		}
		if strings.HasSuffix(kind, " categorical") {
			field = strings.TrimSuffix(field, "}") + `, "categorical": true}`
		}
		list = append(list, field)
	}
	b, _ := json.Marshal(fmt.Sprintf(`{"type": "record", "name": %q, "namespace": "com.amazonaws.personalize.schema", "fields": [%s], "version": "1.0"}`, t, strings.Join(list, ", ")))
	return string(b)
}

var (
	interactionsText = schemaText("Interactions", "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "EVENT_TYPE string", `EVENT_VALUE ["null", "float"]`)
	plainText        = schemaText("Interactions", "USER_ID string", "ITEM_ID string", "TIMESTAMP long")
	itemsText        = schemaText("Items", "ITEM_ID string", "GENRE string categorical", `PRICE ["null", "float"]`)
	usersText        = schemaText("Users", "USER_ID string", "AGE int")
)

// group makes a dataset group of that name with an Interactions dataset.
func (r *rig) group(name, schema string) {
	r.Helper()
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "%s-interactions", "schema": %s}`, name, schema))
	r.ok("CreateDatasetGroup", fmt.Sprintf(`{"name": %q}`, name))
	r.ok("CreateDataset", fmt.Sprintf(`{"name": "d", "datasetType": "Interactions", "datasetGroupArn": "~dataset-group/%[1]s", "schemaArn": "~schema/%[1]s-interactions"}`, name))
}

// solution makes a solution of the group shop.
func (r *rig) solution(name, recipe string) string {
	r.Helper()
	out := r.ok("CreateSolution", fmt.Sprintf(`{"name": %q, "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/%s"}`, name, recipe))
	return out["solutionArn"].(string)
}

// version makes a solution version and gives it a status.
func (r *rig) version(solution string, s catalog.Status) string {
	r.Helper()
	out := r.ok("CreateSolutionVersion", fmt.Sprintf(`{"solutionArn": %q}`, solution))
	arn := out["solutionVersionArn"].(string)
	if s != catalog.Pending {
		r.setStatus(arn, s)
	}
	return arn
}

// campaign makes a campaign and gives it a status.
func (r *rig) campaign(name, version string, s catalog.Status) string {
	r.Helper()
	out := r.ok("CreateCampaign", fmt.Sprintf(`{"name": %q, "solutionVersionArn": %q}`, name, version))
	arn := out["campaignArn"].(string)
	if s != catalog.Pending {
		r.setStatus(arn, s)
	}
	return arn
}

// schemaInLog gives the schema that a dataset has by the log of its group.
func (r *rig) schemaInLog(group string, t dataset.Type) *dataset.Schema {
	r.Helper()
	var id string
	r.View(func(tx *store.Tx) error {
		g, err := catalog.Get[catalog.DatasetGroup](tx, prefix+"dataset-group/"+group)
		if err == nil {
			id = g.ID
		}
		return err
	})
	g, err := r.History.Group(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	if _, err := g.Snapshot(r.Context()); err != nil { // waits for the end of the log
		r.Fatal(err)
	}
	return g.Schema(t)
}
