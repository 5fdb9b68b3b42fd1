// Package demo is the newcomer's first walk through usher: a small shop, or a
// CSV file of theirs, goes the whole way through the public API – upload,
// import, train, deploy, recommend, a live event, recommend again.
//
// It is a client like any other: it speaks HTTP to an endpoint and knows
// nothing of the rooms behind it, so it is a smoke test too.
package demo

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"usher/internal/seed"
	"usher/wire"
	"usher/wire/personalize"
	"usher/wire/personalizeevents"
	"usher/wire/personalizeruntime"
)

// Options configure the walk.
type Options struct {
	Endpoint  string // http://127.0.0.1:8480
	Out       io.Writer
	Files     []File    // interactions, then optionally titles; none: a made-up shop
	Seed      seed.Seed // of the made-up shop
	Customers int       // of the made-up shop; 2500
	Now       func() time.Time
}

// walk is one run of the demo.
type walk struct {
	opt     Options
	src     *source
	admin   personalize.API
	events  personalizeevents.API
	runtime personalizeruntime.API
	http    *http.Client

	group    string
	tracking string
	trained  []trained
}

// trained is a recipe that went the whole way.
type trained struct {
	recipe, version, campaign string
	metrics                   map[string]float64
	seconds                   float64
}

// recipes of the walk, in order.
var recipes = []string{"aws-popularity-count", "aws-sims", "aws-user-personalization-v2"}

// Run goes the whole way.
func Run(ctx context.Context, opt Options) error {
	c := wire.ClientOptions{Endpoint: opt.Endpoint}
	w := &walk{
		opt: opt, http: &http.Client{},
		admin: personalize.NewClient(c), events: personalizeevents.NewClient(c), runtime: personalizeruntime.NewClient(c),
	}
	var err error
	if len(opt.Files) > 0 {
		w.src, err = fromFiles(opt.Files)
	} else {
		w.src, err = fromShop(opt.Seed, cmp.Or(opt.Customers, 2500))
	}
	if err != nil {
		return err
	}
	w.printf("usher demo: %s\n\n", w.src.about)
	for _, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"upload", w.upload}, {"import", w.importAll}, {"train", w.train}, {"deploy", w.deploy},
	} {
		began := opt.Now()
		note, err := step.do(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		w.printf("%-8s %-78s %5.1f s\n", step.name, note, opt.Now().Sub(began).Seconds())
	}
	w.table()
	return w.show(ctx)
}

func (w *walk) printf(format string, args ...any) { fmt.Fprintf(w.opt.Out, format, args...) }

const bucket = "usher-demo"

// upload puts the CSV files into a bucket, as `aws s3 cp` would.
func (w *walk) upload(ctx context.Context) (string, error) {
	if err := w.put(ctx, bucket, nil); err != nil {
		return "", err
	}
	if err := w.put(ctx, bucket+"/interactions.csv", w.src.interactions); err != nil {
		return "", err
	}
	if w.src.items == nil {
		return "s3://" + bucket + "/interactions.csv", nil
	}
	return "s3://" + bucket + "/interactions.csv, items.csv", w.put(ctx, bucket+"/items.csv", w.src.items)
}

func (w *walk) put(ctx context.Context, path string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, w.opt.Endpoint+"/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("PUT %s: %s: %s", path, res.Status, text)
	}
	return nil
}

// importAll makes group, schemas and datasets and imports the files.
func (w *walk) importAll(ctx context.Context) (string, error) {
	g, err := w.admin.CreateDatasetGroup(ctx, &personalize.CreateDatasetGroupInput{Name: ptr("demo")})
	if err != nil {
		return "", err
	}
	w.group = *g.DatasetGroupArn
	if err := w.importOne(ctx, "Interactions", "interactions", w.src.schema); err != nil {
		return "", err
	}
	note := fmt.Sprintf("%d interactions", len(w.src.rows))
	if w.src.items != nil {
		if err := w.importOne(ctx, "Items", "items", w.src.itemSchema); err != nil {
			return "", err
		}
		note += fmt.Sprintf(", %d items", len(w.src.titles))
	}
	t, err := w.admin.CreateEventTracker(ctx, &personalize.CreateEventTrackerInput{Name: ptr("demo"), DatasetGroupArn: &w.group})
	if err != nil {
		return "", err
	}
	w.tracking = *t.TrackingId
	return note, nil
}

