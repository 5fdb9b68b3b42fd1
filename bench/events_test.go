package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/storetest"
	"usher/node"
	"usher/wire"
	"usher/wire/personalize"
)

const (
	conns  = 64
	events = 10 // of a request
	rounds = 7
)

const schema = `{"type":"record","name":"Interactions","fields":[
	{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},
	{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},{"name":"DEVICE","type":["null","string"],"categorical":true}],"version":"1.0"}`

// BenchmarkEvents is PutEvents with 64 connections and 10 events a call, against
// a bare handler that reads the body and writes it to a plain file with the same
// group commit.
func BenchmarkEvents(b *testing.B) {
	n, err := node.Open(b.Context(), node.Options{Dir: b.TempDir(), Database: storetest.Database(b), Listen: "127.0.0.1:0", Fast: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	bare, err := newBare(filepath.Join(b.TempDir(), "events"))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	usher := newLoad(n.URL()+"/events", tracker(b, n.URL()))
	plain := newLoad(bare.url, usher.tracking)
	usher.run(b, 1000) // warm
	plain.run(b, 1000)
	for b.Loop() {
		var u, p []float64
		for range rounds {
			u = append(u, usher.run(b, 4000))
			p = append(p, plain.run(b, 4000))
		}
		b.ReportMetric(median(u), "usher-req/s")
		b.ReportMetric(median(p), "bare-req/s")
		b.ReportMetric(median(u)/median(p), "ratio")
	}
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// tracker makes a dataset group with interactions and gives its tracking id.
func tracker(b *testing.B, url string) string {
	admin := personalize.NewClient(wire.ClientOptions{Endpoint: url})
	ctx := b.Context()
	name := "bench"
	g, err := admin.CreateDatasetGroup(ctx, &personalize.CreateDatasetGroupInput{Name: &name})
	if err != nil {
		b.Fatal(err)
	}
	text := schema
	s, err := admin.CreateSchema(ctx, &personalize.CreateSchemaInput{Name: &name, Schema: &text})
	if err != nil {
		b.Fatal(err)
	}
	kind := "Interactions"
	if _, err := admin.CreateDataset(ctx, &personalize.CreateDatasetInput{Name: &name, DatasetType: &kind, DatasetGroupArn: g.DatasetGroupArn, SchemaArn: s.SchemaArn}); err != nil {
		b.Fatal(err)
	}
	t, err := admin.CreateEventTracker(ctx, &personalize.CreateEventTrackerInput{Name: &name, DatasetGroupArn: g.DatasetGroupArn})
	if err != nil {
		b.Fatal(err)
	}
	return *t.TrackingId
}

// load is clients that send events.
type load struct {
	url, tracking string
	client        *http.Client
	sent          atomic.Int64
}

func newLoad(url, tracking string) *load {
	return &load{url: url, tracking: tracking, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns, MaxConnsPerHost: conns}}}
}

// run sends n requests and gives how many were answered in a second.
func (l *load) run(b *testing.B, n int) float64 {
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = l.body()
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range conns {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := l.post(bodies[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(began).Seconds()
}

func (l *load) post(body []byte) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	r, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", r.Status, text)
	}
	return err
}

// body is a request as an SDK sends it, of a user of its own in twenty.
func (l *load) body() []byte {
	k := l.sent.Add(1)
	type event struct {
		EventID    string  `json:"eventId"`
		EventType  string  `json:"eventType"`
		EventValue float32 `json:"eventValue"`
		ItemID     string  `json:"itemId"`
		SentAt     int64   `json:"sentAt"`
		Properties string  `json:"properties"`
	}
	list := make([]event, events)
	for i := range list {
		list[i] = event{fmt.Sprintf("6e2f2b1c-7d1e-4f7b-9a57-%012d", k*events+int64(i)), "view", 3.5, fmt.Sprintf("item-%07d", (k*7919+int64(i)*104729)%100000), 1_700_000_000 + k, `{"device": "phone"}`}
	}
	b, err := json.Marshal(map[string]any{"trackingId": l.tracking, "userId": fmt.Sprintf("user-%07d", k%20000), "sessionId": fmt.Sprintf("session-%07d", k%30000), "eventList": list})
	if err != nil {
		panic(err)
	}
	return b
}

// bare is the least that a durable handler does: it reads the body, and answers
// when a group of bodies is in the file and synced.
type bare struct {
	url     string
	server  http.Server
	file    *os.File
	pending chan body
	done    chan struct{}
}

type body struct {
	text []byte
	done chan error
}

func newBare(path string) (*bare, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	s := &bare{file: f, pending: make(chan body, 256), done: make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + l.Addr().String() + "/"
	s.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			x := body{text, make(chan error, 1)}
			s.pending <- x
			err = <-x.done
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	go func() { _ = s.server.Serve(l) }()
	go s.commit()
	return s, nil
}

func (s *bare) commit() {
	defer close(s.done)
	for first := range s.pending {
		group, text := []body{first}, first.text
		for more := true; more; {
			select {
			case x, ok := <-s.pending:
				if more = ok; ok {
					group, text = append(group, x), append(text, x.text...)
				}
			default:
				more = false
			}
		}
		_, err := s.file.Write(text)
		if err == nil {
			err = s.file.Sync()
		}
		for _, x := range group {
			x.done <- err
		}
	}
}

func (s *bare) Close() error {
	err := s.server.Close()
	close(s.pending)
	<-s.done
	_ = s.file.Close()
	return err
}
