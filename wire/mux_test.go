package wire_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"usher/wire"
	"usher/wire/personalize"
	"usher/wire/personalizeevents"
	"usher/wire/personalizeruntime"
)

var update = flag.Bool("update", false, "write testdata")

// fake answers what the conversations ask.
type fake struct{ personalize.API }

func (fake) CreateDatasetGroup(_ context.Context, in *personalize.CreateDatasetGroupInput) (*personalize.CreateDatasetGroupOutput, error) {
	return &personalize.CreateDatasetGroupOutput{DatasetGroupArn: ptr("arn:aws:personalize:us-east-1:000000000000:dataset-group/" + *in.Name), Domain: in.Domain}, nil
}

func (fake) DescribeDatasetGroup(_ context.Context, in *personalize.DescribeDatasetGroupInput) (*personalize.DescribeDatasetGroupOutput, error) {
	if strings.HasSuffix(*in.DatasetGroupArn, "absent") {
		return nil, fmt.Errorf("describe: %w", &personalize.ResourceNotFoundException{Message: ptr("Resource Arn " + *in.DatasetGroupArn + " does not exist.")})
	}
	return &personalize.DescribeDatasetGroupOutput{DatasetGroup: &personalize.DatasetGroup{DatasetGroupArn: in.DatasetGroupArn, CreationDateTime: ptr(time.UnixMilli(1542392161837))}}, nil
}

func (fake) DeleteCampaign(context.Context, *personalize.DeleteCampaignInput) (*personalize.DeleteCampaignOutput, error) {
	return &personalize.DeleteCampaignOutput{}, nil
}

func (fake) ListFilters(context.Context, *personalize.ListFiltersInput) (*personalize.ListFiltersOutput, error) {
	return &personalize.ListFiltersOutput{}, nil
}

func (fake) ListRecipes(_ context.Context, _ *personalize.ListRecipesInput) (*personalize.ListRecipesOutput, error) {
	return nil, errors.New("the disk is on fire at /secret/path")
}

type fakeEvents struct{ personalizeevents.API }

func (fakeEvents) PutEvents(_ context.Context, in *personalizeevents.PutEventsInput) (*personalizeevents.PutEventsOutput, error) {
	if *in.TrackingId == "absent" {
		return nil, &personalizeevents.ResourceNotFoundException{Message: ptr("no tracker")}
	}
	if p := in.EventList[0].Properties; p != nil && *p != `{"a": [1]}` {
		return nil, &personalizeevents.InvalidInputException{Message: ptr("properties arrived as " + *p)}
	}
	return nil, nil
}

func (fakeEvents) PutItems(context.Context, *personalizeevents.PutItemsInput) (*personalizeevents.PutItemsOutput, error) {
	return nil, &personalizeevents.ResourceInUseException{Message: ptr("still importing")}
}

type fakeRuntime struct{ personalizeruntime.API }

func (fakeRuntime) GetRecommendations(context.Context, *personalizeruntime.GetRecommendationsInput) (*personalizeruntime.GetRecommendationsOutput, error) {
	return &personalizeruntime.GetRecommendationsOutput{
		RecommendationId: ptr("RID-1"),
		ItemList:         []personalizeruntime.PredictedItem{{ItemId: ptr("é\"1"), Score: ptr(0.25), Metadata: map[string]string{"b": "2", "a": "1"}}, {ItemId: ptr("2")}},
	}, nil
}

