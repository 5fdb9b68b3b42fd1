package console

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"usher/wire"
)

const secret = "0123456789abcdef-secret"

// rig is a console with a key, a clock, and what it handed on last.
type rig struct {
	*Console
	keys   map[string]wire.Key
	now    time.Time
	called *http.Request
}

func newRig(t *testing.T, keys map[string]wire.Key) *rig {
	r := &rig{keys: keys, now: time.Unix(1_000_000, 0)}
	opt := Options{Region: "eu-west-1", Now: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler),
		Calls: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.called = q; io.WriteString(w, "called") })}
	if keys != nil {
		opt.Keys = func(accessKey string) (wire.Key, bool) { k, ok := r.keys[accessKey]; return k, ok }
	}
	c, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	r.Console = c
	return r
}

func withKey(t *testing.T) *rig {
	return newRig(t, map[string]wire.Key{"AKIA/ANN": {Secret: secret, Name: "ann", ARN: "arn:aws:iam::000000000000:user/ann", Scopes: wire.Read}})
}

// do sends a request as our pages do; change may alter it.
func (r *rig) do(method, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, "http://usher.test"+path, strings.NewReader(body))
	q.Header.Set(markHeader, "1")
	q.Header.Set("Origin", "http://usher.test")
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(q)
	}
	w := httptest.NewRecorder()
	r.called = nil
	r.ServeHTTP(w, q)
	return w
}

// signedIn gives what adds the cookie of a new session.
func (r *rig) signIn(t *testing.T) func(*http.Request) {
	w := r.do("POST", "/console/session", `{"accessKey":"AKIA/ANN","secretKey":"`+secret+`"}`, nil)
	if w.Code != 200 || len(w.Result().Cookies()) != 1 {
		t.Fatalf("sign in: %d %s", w.Code, w.Body)
	}
	c := w.Result().Cookies()[0]
	return func(q *http.Request) { q.AddCookie(c) }
}

func TestCallsComeFromOurPagesOnly(t *testing.T) {
	r := newRig(t, nil)
	if w := r.do("POST", "/console/call/", "{}", nil); w.Code != 200 || r.called == nil {
		t.Fatalf("a call of our own page: %d %s", w.Code, w.Body)
	}
	for name, change := range map[string]func(http.Header){
		"without the mark":          func(h http.Header) { h.Del(markHeader) },
		"from another origin":       func(h http.Header) { h.Set("Origin", "http://evil.test"); h.Del("Sec-Fetch-Site") },
		"from a sandboxed document": func(h http.Header) { h.Set("Origin", "null"); h.Del("Sec-Fetch-Site") },
		"from a sibling host":       func(h http.Header) { h.Set("Sec-Fetch-Site", "same-site"); h.Del("Origin") },
		"from another site":         func(h http.Header) { h.Set("Sec-Fetch-Site", "cross-site"); h.Del("Origin") },
		"typed into the address":    func(h http.Header) { h.Set("Sec-Fetch-Site", "none"); h.Del("Origin") },
	} {
		for _, path := range []string{"/console/call/", "/console/call/bucket/key", "/console/session"} {
			w := r.do("POST", path, "{}", func(q *http.Request) { change(q.Header) })
			if w.Code != 403 || r.called != nil || !strings.Contains(w.Body.String(), "AccessDeniedException") {
				t.Errorf("%s %s: %d %s", path, name, w.Code, w.Body)
			}
		}
	}
}

func TestCallIsHandedOn(t *testing.T) {
	r := withKey(t)
	cookie := r.signIn(t)
	w := r.do("POST", "/console/call/a%2Fb/c%20d?list-type=2", "body", func(q *http.Request) {
		cookie(q)
		q.Header.Set("X-Amz-Target", "AmazonPersonalize.ListDatasetGroups")
		q.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAOTHER/20260101/us-east-1/iam/aws4_request")
	})
	if w.Code != 200 || r.called == nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := r.called.URL; got.EscapedPath() != "/a%2Fb/c%20d" || got.RawQuery != "list-type=2" || r.called.Host != "localhost" {
		t.Errorf("handed on %s to %s", got, r.called.Host)
	}
	for _, name := range []string{"Authorization", "Cookie", "Origin", markHeader} {
		if got := r.called.Header.Get(name); got != "" {
			t.Errorf("%s was handed on: %s", name, got)
		}
	}
	if got := r.called.Header.Get("X-Amz-Target"); got != "AmazonPersonalize.ListDatasetGroups" {
		t.Errorf("X-Amz-Target is %q", got)
	}
	who, _ := wire.PrincipalOf(r.called.Context())
	if who.Name != "ann" || who.AccessKey != "AKIA/ANN" || who.Scopes != wire.Read || who.Region != "eu-west-1" || who.ARN == "" {
		t.Errorf("it was sent by %+v", who)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("a cache may keep the answer")
	}
}

