package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/wire"
	"usher/wire/personalize"
	"usher/wire/personalizeevents"
	"usher/wire/personalizeruntime"
)

// childDir tells this test program to be the process of a training.
const childDir = "USHER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := Child(context.Background(), dir, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(ctx context.Context, dir string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	return cmd
}

func options(dir string) Options {
	return Options{Dir: dir, Listen: "127.0.0.1:0", Child: child, Log: slog.New(slog.DiscardHandler)}
}

func open(t testing.TB, opt Options) *Node {
	t.Helper()
	n, err := Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n.listener != nil {
			shut(t, n)
		}
	})
	return n
}

func shut(t testing.TB, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	n.listener = nil
}

// visitor is a program that uses a node.
type visitor struct {
	t       testing.TB
	url     string
	admin   personalize.API
	events  personalizeevents.API
	runtime personalizeruntime.API
}

func visit(t testing.TB, n *Node) *visitor {
	c := wire.ClientOptions{Endpoint: n.URL()}
	return &visitor{t, n.URL(), personalize.NewClient(c), personalizeevents.NewClient(c), personalizeruntime.NewClient(c)}
}

func ptr[T any](v T) *T { return &v }

func must[T any](t testing.TB) func(out T, err error) T {
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func (v *visitor) put(path, body string) {
	v.t.Helper()
	req := must[*http.Request](v.t)(http.NewRequest(http.MethodPut, v.url+"/"+path, strings.NewReader(body)))
	res := must[*http.Response](v.t)(http.DefaultClient.Do(req))
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, err := io.ReadAll(res.Body)
		v.t.Fatalf("PUT %s: %s: %s %v", path, res.Status, text, err)
	}
}

// wait polls as Personalize programs do. Each poll is a request, so it does not spin.
func (v *visitor) wait(describe func() (status, reason *string)) {
	v.t.Helper()
	for {
		status, reason := describe()
		switch *status {
		case "ACTIVE":
			return
		case "CREATE FAILED":
			v.t.Fatal(*reason)
		}
	}
}

const schema = `{"type":"record","name":"Interactions","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"}],"version":"1.0"}`

// rounds is data with a pattern: everybody goes round a circle of items of a half of
// the catalogue, 40 of them, user by user from another start, and leaves out one or
// two at times, so that several may come next.
func rounds(users, length int) string {
	var b strings.Builder
	b.WriteString("USER_ID,ITEM_ID,TIMESTAMP\n")
	for u := range users {
		at := u
		for k := range length {
			fmt.Fprintf(&b, "u%d,%s%02d,%d\n", u, []string{"even", "odd"}[u%2], at%40, 1_000_000+1000*k+u)
			at += 1 + (u/2+k*k)%3
		}
	}
	return b.String()
}

// imported makes a group with interactions and gives its ARN and tracking id.
func (v *visitor) imported(name, data string) (group, tracking string) {
	v.t.Helper()
	v.put("data", "")
	v.put("data/"+name+".csv", data)
	g := must[*personalize.CreateDatasetGroupOutput](v.t)(v.admin.CreateDatasetGroup(v.t.Context(), &personalize.CreateDatasetGroupInput{Name: &name}))
	s := must[*personalize.CreateSchemaOutput](v.t)(v.admin.CreateSchema(v.t.Context(), &personalize.CreateSchemaInput{Name: &name, Schema: ptr(schema)}))
	d := must[*personalize.CreateDatasetOutput](v.t)(v.admin.CreateDataset(v.t.Context(), &personalize.CreateDatasetInput{
		Name: &name, DatasetType: ptr("interactions"), DatasetGroupArn: g.DatasetGroupArn, SchemaArn: s.SchemaArn}))
	j := must[*personalize.CreateDatasetImportJobOutput](v.t)(v.admin.CreateDatasetImportJob(v.t.Context(), &personalize.CreateDatasetImportJobInput{
		JobName: &name, DatasetArn: d.DatasetArn, DataSource: &personalize.DataSource{DataLocation: ptr("s3://data/" + name + ".csv")}}))
	v.wait(func() (status, reason *string) {
		r := must[*personalize.DescribeDatasetImportJobOutput](v.t)(v.admin.DescribeDatasetImportJob(v.t.Context(),
			&personalize.DescribeDatasetImportJobInput{DatasetImportJobArn: j.DatasetImportJobArn}))
		return r.DatasetImportJob.Status, r.DatasetImportJob.FailureReason
	})
	tr := must[*personalize.CreateEventTrackerOutput](v.t)(v.admin.CreateEventTracker(v.t.Context(), &personalize.CreateEventTrackerInput{Name: &name, DatasetGroupArn: g.DatasetGroupArn}))
	return *g.DatasetGroupArn, *tr.TrackingId
}

