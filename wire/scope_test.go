package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"usher/wire"
)

func TestParseScopes(t *testing.T) {
	for text, want := range map[string]string{"read": "read", "s3,events": "events,s3", "all": "read,write,runtime,events,s3", "read,read": "read"} {
		if s, err := wire.ParseScopes(text); err != nil || s.String() != want {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "READ", "read write", "none", ","} {
		if s, err := wire.ParseScopes(text); err == nil || s != 0 {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
}

// as gives a request of a principal with scopes.
func as(r *http.Request, service string, scopes wire.Scopes) *http.Request {
	p := wire.Principal{AccessKey: "AKIA", Name: "shop", ARN: "arn:aws:iam::123456789012:user/shop", Scopes: scopes, Service: service, Region: "eu-west-1"}
	return r.WithContext(wire.WithPrincipal(r.Context(), p))
}

// TestScopesOfServices: each protocol refuses in its own form what the scopes of a
// principal do not have.
func TestScopesOfServices(t *testing.T) {
	query := wire.NewQuery(wire.Options{Now: epoch})
	fine := func(context.Context, url.Values) (any, error) { return nil, nil }
	query.Register("iam", "https://iam/", map[string]wire.Action{"GetRole": fine, "CreateRole": fine})
	query.Register("sts", "https://sts/", map[string]wire.Action{"GetCallerIdentity": fine})
	own := wire.NewExtensions(wire.Options{Now: epoch})
	for _, method := range []string{"GET", "POST"} {
		own.Handle(method, "thing", "Thing", func(context.Context, *wire.ExtensionRequest) (any, error) { return nil, nil })
	}
	call := func(target string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
		r.Header.Set("X-Amz-Target", "AmazonPersonalize."+target)
		return r
	}
	form := func(action string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action="+action))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	rest := func(path string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	for name, c := range map[string]struct {
		handler http.Handler
		r       func() *http.Request
		need    wire.Scopes
		status  int    // of the refusal
		action  string // in its text
	}{
		"list":     {fakeMux(wire.Options{}), func() *http.Request { return call("ListDatasetGroups") }, wire.Read, 400, "personalize:ListDatasetGroups on resource: arn:aws:personalize:eu-west-1:123456789012:*"},
		"create":   {fakeMux(wire.Options{}), func() *http.Request { return call("CreateDatasetGroup") }, wire.Write, 400, "personalize:CreateDatasetGroup"},
		"events":   {fakeMux(wire.Options{}), func() *http.Request { return rest("/events") }, wire.Events, 403, "personalize:PutEvents"},
		"role":     {query, func() *http.Request { return form("GetRole") }, wire.Read, 403, "iam:GetRole on resource: *"},
		"new role": {query, func() *http.Request { return form("CreateRole") }, wire.Write, 403, "iam:CreateRole"},
		"own get":  {own, func() *http.Request { return httptest.NewRequest("GET", "/usher/v1/thing", nil) }, wire.Read, 403, "personalize:Thing"},
		"own post": {own, func() *http.Request { return httptest.NewRequest("POST", "/usher/v1/thing", nil) }, wire.Write, 403, "personalize:Thing"},
	} {
		for bit := range 5 {
			scope := wire.Scopes(1 << bit)
			w := httptest.NewRecorder()
			c.handler.ServeHTTP(w, as(c.r(), "", scope))
			refused := strings.Contains(w.Body.String(), "AccessDenied")
			if refused == (scope == c.need) {
				t.Errorf("%s with %v: %d %s", name, scope, w.Code, w.Body)
			}
			if refused && (w.Code != c.status || !strings.Contains(w.Body.String(), "user/shop is not authorized to perform: "+c.action)) {
				t.Errorf("%s with %v: %d %s", name, scope, w.Code, w.Body)
			}
		}
	}
	w := httptest.NewRecorder()
	query.ServeHTTP(w, as(form("GetCallerIdentity"), "sts", 0))
	if w.Code != http.StatusOK {
		t.Errorf("who one is, anybody may ask: %d %s", w.Code, w.Body)
	}
}

func TestScopeOfBuckets(t *testing.T) {
	for request, want := range map[string]string{
		"GET /":                "s3:ListAllMyBuckets on resource: *",
		"GET /b":               `s3:ListBucket on resource: "arn:aws:s3:::b"`,
		"PUT /b/":              `s3:CreateBucket on resource: "arn:aws:s3:::b"`,
		"DELETE /b":            "s3:DeleteBucket",
		"GET /b/k":             `s3:GetObject on resource: "arn:aws:s3:::b/k"`,
		"HEAD /b/k":            "s3:GetObject",
		"PUT /b/k/l":           `s3:PutObject on resource: "arn:aws:s3:::b/k/l"`,
		"POST /b/k?uploads":    "s3:PutObject",
		"DELETE /b/k":          "s3:DeleteObject",
		"POST /b?delete":       "s3:DeleteObject",
		"PUT /b/k?partNumber=": "s3:PutObject",
	} {
		method, path, _ := strings.Cut(request, " ")
		r := httptest.NewRequest(method, path, nil)
		fault := wire.AuthorizeObjects(as(r, "s3", wire.AllScopes&^wire.Objects))
		if fault == nil || fault.ErrorCode() != "AccessDenied" || fault.HTTPStatus() != 403 || !strings.Contains(fault.ErrorMessage(), want) {
			t.Errorf("%s: %v", request, fault)
		}
		if fault := wire.AuthorizeObjects(as(r, "s3", wire.Objects)); fault != nil {
			t.Errorf("%s: %v", request, fault)
		}
		if fault := wire.AuthorizeObjects(r); fault != nil {
			t.Errorf("%s, without keys: %v", request, fault)
		}
	}
}