func TestSession(t *testing.T) {
	r := withKey(t)
	list := func(change func(*http.Request)) int { return r.do("POST", "/console/call/", "{}", change).Code }
	if got := list(nil); got != 401 || r.called != nil {
		t.Errorf("without a session: %d", got)
	}
	cookie := r.signIn(t)
	if got := list(cookie); got != 200 {
		t.Errorf("with a session: %d", got)
	}
	begun := r.now
	r.now = begun.Add(sessionTime - time.Second)
	if got := list(cookie); got != 200 {
		t.Errorf("just before its end: %d", got)
	}
	r.now = begun.Add(sessionTime)
	if got := list(cookie); got != 401 {
		t.Errorf("at its end: %d", got)
	}
	r.now = begun
	key := r.keys["AKIA/ANN"]
	key.Secret = "another-secret-0123456789"
	r.keys["AKIA/ANN"] = key
	if got := list(cookie); got != 401 {
		t.Errorf("after the secret was changed: %d", got)
	}
	delete(r.keys, "AKIA/ANN")
	if got := list(cookie); got != 401 {
		t.Errorf("after the key was taken away: %d", got)
	}
}

func TestForgedSessions(t *testing.T) {
	r := withKey(t)
	q := httptest.NewRequest("GET", "/", nil)
	r.signIn(t)(q)
	good, err := q.Cookie(cookieName)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good.Value, ".")
	ends := r.now.Add(sessionTime).Unix()
	for name, value := range map[string]string{
		"empty":          "",
		"no signature":   parts[0] + "." + parts[1],
		"empty one":      parts[0] + "." + parts[1] + ".",
		"longer":         parts[0] + ".9" + parts[1] + "." + parts[2],
		"another key":    "QUtJQQ." + parts[1] + "." + parts[2],
		"another secret": seal("AKIA/ANN", "x", ends),
		"no secret":      seal("AKIANOBODY", "", ends), // what an unknown key's zero value has
		"a part more":    good.Value + ".x",
	} {
		if w := r.do("POST", "/console/call/", "{}", func(q *http.Request) { q.AddCookie(&http.Cookie{Name: cookieName, Value: value}) }); w.Code != 401 || r.called != nil {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestSignIn(t *testing.T) {
	r := withKey(t)
	var refusals []string
	for _, body := range []string{`{"accessKey":"AKIA/ANN","secretKey":"wrong"}`, `{"accessKey":"AKIABOB","secretKey":"` + secret + `"}`, `{"accessKey":"AKIABOB","secretKey":""}`} {
		w := r.do("POST", "/console/session", body, nil)
		if w.Code != 403 || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d", body, w.Code)
		}
		refusals = append(refusals, w.Body.String())
	}
	if refusals[0] != refusals[1] || refusals[1] != refusals[2] {
		t.Errorf("the refusals tell keys from secrets: %q", refusals)
	}
	for _, body := range []string{"", "[]", `{"accessKey":"` + strings.Repeat("x", maxSignIn) + `"}`} {
		if w := r.do("POST", "/console/session", body, nil); w.Code != 400 {
			t.Errorf("%.20q: %d", body, w.Code)
		}
	}
	if w := r.do("PATCH", "/console/session", "", nil); w.Code != 405 {
		t.Errorf("PATCH: %d", w.Code)
	}
	w := r.do("POST", "/console/session", `{"accessKey":"AKIA/ANN","secretKey":"`+secret+`"}`, func(q *http.Request) {
		q.Header.Set("Origin", "https://usher.test") // of a proxy that speaks TLS
	})
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != Prefix || c.Domain != "" || strings.Contains(c.Value, secret) {
		t.Errorf("the cookie is %+v", c)
	}
	if c := r.do("DELETE", "/console/session", "", nil).Result().Cookies()[0]; c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("signing out leaves %+v", c)
	}
}

func TestWhoIsSignedIn(t *testing.T) {
	r := withKey(t)
	ask := func(r *rig, change func(*http.Request)) (got struct {
		Keys, SignedIn       bool
		Name, Scopes, Region string
	}) {
		if err := json.Unmarshal(r.do("GET", "/console/session", "", change).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := ask(r, nil); !got.Keys || got.SignedIn {
		t.Errorf("before: %+v", got)
	}
	if got := ask(r, r.signIn(t)); !got.SignedIn || got.Name != "ann" || got.Scopes != "read" || got.Region != "eu-west-1" {
		t.Errorf("after: %+v", got)
	}
	if got := ask(newRig(t, nil), nil); got.Keys || !got.SignedIn {
		t.Errorf("without keys: %+v", got)
	}
}

func FuzzUnseal(f *testing.F) {
	f.Add(seal("AKIA/ANN", secret, 1))
	f.Add("..")
	f.Fuzz(func(t *testing.T, value string) {
		accessKey, ends, ok := unseal(value)
		if !ok {
			return
		}
		// Whatever it says, sealing that again gives something that says the same.
		again, at, ok := unseal(seal(accessKey, secret, ends))
		if !ok || again != accessKey || at != ends {
			t.Errorf("%q says %q %d, sealed again %q %d %t", value, accessKey, ends, again, at, ok)
		}
	})
}