// trained makes a solution version.
func (v *visitor) trained(group, name, recipe string) string {
	v.t.Helper()
	s := must[*personalize.CreateSolutionOutput](v.t)(v.admin.CreateSolution(v.t.Context(), &personalize.CreateSolutionInput{
		Name: &name, DatasetGroupArn: &group, RecipeArn: ptr("arn:aws:personalize:::recipe/" + recipe)}))
	sv := must[*personalize.CreateSolutionVersionOutput](v.t)(v.admin.CreateSolutionVersion(v.t.Context(), &personalize.CreateSolutionVersionInput{SolutionArn: s.SolutionArn}))
	v.wait(func() (status, reason *string) {
		r := must[*personalize.DescribeSolutionVersionOutput](v.t)(v.admin.DescribeSolutionVersion(v.t.Context(),
			&personalize.DescribeSolutionVersionInput{SolutionVersionArn: sv.SolutionVersionArn}))
		return r.SolutionVersion.Status, r.SolutionVersion.FailureReason
	})
	return *sv.SolutionVersionArn
}

// deployed makes a campaign.
func (v *visitor) deployed(name, version string) string {
	v.t.Helper()
	c := must[*personalize.CreateCampaignOutput](v.t)(v.admin.CreateCampaign(v.t.Context(), &personalize.CreateCampaignInput{Name: &name, SolutionVersionArn: &version}))
	v.wait(func() (status, reason *string) {
		r := must[*personalize.DescribeCampaignOutput](v.t)(v.admin.DescribeCampaign(v.t.Context(), &personalize.DescribeCampaignInput{CampaignArn: c.CampaignArn}))
		return r.Campaign.Status, r.Campaign.FailureReason
	})
	return *c.CampaignArn
}

func (v *visitor) recommend(in personalizeruntime.GetRecommendationsInput) []string {
	v.t.Helper()
	out := must[*personalizeruntime.GetRecommendationsOutput](v.t)(v.runtime.GetRecommendations(v.t.Context(), &in))
	ids := make([]string, len(out.ItemList))
	for i, x := range out.ItemList {
		ids[i] = *x.ItemId
	}
	return ids
}