func (w *walk) importOne(ctx context.Context, kind, file, schema string) error {
	s, err := w.admin.CreateSchema(ctx, &personalize.CreateSchemaInput{Name: ptr("demo-" + file), Schema: &schema})
	if err != nil {
		return err
	}
	d, err := w.admin.CreateDataset(ctx, &personalize.CreateDatasetInput{
		Name: ptr("demo-" + file), DatasetType: &kind, DatasetGroupArn: &w.group, SchemaArn: s.SchemaArn})
	if err != nil {
		return err
	}
	j, err := w.admin.CreateDatasetImportJob(ctx, &personalize.CreateDatasetImportJobInput{
		JobName: ptr("demo-" + file), DatasetArn: d.DatasetArn,
		DataSource: &personalize.DataSource{DataLocation: ptr("s3://" + bucket + "/" + file + ".csv")}})
	if err != nil {
		return err
	}
	return w.wait(ctx, func() (status, reason *string, err error) {
		r, err := w.admin.DescribeDatasetImportJob(ctx, &personalize.DescribeDatasetImportJobInput{DatasetImportJobArn: j.DatasetImportJobArn})
		if err != nil {
			return nil, nil, err
		}
		return r.DatasetImportJob.Status, r.DatasetImportJob.FailureReason, nil
	})
}

// train makes a version of every recipe.
func (w *walk) train(ctx context.Context) (string, error) {
	var parts []string
	for _, r := range recipes {
		began := w.opt.Now()
		s, err := w.admin.CreateSolution(ctx, &personalize.CreateSolutionInput{
			Name: ptr("demo-" + r), DatasetGroupArn: &w.group, RecipeArn: ptr("arn:aws:personalize:::recipe/" + r), PerformAutoTraining: ptr(false)})
		if err != nil {
			return "", err
		}
		v, err := w.admin.CreateSolutionVersion(ctx, &personalize.CreateSolutionVersionInput{SolutionArn: s.SolutionArn})
		if err != nil {
			return "", err
		}
		err = w.wait(ctx, func() (status, reason *string, err error) {
			d, err := w.admin.DescribeSolutionVersion(ctx, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: v.SolutionVersionArn})
			if err != nil {
				return nil, nil, err
			}
			return d.SolutionVersion.Status, d.SolutionVersion.FailureReason, nil
		})
		if err != nil {
			return "", fmt.Errorf("%s: %w", r, err)
		}
		m, err := w.admin.GetSolutionMetrics(ctx, &personalize.GetSolutionMetricsInput{SolutionVersionArn: v.SolutionVersionArn})
		if err != nil {
			return "", err
		}
		t := trained{recipe: r, version: *v.SolutionVersionArn, metrics: m.Metrics, seconds: w.opt.Now().Sub(began).Seconds()}
		w.trained = append(w.trained, t)
		parts = append(parts, fmt.Sprintf("%s %.1f s", strings.TrimPrefix(r, "aws-"), t.seconds))
	}
	return strings.Join(parts, ", "), nil
}

