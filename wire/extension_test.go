package wire

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestExtensions calls them as a client does: answers, errors and what is not there.
func TestExtensions(t *testing.T) {
	e := NewExtensions(Options{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }, MaxBody: 50})
	e.Handle("GET", "things/{name}", "GetThing", func(_ context.Context, r *ExtensionRequest) (any, error) {
		if r.Path("name") == "none" {
			return nil, Invalid("no such thing")
		}
		return map[string]string{"name": r.Path("name"), "color": r.Query.Get("color")}, nil
	})
	e.Handle("POST", "things", "MakeThing", func(_ context.Context, r *ExtensionRequest) (any, error) {
		var in struct{ Name string }
		return nil, r.JSON(&in)
	})
	e.Handle("POST", "broken", "Break", func(_ context.Context, r *ExtensionRequest) (any, error) {
		if string(r.Body) == "panic" {
			panic("at the disco")
		}
		return nil, errors.New("secret")
	})
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "things/a%20b?color=red", "", 200, `{"color":"red","name":"a b"}`},
		{"GET", "things/none", "", 400, `"__type":"ValidationException","message":"no such thing"`},
		{"POST", "things", `{"Name": "x"}`, 200, ""},
		{"POST", "things", `{"Color": "x"}`, 400, `"__type":"SerializationException"`},
		{"POST", "things", strings.Repeat(" ", 51), 413, `"__type":"RequestEntityTooLargeException"`},
		{"POST", "broken", "", 500, `"__type":"InternalFailure"`},
		{"POST", "broken", "panic", 500, `"__type":"InternalFailure"`},
		{"GET", "nothing", "", 404, `"__type":"UnknownOperationException"`},
		{"DELETE", "things/a", "", 404, `"__type":"UnknownOperationException"`},
	} {
		r := httptest.NewRequest(c.method, ExtensionPrefix+c.path, strings.NewReader(c.body))
		if !e.Serves(r) {
			t.Errorf("%s is not served", c.path)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if got := w.Body.String(); w.Code != c.status || !strings.Contains(got, c.want) || strings.Contains(got, "secret") || c.want == "" && got != "" {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, w.Code, got, c.status, c.want)
		}
		if w.Header().Get(requestIDHeader) == "" {
			t.Errorf("%s %s has no request id", c.method, c.path)
		}
	}
	w := httptest.NewRecorder()
	e.Fail(w, httptest.NewRequest("GET", ExtensionPrefix+"things/a", nil), &Fault{"AccessDeniedException", "no", 403})
	if w.Code != 403 || !strings.Contains(w.Body.String(), "AccessDeniedException") {
		t.Errorf("Fail: %d %s", w.Code, w.Body)
	}
}

// TestExtensionHeaders: headers of usher's own reach the call, others do not.
func TestExtensionHeaders(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	if WithExtensionHeaders(r) != r {
		t.Error("a request without such headers is copied")
	}
	r.Header.Set("x-usher-cascade", "true")
	r.Header.Set("x-other", "true")
	ctx := WithExtensionHeaders(r).Context()
	if got := ExtensionHeader(ctx, "cascade"); got != "true" {
		t.Errorf("cascade is %q", got)
	}
	for _, name := range []string{"other", "filter", ""} {
		if got := ExtensionHeader(ctx, name); got != "" {
			t.Errorf("%q is %q", name, got)
		}
	}
	if got := ExtensionHeader(context.Background(), "cascade"); got != "" {
		t.Errorf("without a request: %q", got)
	}
}
