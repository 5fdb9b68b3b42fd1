package serving

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"usher/blob"
	"usher/catalog"
	"usher/eventlog"
	"usher/history"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/sequence"
	"usher/store"
	"usher/wire"
	"usher/wire/personalize"
)

// world is a data folder with a campaign, and the server on it.
type world struct {
	opt    Options
	scale  Scale
	dir    string
	server Server
	admin  *personalize.Client

	group, solution, version, campaign, filter, tracking string
}

const schema = `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},
	{"name":"TIMESTAMP","type":"long"},{"name":"EVENT_TYPE","type":"string"}],"version":"1.0"}`

// build makes the folder: events by import, a version whose model is drawn, and
// a campaign.
func (w *world) build(ctx context.Context) error {
	for _, step := range []func(context.Context) error{w.write, w.importEvents, w.draw, w.deploy} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open starts the server.
func (w *world) open(ctx context.Context, cold bool) (err error) {
	if w.server, err = w.opt.Open(ctx, w.dir, cold); err != nil {
		return err
	}
	w.admin = personalize.NewClient(wire.ClientOptions{Endpoint: w.server.URL, AccessKey: w.opt.Access, Secret: w.opt.Secret, Now: w.opt.Now})
	return nil
}

func (w *world) address() string {
	u, err := url.Parse(w.server.URL)
	if err != nil {
		panic("bench: internal error: " + err.Error())
	}
	return u.Host
}

// mean is the mean length of a history; they have from a fifth to nine fifths of it.
const mean = 100

// write puts a CSV into the bucket. Half of each history goes through all items in
// turn, so that each is known; the other half is of the user's neighbourhood,
// where a few are popular.
func (w *world) write(context.Context) error {
	name := filepath.Join(w.dir, "buckets", "bench", "events.csv")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(out, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE")
	turn := 0
	for u := range w.scale.Users {
		r := seed.Seed(1).Branch("user", uint64(u)).Rand()
		home := r.IntN(w.scale.Items)
		for i := range mean/5 + r.IntN(mean*8/5+1) {
			item := turn
			if i%2 == 0 {
				x := r.Float64()
				item = home + int(500*x*x*x)
			} else {
				turn++
			}
			fmt.Fprintf(out, "user-%05d,item-%07d,%d,view\n", u, item%w.scale.Items, 1_600_000_000+1000*i)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// importEvents makes all but the model, through the API.
func (w *world) importEvents(ctx context.Context) error {
	if err := w.open(ctx, false); err != nil {
		return err
	}
	defer w.server.Close()
	name, text, kind, recipeARN := "bench", schema, "Interactions", "arn:aws:personalize:::recipe/"+sequence.Name
	g, err := w.admin.CreateDatasetGroup(ctx, &personalize.CreateDatasetGroupInput{Name: &name})
	if err != nil {
		return err
	}
	w.group = *g.DatasetGroupArn
	s, err := w.admin.CreateSchema(ctx, &personalize.CreateSchemaInput{Name: &name, Schema: &text})
	if err != nil {
		return err
	}
	d, err := w.admin.CreateDataset(ctx, &personalize.CreateDatasetInput{Name: &name, DatasetType: &kind, DatasetGroupArn: &w.group, SchemaArn: s.SchemaArn})
	if err != nil {
		return err
	}
	location, role := "s3://bench/events.csv", "arn:aws:iam::000000000000:role/bench"
	j, err := w.admin.CreateDatasetImportJob(ctx, &personalize.CreateDatasetImportJobInput{JobName: &name, DatasetArn: d.DatasetArn,
		DataSource: &personalize.DataSource{DataLocation: &location}, RoleArn: &role})
	if err != nil {
		return err
	}
	err = w.wait(ctx, func() (status, reason *string, err error) {
		r, err := w.admin.DescribeDatasetImportJob(ctx, &personalize.DescribeDatasetImportJobInput{DatasetImportJobArn: j.DatasetImportJobArn})
		if err != nil {
			return nil, nil, err
		}
		return r.DatasetImportJob.Status, r.DatasetImportJob.FailureReason, nil
	})
	if err != nil {
		return err
	}
	t, err := w.admin.CreateEventTracker(ctx, &personalize.CreateEventTrackerInput{Name: &name, DatasetGroupArn: &w.group})
	if err != nil {
		return err
	}
	w.tracking = *t.TrackingId
	expression := `EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")`
	x, err := w.admin.CreateFilter(ctx, &personalize.CreateFilterInput{Name: &name, DatasetGroupArn: &w.group, FilterExpression: &expression})
	if err != nil {
		return err
	}
	w.filter = *x.FilterArn
	no := false
	v, err := w.admin.CreateSolution(ctx, &personalize.CreateSolutionInput{Name: &name, DatasetGroupArn: &w.group, RecipeArn: &recipeARN, PerformAutoTraining: &no})
	if err != nil {
		return err
	}
	w.solution = *v.SolutionArn
	return nil
}

// wait returns when something is ACTIVE.
func (w *world) wait(ctx context.Context, describe func() (status, reason *string, err error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		status, reason, err := describe()
		switch {
		case err != nil:
			return err
		case *status == "ACTIVE":
			return nil
		case reason != nil:
			return fmt.Errorf("%s: %s", *status, *reason)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// draw makes a version of the solution: the counters of the data and a network
// that is left as it was drawn. Settings and weights are those that training
// chose for public data of this size (docs/quality.md).
func (w *world) draw(ctx context.Context) error {
	db, err := store.Open(ctx, store.Options{Dir: w.dir, Now: w.opt.Now})
	if err != nil {
		return err
	}
	defer db.Close()
	blobs, err := blob.OpenDir(filepath.Join(w.dir, "blobs"))
	if err != nil {
		return err
	}
	logs := eventlog.New(db)
	defer logs.Close()
	hist := history.New(history.Options{Logs: logs.Log, Blobs: blobs})
	defer hist.Close()
	var group *catalog.DatasetGroup
	if err := db.View(ctx, func(tx *store.Tx) (err error) {
		group, err = catalog.Get[catalog.DatasetGroup](tx, w.group)
		return err
	}); err != nil {
		return err
	}
	g, err := hist.Group(ctx, group.ID)
	if err != nil {
		return err
	}
	data, err := g.Snapshot(ctx)
	if err != nil {
		return err
	}
	m, err := sequence.Recipe{}.Train(ctx, recipe.Input{Data: data, Seed: 1, Tuned: &recipe.Choices{Values: w.choices()}})
	if err != nil {
		return err
	}
	v := w.drawn(modelBlob)
	w.version = v.ARN
	out, err := blobs.Create(ctx, v.Model)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := m.Save(out); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	return db.Update(ctx, func(tx *store.Tx) error { return catalog.Create(tx, v) })
}

// drawn is a version of the solution whose model is in a blob.
func (w *world) drawn(model string) *catalog.SolutionVersion {
	return &catalog.SolutionVersion{Meta: catalog.Meta{ARN: w.solution + "/" + catalog.NewID(), Group: w.group, Parent: w.solution, Status: catalog.Active},
		Recipe: sequence.Name, TrainingMode: "FULL", TrainingType: "MANUAL", Model: model}
}

// modelBlob is the blob of the drawn model.
const modelBlob = "models/bench"

func (w *world) choices() map[string]float64 {
	out := map[string]float64{"dim": float64(w.scale.Dim), "inner": float64(2 * w.scale.Dim), "window": 2 * mean, "planned_epochs": 1, "epochs": 0, "mask_seen": 0}
	if w.scale.Items <= 5000 { // like ML-1M
		out["weight_network"], out["weight_ridge"], out["weight_markov"], out["weight_neighbours"] = .65, .36, .12, .19
	} else { // like Beauty
		out["weight_network"], out["weight_rules_5"], out["weight_neighbours"] = .46, 1.33, .23
	}
	return out
}

// deploy makes the campaign.
func (w *world) deploy(ctx context.Context) error {
	if err := w.open(ctx, false); err != nil {
		return err
	}
	defer w.server.Close()
	name := "bench"
	c, err := w.admin.CreateCampaign(ctx, &personalize.CreateCampaignInput{Name: &name, SolutionVersionArn: &w.version})
	if err != nil {
		return err
	}
	w.campaign = *c.CampaignArn
	return w.wait(ctx, func() (status, reason *string, err error) {
		r, err := w.admin.DescribeCampaign(ctx, &personalize.DescribeCampaignInput{CampaignArn: c.CampaignArn})
		if err != nil {
			return nil, nil, err
		}
		return r.Campaign.Status, r.Campaign.FailureReason, nil
	})
}

// requests gives a signed request for each user who is asked about, ready to be sent.
func (w *world) requests(ctx context.Context, filter string) ([][]byte, error) {
	out := make([][]byte, min(asked, w.scale.Users))
	for u := range out {
		body := fmt.Sprintf(`{"campaignArn":%q,"userId":"user-%05d","numResults":25}`, w.campaign, u)
		if filter != "" {
			body = fmt.Sprintf(`{"campaignArn":%q,"userId":"user-%05d","numResults":25,"filterArn":%q}`, w.campaign, u, filter)
		}
		var err error
		if out[u], err = w.request(ctx, "/recommendations", body); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// request encodes and signs a call as SDKs do.
func (w *world) request(ctx context.Context, path, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "usher-bench")
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: w.opt.Access, SecretAccessKey: w.opt.Secret}
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "personalize", "us-east-1", w.opt.Now()); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