// deploy makes a campaign of every version.
func (w *walk) deploy(ctx context.Context) (string, error) {
	for i := range w.trained {
		t := &w.trained[i]
		c, err := w.admin.CreateCampaign(ctx, &personalize.CreateCampaignInput{Name: ptr("demo-" + t.recipe), SolutionVersionArn: &t.version})
		if err != nil {
			return "", err
		}
		t.campaign = *c.CampaignArn
		err = w.wait(ctx, func() (status, reason *string, err error) {
			d, err := w.admin.DescribeCampaign(ctx, &personalize.DescribeCampaignInput{CampaignArn: c.CampaignArn})
			if err != nil {
				return nil, nil, err
			}
			return d.Campaign.Status, d.Campaign.FailureReason, nil
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d campaigns", len(w.trained)), nil
}

// wait polls a resource until it is ready, as Personalize programs do.
func (w *walk) wait(ctx context.Context, describe func() (status, reason *string, err error)) error {
	for {
		status, reason, err := describe()
		if err != nil {
			return err
		}
		switch *status {
		case "ACTIVE":
			return nil
		case "CREATE FAILED":
			return fmt.Errorf("%s", *reason)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// table prints the metrics of the recipes side by side.
func (w *walk) table() {
	w.printf("\nOffline metrics: a tenth of the users, their newest tenth of interactions hidden.\n\n")
	w.printf("  %-30s %9s %9s %9s %9s\n", "recipe", "NDCG@10", "MRR@25", "P@10", "coverage")
	for _, t := range w.trained {
		w.printf("  %-30s %9.4f %9.4f %9.4f %9.4f\n", t.recipe, t.metrics["normalized_discounted_cumulative_gain_at_10"],
			t.metrics["mean_reciprocal_rank_at_25"], t.metrics["precision_at_10"], t.metrics["coverage"])
	}
}

// show prints what a user did, what is recommended, and what a live event changes.
func (w *walk) show(ctx context.Context) error {
	user, history := w.somebody()
	w.printf("\n%s did this last:\n", user)
	for _, r := range history[max(0, len(history)-5):] {
		w.printf("  %s  %-9s %s\n", time.Unix(r.time, 0).UTC().Format(time.DateOnly), r.event, w.src.title(r.item))
	}
	personal := w.trained[len(w.trained)-1]
	before, err := w.recommend(ctx, personal.campaign, user, "")
	if err != nil {
		return err
	}
	w.printf("\n%s recommends:\n", personal.recipe)
	w.list(before, nil)

	liked := w.known(history)
	near, err := w.recommend(ctx, w.trained[1].campaign, "", liked)
	if err != nil {
		return err
	}
	w.printf("\n%s finds near %q:\n", w.trained[1].recipe, w.src.title(liked))
	w.list(near, nil)

	other, err := w.another(user, before)
	if err != nil {
		return err
	}
	_, err = w.events.PutEvents(ctx, &personalizeevents.PutEventsInput{
		TrackingId: &w.tracking, UserId: &user, SessionId: ptr("demo-session"),
		EventList: []personalizeevents.Event{{EventType: ptr(cmp.Or(history[0].event, "View")), ItemId: &other, SentAt: ptr(w.opt.Now())}}})
	if err != nil {
		return err
	}
	after, err := w.recommend(ctx, personal.campaign, user, "")
	if err != nil {
		return err
	}
	w.printf("\nNow %s looks at %q. The next request answers (+ is new):\n", user, w.src.title(other))
	w.list(after, before)
	return nil
}

func (w *walk) list(items, before []string) {
	for i, id := range items {
		mark := " "
		if before != nil && !slices.Contains(before, id) {
			mark = "+"
		}
		w.printf("  %s %2d  %s\n", mark, i+1, w.src.title(id))
	}
}

// somebody picks a user with a history that tells something.
func (w *walk) somebody() (string, []row) {
	byUser := map[string][]row{}
	for _, r := range w.src.rows {
		byUser[r.user] = append(byUser[r.user], r)
	}
	best := ""
	for u, h := range byUser { // the user nearest to twenty events; the smallest id of equals
		d, b := distance(len(h)), distance(len(byUser[best]))
		if best == "" || d < b || d == b && u < best {
			best = u
		}
	}
	return best, byUser[best]
}

func distance(n int) int { return max(n-20, 20-n) }

// known picks the item of a history that most people know, but none of the most
// popular tenth, which SIMS leaves out by default.
func (w *walk) known(history []row) string {
	count := map[string]int{}
	for _, r := range w.src.rows {
		count[r.item]++
	}
	most := slices.Sorted(maps.Values(count))[len(count)*9/10]
	best := history[len(history)-1].item
	for _, r := range history {
		if n := count[r.item]; n < most && (n > count[best] || count[best] >= most) {
			best = r.item
		}
	}
	return best
}

// another picks an item that is popular with others but far from what the user
// was recommended.
func (w *walk) another(user string, recommended []string) (string, error) {
	count := map[string]int{}
	for _, r := range w.src.rows {
		count[r.item]++
	}
	for _, r := range w.src.rows {
		if r.user == user {
			delete(count, r.item)
		}
	}
	for _, id := range recommended {
		delete(count, id)
	}
	best := ""
	for id, n := range count {
		if n > count[best] || n == count[best] && id < best {
			best = id
		}
	}
	if best == "" {
		return "", fmt.Errorf("the data has no item that %s has not seen", user)
	}
	return best, nil
}

// recommend asks a campaign for eight items.
func (w *walk) recommend(ctx context.Context, campaign, user, item string) ([]string, error) {
	in := &personalizeruntime.GetRecommendationsInput{CampaignArn: &campaign, NumResults: ptr(int32(8))}
	if user != "" {
		in.UserId = &user
	}
	if item != "" {
		in.ItemId = &item
	}
	out, err := w.runtime.GetRecommendations(ctx, in)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(out.ItemList))
	for i, x := range out.ItemList {
		ids[i] = *x.ItemId
	}
	return ids, nil
}

func ptr[T any](v T) *T { return &v }