func fakeMux(opt wire.Options) *wire.Mux {
	opt.Now = epoch
	mux := wire.NewMux(opt)
	personalize.Register(mux, fake{})
	personalizeevents.Register(mux, fakeEvents{})
	personalizeruntime.Register(mux, fakeRuntime{})
	return mux
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// converse sends a request as it stands in a conversation and gives the answer likewise.
func converse(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	lines := strings.Split(head, "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	r := httptest.NewRequest(method, path, strings.NewReader(strings.TrimSuffix(body, "\n")))
	for _, line := range lines[1:] {
		k, v, _ := strings.Cut(line, ": ")
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out strings.Builder
	fmt.Fprintf(&out, "%d\n", w.Code)
	for _, k := range []string{"Content-Type", "Content-Length", "X-Amzn-Errortype", "X-Amzn-Requestid"} {
		if v := w.Header().Get(k); v != "" {
			fmt.Fprintf(&out, "%s: %s\n", k, v)
		}
	}
	return uuid.ReplaceAllString(out.String()+"\n"+w.Body.String(), "<id>") + "\n"
}

// TestConversations compares whole answers with those of testdata.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	mux := fakeMux(wire.Options{})
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.Files {
			f := &a.Files[i]
			request, want, _ := strings.Cut(string(f.Data), "----\n")
			got := converse(t, mux, request)
			if *update {
				f.Data = []byte(request + "----\n" + got)
			} else if got != want {
				t.Errorf("%s, %s:\n%s\nwant\n%s", file, f.Name, got, want)
			}
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestInternal: what is not AWS's becomes InternalFailure, with the cause in the
// log under the request id of the answer and not in the answer.
func TestInternal(t *testing.T) {
	for target, cause := range map[string]string{"AmazonPersonalize.ListRecipes": "the disk is on fire", "AmazonPersonalize.ListSolutions": "panic: "} {
		var log bytes.Buffer
		mux := fakeMux(wire.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		w := post(mux, target, "/", []byte(`{}`))
		id := w.Header().Get("X-Amzn-Requestid")
		if w.Code != 500 || !strings.Contains(w.Body.String(), "InternalFailure") || strings.Contains(w.Body.String(), "fire") || !strings.Contains(w.Body.String(), id) {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), cause) || strings.Count(log.String(), id) < 2 {
			t.Errorf("%s: log without %q or %s:\n%s", target, cause, id, log.String())
		}
	}
}

type slowRuntime struct {
	personalizeruntime.API
	seen chan string
}

func (s slowRuntime) GetRecommendations(ctx context.Context, _ *personalizeruntime.GetRecommendationsInput) (*personalizeruntime.GetRecommendationsOutput, error) {
	s.seen <- wire.RequestID(ctx)
	<-ctx.Done()
	return nil, fmt.Errorf("recommend: %w", context.Cause(ctx))
}

// TestCanceled: a client that leaves is no error of ours, a deadline is told.
func TestCanceled(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(context.Context) (context.Context, context.CancelFunc)
		status int
		level  string
	}{
		"left": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, 499, "INFO"},
		"late": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(0, 0))
		}, 503, "WARN"},
	} {
		var log bytes.Buffer
		seen := make(chan string, 1)
		mux := wire.NewMux(wire.Options{Now: epoch, Log: slog.New(slog.NewTextHandler(&log, nil))})
		personalizeruntime.Register(mux, slowRuntime{seen: seen})
		ctx, cancel := c.end(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/recommendations", strings.NewReader(`{}`))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		cancel()
		if w.Code != c.status || !strings.Contains(log.String(), "level="+c.level) || strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%s: %d %s\n%s", name, w.Code, w.Body, log.String())
		}
		if id := <-seen; id == "" || id != w.Header().Get("X-Amzn-Requestid") {
			t.Errorf("%s: the context has the request id %q", name, id)
		}
	}
}

// TestSize: bodies beyond the bound are refused, whether or not they say how long they are.
func TestSize(t *testing.T) {
	mux := fakeMux(wire.Options{MaxBody: 1000})
	for _, known := range []bool{true, false} {
		for size, want := range map[int]int{1000: 200, 1001: 413} {
			text := `{"name":"a"` + strings.Repeat(" ", size-12) + `}`
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
			if !known {
				r.ContentLength = -1
			}
			r.Header.Set("X-Amz-Target", "AmazonPersonalize.CreateDatasetGroup")
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%d bytes, length known %v: %d %s", size, known, w.Code, w.Body)
			}
		}
	}
}

