package node

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

// TestEmbedder asks an endpoint of our own on loopback: each text once, in questions
// of bounded size, whatever the order of the answers.
func TestEmbedder(t *testing.T) {
	asked, status, bad := 0, http.StatusOK, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q embeddings
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.URL.Path != "/v1/embeddings" || q.Model != "m" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %v %+v %v", r.URL.Path, r.Header, q, err)
		}
		if len(q.Input) > embedTogether {
			t.Errorf("%d texts at once", len(q.Input))
		}
		asked += len(q.Input)
		w.WriteHeader(status)
		if bad != "" {
			_, _ = io.WriteString(w, bad)
			return
		}
		type datum struct {
			Index     int       `json:"index"`
			Embedding []float32 `json:"embedding"`
		}
		var data []datum
		for i := len(q.Input) - 1; i >= 0; i-- {
			data = append(data, datum{i, []float32{float32(len(q.Input[i])), 1}})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
	}))
	defer server.Close()
	embed := NewEmbedder(server.URL+"/v1/", "m", "secret")
	var texts []string
	var want [][]float32
	for n := range 100 {
		texts, want = append(texts, strings.Repeat("x", n+1)), append(want, []float32{float32(n + 1), 1})
	}
	for range 2 {
		if got, err := embed(t.Context(), texts); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if asked != 100 {
		t.Errorf("asked for %d texts, want each of 100 once", asked)
	}
	if got, err := embed(t.Context(), []string{"xx", "something new"}); err != nil || asked != 101 || got[1][0] != 13 {
		t.Errorf("got %v, %v, asked for %d", got, err, asked)
	}
	for _, bad = range []string{"{}", `{"data":[{"index":7,"embedding":[1]}]}`, `{"data":[{"index":0,"embedding":[]}]}`} {
		if got, err := embed(t.Context(), []string{"yy"}); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
	status, bad = http.StatusTooManyRequests, "slow down"
	if _, err := embed(t.Context(), []string{"zz"}); err == nil || !strings.Contains(err.Error(), "slow down") {
		t.Errorf("%v", err)
	}
	if NewEmbedder("", "m", "") != nil {
		t.Error("without an endpoint nobody is asked")
	}
}

// TestEmbedderForgets: what is kept is bounded.
func TestEmbedderForgets(t *testing.T) {
	e := &embedder{most: 3 * 108, kept: map[[32]byte][]float32{}}
	for _, text := range []string{"a", "b", "c", "d"} {
		e.keep(text, []float32{1, 2})
	}
	if len(e.kept) != 1 || e.size != 108 {
		t.Errorf("%d vectors of %d bytes are kept, want the last one", len(e.kept), e.size)
	}
}
