package node

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestThemer asks an endpoint of our own on loopback.
func TestThemer(t *testing.T) {
	var asked completion
	status, reply := http.StatusOK, `{"choices":[{"message":{"role":"assistant","content":" \"Robots in love\".\nBecause …"}}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %v", r.URL.Path, r.Header)
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, reply)
	}))
	defer server.Close()
	name := newThemer(server.URL+"/v1/", "m", "secret")
	got, err := name(t.Context(), "robots", []string{"First", "Second"})
	if err != nil || got != "Robots in love" {
		t.Errorf("%q, %v", got, err)
	}
	if c := asked.Messages[0].Content; asked.Model != "m" || !strings.Contains(c, "robots") || !strings.Contains(c, "First\nSecond") {
		t.Errorf("asked %+v", asked)
	}
	for _, bad := range []string{"", "{}", `{"choices":[]}`, `{"choices":[{"message":{"content":" \" "}}]}`} {
		reply = bad
		if got, err := name(t.Context(), "", nil); err == nil {
			t.Errorf("%q gave %q", bad, got)
		}
	}
	status, reply = http.StatusTooManyRequests, "slow down"
	if _, err := name(t.Context(), "", nil); err == nil || !strings.Contains(err.Error(), "slow down") {
		t.Errorf("%v", err)
	}
	if newThemer("", "m", "") != nil {
		t.Error("without an endpoint nobody is asked")
	}
}