// TestObserve: a request is counted once, under names that callers cannot make up.
func TestObserve(t *testing.T) {
	var seen []string
	mux := fakeMux(wire.Options{Observe: func(service, operation string, status int, code string, seconds float64) {
		seen = append(seen, fmt.Sprintf("%s %s %d %s %v", service, operation, status, code, seconds))
	}})
	post(mux, "AmazonPersonalize.ListFilters", "/", nil)
	post(mux, "AmazonPersonalize.ListFilters", "/", []byte(`{"maxResults":0}`))
	post(mux, "AmazonPersonalize.Invented", "/", nil)
	want := "personalize ListFilters 200  0; personalize ListFilters 400 InvalidInputException 0; unknown unknown 400 UnknownOperationException 0"
	if got := strings.Join(seen, "; "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// TestServes: which requests are the APIs' and which are left to S3.
func TestServes(t *testing.T) {
	mux := fakeMux(wire.Options{})
	for _, c := range []struct {
		method, path, target, content string
		want                          bool
	}{
		{"POST", "/", "AmazonPersonalize.X", "", true},
		{"POST", "/recommendations", "", "application/json", true},
		{"POST", "/events", "", "", true},
		{"PUT", "/events", "", "application/json", false},
		{"POST", "/events", "", "multipart/form-data; boundary=x", false},
		{"POST", "/bucket", "", "application/json", false},
		{"GET", "/events", "", "", false},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.target != "" {
			r.Header.Set("X-Amz-Target", c.target)
		}
		r.Header.Set("Content-Type", c.content)
		if mux.Serves(r) != c.want {
			t.Errorf("%+v", c)
		}
	}
}

// TestClient goes through HTTP: answers, typed errors, errors of other kinds.
func TestClient(t *testing.T) {
	server := httptest.NewServer(fakeMux(wire.Options{}))
	defer server.Close()
	opt := wire.ClientOptions{Endpoint: server.URL + "/", HTTP: server.Client()}
	ctx := t.Context()
	admin, events, runtime := personalize.NewClient(opt), personalizeevents.NewClient(opt), personalizeruntime.NewClient(opt)

	made, err := admin.CreateDatasetGroup(ctx, &personalize.CreateDatasetGroupInput{Name: ptr("a"), Domain: personalize.DomainEcommerce})
	if err != nil || !strings.HasSuffix(*made.DatasetGroupArn, "/a") || made.Domain != personalize.DomainEcommerce {
		t.Errorf("%+v, %v", made, err)
	}
	if _, err := admin.DeleteCampaign(ctx, &personalize.DeleteCampaignInput{CampaignArn: made.DatasetGroupArn}); err != nil {
		t.Error(err)
	}
	if list, err := admin.ListFilters(ctx, nil); err != nil || list.Filters == nil {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = admin.DescribeDatasetGroup(ctx, &personalize.DescribeDatasetGroupInput{DatasetGroupArn: ptr("arn:aws:personalize:::absent")})
	var absent *personalize.ResourceNotFoundException
	if !errors.As(err, &absent) || *absent.Message != "Resource Arn arn:aws:personalize:::absent does not exist." {
		t.Errorf("%v", err)
	}
	_, err = admin.ListRecipes(ctx, nil)
	var fault *wire.Fault
	if !errors.As(err, &fault) || fault.Code != "InternalFailure" || fault.Status != 500 {
		t.Errorf("%v", err)
	}
	_, err = events.PutEvents(ctx, putEvents())
	var invalid *personalizeevents.InvalidInputException
	if !errors.As(err, &invalid) || *invalid.Message != `properties arrived as {"a":1}` {
		t.Errorf("%v", err)
	}
	if got, err := runtime.GetRecommendations(ctx, nil); err != nil || *got.ItemList[0].ItemId != "é\"1" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := personalize.NewClient(wire.ClientOptions{Endpoint: server.URL, AccessKey: "A", Secret: "S"}).ListFilters(ctx, nil); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("a client with keys and no clock: %v", err)
	}
}

// TestForeignAnswers: answers that are not AWS's become errors too.
func TestForeignAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		"502 <html>bad gateway</html>": "502 Bad Gateway",
		`400 {"__type":"com.amazonaws.personalize#LimitExceededException","message":"m"}`: "LimitExceededException: m",
		`200 {"Filters":7}`: "can not be converted",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			var status int
			fmt.Sscan(answer, &status)
			w.WriteHeader(status)
			io.WriteString(w, answer[4:])
		}))
		_, err := personalize.NewClient(wire.ClientOptions{Endpoint: server.URL, HTTP: server.Client()}).ListFilters(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
		server.Close()
	}
}