// TestWholeWay goes from an upload to an answer that knows a live event, with
// every recipe, over a restart.
func TestWholeWay(t *testing.T) {
	dir := t.TempDir()
	n := open(t, options(dir))
	v := visit(t, n)
	group, tracking := v.imported("rounds", rounds(80, 18))
	campaigns := map[string]string{}
	for _, recipe := range []string{"aws-popularity-count", "aws-sims", "aws-user-personalization-v2"} {
		version := v.trained(group, recipe, recipe)
		m := must[*personalize.GetSolutionMetricsOutput](t)(v.admin.GetSolutionMetrics(t.Context(), &personalize.GetSolutionMetricsInput{SolutionVersionArn: &version}))
		if m.Metrics["coverage"] <= 0 || len(m.Metrics) != 8 {
			t.Errorf("%s: metrics %v", recipe, m.Metrics)
		}
		campaigns[recipe] = v.deployed(recipe, version)
	}
	personal := campaigns["aws-user-personalization-v2"]
	u7 := personalizeruntime.GetRecommendationsInput{CampaignArn: &personal, UserId: ptr("u7"), NumResults: ptr(int32(5))}
	for _, id := range v.recommend(u7) {
		if !strings.HasPrefix(id, "odd") {
			t.Errorf("u7 lives among odd items and is recommended %s", id)
		}
	}
	near := v.recommend(personalizeruntime.GetRecommendationsInput{CampaignArn: ptr(campaigns["aws-sims"]), ItemId: ptr("even03"), NumResults: ptr(int32(3))})
	if len(near) != 3 || slices.Contains(near, "even03") {
		t.Errorf("near even03: %v", near)
	}

	// A visitor without a past looks at even items.
	visitorIn := personalizeruntime.GetRecommendationsInput{CampaignArn: &personal, UserId: ptr("visitor"), NumResults: ptr(int32(5))}
	for k := range 5 {
		must[*personalizeevents.PutEventsOutput](t)(v.events.PutEvents(t.Context(), &personalizeevents.PutEventsInput{TrackingId: &tracking, SessionId: ptr("visitor"),
			EventList: []personalizeevents.Event{{EventType: ptr("view"), ItemId: ptr(fmt.Sprintf("even%02d", 4+k)), SentAt: ptr(time.Unix(int64(2_000_000+k), 0))}}}))
	}
	after := v.recommend(visitorIn)
	for _, id := range after {
		if !strings.HasPrefix(id, "even") {
			t.Errorf("a visitor of even items is recommended %s", id)
		}
	}

	shut(t, n)
	n = open(t, options(dir))
	v = visit(t, n)
	if got := v.recommend(visitorIn); !slices.Equal(got, after) {
		t.Errorf("before the restart %v, after it %v", after, got)
	}
	res := must[*http.Response](t)(http.Get(n.URL() + "/metrics"))
	defer res.Body.Close()
	text := must[[]byte](t)(io.ReadAll(res.Body))
	for _, want := range []string{`usher_requests_total{service="personalizeruntime",operation="GetRecommendations",status="200",error=""} 1`, `GetRecommendations{CampaignArn="` + personal, "process_resident_memory_bytes"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("/metrics has no %s", want)
		}
	}
}

func TestTooLittleData(t *testing.T) {
	v := visit(t, open(t, options(t.TempDir())))
	v.put("data", "")
	v.put("data/few.csv", rounds(3, 5))
	name := "few"
	g := must[*personalize.CreateDatasetGroupOutput](t)(v.admin.CreateDatasetGroup(t.Context(), &personalize.CreateDatasetGroupInput{Name: &name}))
	s := must[*personalize.CreateSchemaOutput](t)(v.admin.CreateSchema(t.Context(), &personalize.CreateSchemaInput{Name: &name, Schema: ptr(schema)}))
	d := must[*personalize.CreateDatasetOutput](t)(v.admin.CreateDataset(t.Context(), &personalize.CreateDatasetInput{
		Name: &name, DatasetType: ptr("INTERACTIONS"), DatasetGroupArn: g.DatasetGroupArn, SchemaArn: s.SchemaArn}))
	j := must[*personalize.CreateDatasetImportJobOutput](t)(v.admin.CreateDatasetImportJob(t.Context(), &personalize.CreateDatasetImportJobInput{
		JobName: &name, DatasetArn: d.DatasetArn, DataSource: &personalize.DataSource{DataLocation: ptr("s3://data/few.csv")}}))
	for {
		r := must[*personalize.DescribeDatasetImportJobOutput](t)(v.admin.DescribeDatasetImportJob(t.Context(), &personalize.DescribeDatasetImportJobInput{DatasetImportJobArn: j.DatasetImportJobArn}))
		if *r.DatasetImportJob.Status == "CREATE FAILED" {
			if !strings.Contains(*r.DatasetImportJob.FailureReason, "1000") {
				t.Errorf("failureReason %q", *r.DatasetImportJob.FailureReason)
			}
			return
		}
		if *r.DatasetImportJob.Status == "ACTIVE" {
			t.Fatal("15 interactions were imported")
		}
	}
}

// get sends a request and gives status and body.
func get(t *testing.T, url string, change func(*http.Request)) (int, string) {
	t.Helper()
	req := must[*http.Request](t)(http.NewRequest(http.MethodGet, url, nil))
	change(req)
	res := must[*http.Response](t)(http.DefaultClient.Do(req))
	defer res.Body.Close()
	return res.StatusCode, string(must[[]byte](t)(io.ReadAll(res.Body)))
}

func TestRouting(t *testing.T) {
	opt := options(t.TempDir())
	opt.Hosts, opt.Origins = []string{"usher.test"}, []string{"https://shop.test"}
	n := open(t, opt)
	for name, c := range map[string]struct {
		path   string
		change func(*http.Request)
		status int
		want   string
	}{
		"health":               {"/healthz", func(*http.Request) {}, 200, "ok"},
		"foreign host":         {"/healthz", func(r *http.Request) { r.Host = "evil.test" }, 403, "not this machine"},
		"listed host":          {"/healthz", func(r *http.Request) { r.Host = "usher.test" }, 200, "ok"},
		"foreign origin":       {"/healthz", func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") }, 403, "may not call"},
		"listed origin":        {"/healthz", func(r *http.Request) { r.Header.Set("Origin", "https://shop.test") }, 200, "ok"},
		"a browser":            {"/", func(r *http.Request) { r.Header.Set("Accept", "text/html,*/*") }, 200, "app.js"},
		"buckets":              {"/", func(*http.Request) {}, 200, "ListAllMyBucketsResult"},
		"an absent bucket":     {"/none/key", func(*http.Request) {}, 404, "NoSuchBucket"},
		"an unknown operation": {"/", func(r *http.Request) { r.Method = "POST"; r.Header.Set("X-Amz-Target", "AmazonPersonalize.Fly") }, 400, "UnknownOperationException"},
	} {
		status, body := get(t, n.URL()+c.path, c.change)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "keys")
	if err := os.WriteFile(file, []byte("AKIATEST secretsecretsecret shop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opt := options(dir)
	opt.Keys = file
	n := open(t, opt)
	if status, body := get(t, n.URL()+"/", func(*http.Request) {}); status != 403 || !strings.Contains(body, "AccessDenied") {
		t.Errorf("S3 without a signature: %d %s", status, body)
	}
	for name, c := range map[string]struct {
		opt  wire.ClientOptions
		want string
	}{
		"nobody":       {wire.ClientOptions{}, "MissingAuthenticationToken"},
		"unknown key":  {wire.ClientOptions{AccessKey: "AKIANONE", Secret: "x"}, "UnrecognizedClient"},
		"wrong secret": {wire.ClientOptions{AccessKey: "AKIATEST", Secret: "x"}, "InvalidSignature"},
		"right":        {wire.ClientOptions{AccessKey: "AKIATEST", Secret: "secretsecretsecret"}, ""},
	} {
		c.opt.Endpoint, c.opt.Now = n.URL(), time.Now
		_, err := personalize.NewClient(c.opt).ListSchemas(t.Context(), &personalize.ListSchemasInput{})
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFolderOfAnotherAccount(t *testing.T) {
	opt := options(t.TempDir())
	shut(t, open(t, opt))
	opt.Account = "123456789012"
	if _, err := Open(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "-account 000000000000") {
		t.Errorf("got %v", err)
	}
}

func TestSecondProcess(t *testing.T) {
	opt := options(t.TempDir())
	open(t, opt)
	if _, err := Open(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "another usher is using it") {
		t.Errorf("got %v", err)
	}
}

func TestPortInUse(t *testing.T) {
	n := open(t, options(t.TempDir()))
	opt := options(t.TempDir())
	opt.Listen = strings.TrimPrefix(n.URL(), "http://")
	if _, err := Open(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "-listen") {
		t.Errorf("got %v", err)
	}
	shut(t, open(t, Options{Dir: opt.Dir, Listen: "127.0.0.1:0", Child: child, Log: opt.Log})) // nothing was left running
}
