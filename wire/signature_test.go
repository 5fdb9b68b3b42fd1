package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"usher/wire"
	"usher/wire/personalize"
)

var creds = aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}

func keys(accessKey string) (wire.Key, bool) {
	return wire.Key{Secret: "secret", Name: "shop", Scopes: wire.AllScopes}, accessKey == "AKIAEXAMPLE"
}

func hashed(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// jsonRequest is a signed call of Personalize.
func jsonRequest(t *testing.T, service, body string, at time.Time) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8480/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonPersonalize.ListSolutions")
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hashed(body), service, "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

// s3Request is a signed PUT of an object.
func s3Request(t *testing.T, payload, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPut, "http://localhost:8480/bucket/a%20b/%C3%A9+c?partNumber=1&uploadId=x%2Fy&acl", strings.NewReader(body))
	r.Header.Set("X-Amz-Content-Sha256", payload)
	err := v4.NewSigner().SignHTTP(context.Background(), creds, r, payload, "s3", "us-east-1", epoch(), func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// presigned is a GET that carries its signature in the query.
func presigned(t *testing.T, expires string, at time.Time) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8480/bucket/a%20b?X-Amz-Expires="+expires+"&versionId=1", nil)
	uri, _, err := v4.NewSigner().PresignHTTP(context.Background(), creds, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", at, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, uri, nil)
}

func TestSignatures(t *testing.T) {
	form := func(service string) *http.Request {
		body := "Action=GetCallerIdentity&Version=2011-06-15"
		r := httptest.NewRequest(http.MethodPost, "http://localhost:8480/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hashed(body), service, "us-east-1", epoch()); err != nil {
			t.Fatal(err)
		}
		return r
	}
	changed := func(r *http.Request, change func(*http.Request)) *http.Request {
		change(r)
		return r
	}
	const body = `{"maxResults":7}`
	good := func() *http.Request { return jsonRequest(t, "personalize", body, epoch()) }
	for name, c := range map[string]struct {
		r      *http.Request
		code   string // empty: accepted
		status int
	}{
		"good":                 {good(), "", 0},
		"a proxy's header":     {changed(good(), func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.1") }), "", 0},
		"fourteen minutes old": {jsonRequest(t, "personalize", body, epoch().Add(-14*time.Minute)), "", 0},
		"sixteen minutes old":  {jsonRequest(t, "personalize", body, epoch().Add(-16*time.Minute)), "InvalidSignatureException", 403},
		"of the future":        {jsonRequest(t, "personalize", body, epoch().Add(16*time.Minute)), "InvalidSignatureException", 403},
		"another service":      {jsonRequest(t, "dynamodb", body, epoch()), "InvalidSignatureException", 403},
		"signed for S3":        {jsonRequest(t, "s3", body, epoch()), "InvalidSignatureException", 403},
		"another body":         {changed(good(), func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"maxResults":8}`)) }), "InvalidSignatureException", 403},
		"another operation":    {changed(good(), func(r *http.Request) { r.Header.Set("X-Amz-Target", "AmazonPersonalize.DeleteSolution") }), "InvalidSignatureException", 403},
		"another host":         {changed(good(), func(r *http.Request) { r.Host = "localhost:1" }), "InvalidSignatureException", 403},
		"another query":        {changed(good(), func(r *http.Request) { r.URL.RawQuery = "a=b" }), "InvalidSignatureException", 403},
		"a header unsigned":    {changed(good(), func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }), "InvalidSignatureException", 403},
		"nobody":               {changed(good(), func(r *http.Request) { r.Header.Del("Authorization") }), "MissingAuthenticationTokenException", 403},
		"half":                 {changed(good(), func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/B") }), "IncompleteSignatureException", 400},
		"basic":                {changed(good(), func(r *http.Request) { r.Header.Set("Authorization", "Basic eDp5") }), "IncompleteSignatureException", 400},
		"no date":              {changed(good(), func(r *http.Request) { r.Header.Del("X-Amz-Date") }), "IncompleteSignatureException", 400},
		"unknown key": {changed(good(), func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AKIAEXAMPLE", "AKIAOTHER", 1))
		}), "UnrecognizedClientException", 403},
		"host unsigned": {changed(good(), func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";host", "", 1))
		}), "IncompleteSignatureException", 400},

		"sts":             {form("sts"), "", 0},
		"iam":             {form("iam"), "", 0},
		"sts, other body": {changed(form("sts"), func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("Action=X")) }), "SignatureDoesNotMatch", 403},
		"sts, nobody":     {changed(form("sts"), func(r *http.Request) { r.Header.Del("Authorization") }), "MissingAuthenticationToken", 403},

		"s3 with hash":      {s3Request(t, hashed("x"), "x"), "", 0},
		"s3 unsigned":       {s3Request(t, "UNSIGNED-PAYLOAD", "x"), "", 0},
		"s3 chunks":         {s3Request(t, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x"), "", 0},
		"s3 trailer":        {s3Request(t, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x"), "", 0},
		"s3 without a hash": {s3Request(t, "nonsense", "x"), "AuthorizationHeaderMalformed", 400},
		"s3, other key":     {changed(s3Request(t, "UNSIGNED-PAYLOAD", "x"), func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/bucket/b", "" }), "SignatureDoesNotMatch", 403},
		"s3, other part":    {changed(s3Request(t, "UNSIGNED-PAYLOAD", "x"), func(r *http.Request) { r.URL.RawQuery = "partNumber=2&uploadId=x%2Fy&acl" }), "SignatureDoesNotMatch", 403},
		"s3, hash swapped":  {changed(s3Request(t, hashed("x"), "x"), func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }), "SignatureDoesNotMatch", 403},
		"s3, nobody":        {httptest.NewRequest(http.MethodGet, "http://localhost/bucket/a", nil), "AccessDenied", 403},

		"presigned":             {presigned(t, "3600", epoch().Add(-time.Hour)), "", 0},
		"version 2":             {changed(httptest.NewRequest(http.MethodGet, "http://localhost/b/k", nil), func(r *http.Request) { r.Header.Set("Authorization", "AWS AKIAEXAMPLE:x") }), "InvalidRequest", 400},
		"presigned, expired":    {presigned(t, "3600", epoch().Add(-3601*time.Second)), "AccessDenied", 403},
		"presigned, too long":   {presigned(t, "604801", epoch()), "AuthorizationHeaderMalformed", 400},
		"presigned, other file": {changed(presigned(t, "3600", epoch()), func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/bucket/b", "" }), "SignatureDoesNotMatch", 403},
		"presigned, longer": {changed(presigned(t, "3600", epoch()), func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=3600", "Expires=9999", 1)
		}), "SignatureDoesNotMatch", 403},
	} {
		s := &wire.Signatures{Keys: keys, Now: epoch}
		p, err := s.Verify(c.r)
		var fault *wire.Fault
		switch {
		case c.code == "":
			if err != nil || p.Name != "shop" || p.AccessKey != "AKIAEXAMPLE" || p.Region != "us-east-1" {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		case !errors.As(err, &fault) || fault.Code != c.code || fault.Status != c.status || fault.Message == "" || p != (wire.Principal{}):
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if _, err := new(wire.Signatures).Verify(c.r); err != nil {
			t.Errorf("%s, without keys: %v", name, err)
		}
	}
}

// TestPresignedByBoto3 takes a URL that boto3 1.43.11 made.
func TestPresignedByBoto3(t *testing.T) {
	const link = "http://localhost:8480/b/a%20b/%C3%A9%2Bc%3Dd%26%28e%29?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAEXAMPLE%2F20261124%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261124T154956Z&X-Amz-Expires=100&X-Amz-SignedHeaders=host&X-Amz-Signature=16931b5d5d87e8e7f33d9a00d170a23783ef002f908875cd69fa296de6dd5a76"
	at, err := time.Parse("20060102T150405Z", "20261124T154956Z")
	if err != nil {
		t.Fatal(err)
	}
	for after, fine := range map[time.Duration]bool{99 * time.Second: true, 101 * time.Second: false} {
		s := &wire.Signatures{Keys: keys, Now: func() time.Time { return at.Add(after) }}
		if p, err := s.Verify(httptest.NewRequest(http.MethodGet, link, nil)); (err == nil) != fine {
			t.Errorf("after %v: %+v, %v", after, p, err)
		}
	}
}

// TestVerifiedBody: the body is still there behind Verify, and one of S3 that is
// not what was signed ends in an error.
func TestVerifiedBody(t *testing.T) {
	s := &wire.Signatures{Keys: keys, Now: epoch}
	for _, c := range []struct {
		r    *http.Request
		want string
		fine bool
	}{
		{jsonRequest(t, "personalize", "{}", epoch()), "{}", true},
		{s3Request(t, hashed("right"), "right"), "right", true},
		{s3Request(t, hashed("right"), "wrong"), "wrong", false},
	} {
		if _, err := s.Verify(c.r); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c.r.Body)
		if string(got) != c.want || (err == nil) != c.fine {
			t.Errorf("%q, %v; want %q, fine %v", got, err, c.want, c.fine)
		}
	}
	small := &wire.Signatures{Keys: keys, Now: epoch, MaxBody: 10}
	_, err := small.Verify(jsonRequest(t, "personalize", strings.Repeat(" ", 11), epoch()))
	var fault *wire.Fault
	if !errors.As(err, &fault) || fault.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("large body: %v", err)
	}
}

// TestSignedCalls goes the whole way: a client that signs, Verify, the Mux.
func TestSignedCalls(t *testing.T) {
	mux := fakeMux(wire.Options{})
	s := &wire.Signatures{Keys: keys, Now: epoch}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.Verify(r)
		if err != nil {
			mux.Fail(w, r, err)
			return
		}
		mux.ServeHTTP(w, r.WithContext(wire.WithPrincipal(r.Context(), p)))
	}))
	defer server.Close()
	call := func(secret string) error {
		c := personalize.NewClient(wire.ClientOptions{Endpoint: server.URL, HTTP: server.Client(), AccessKey: "AKIAEXAMPLE", Secret: secret, SessionToken: "token", Now: epoch})
		_, err := c.CreateDatasetGroup(t.Context(), &personalize.CreateDatasetGroupInput{Name: ptr("a")})
		return err
	}
	if err := call("secret"); err != nil {
		t.Error(err)
	}
	if err := call("guessed"); err == nil || !strings.Contains(err.Error(), "InvalidSignatureException") {
		t.Error(err)
	}
}

// TestScopeOfTheMux: a signature that leaves the body out, as S3's may, opens no API.
func TestScopeOfTheMux(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/events", bytes.NewReader([]byte(`{}`)))
	w := httptest.NewRecorder()
	fakeMux(wire.Options{}).ServeHTTP(w, r.WithContext(wire.WithPrincipal(r.Context(), wire.Principal{Service: "s3"})))
	if w.Code != 403 || !strings.Contains(w.Body.String(), "InvalidSignatureException") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestGuard(t *testing.T) {
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "served") })
	guard := wire.Guard{Hosts: []string{"usher.internal"}, Origins: []string{"https://shop.example"}}
	for _, c := range []struct {
		guard        wire.Guard
		host, origin string
		want         int
	}{
		{guard, "localhost", "", 200},
		{guard, "LOCALHOST:8480", "", 200},
		{guard, "localhost.:8480", "", 200},
		{guard, "bucket.localhost:8480", "", 200},
		{guard, "127.0.0.1:8480", "", 200},
		{guard, "127.9.9.9", "", 200},
		{guard, "[::1]:8480", "", 200},
		{guard, "[::1]", "", 200},
		{guard, "usher.internal:8480", "", 200},
		{guard, "evil.example:8480", "", 403},
		{guard, "localhost.evil.example", "", 403},
		{guard, "127.0.0.1.evil.example", "", 403},
		{guard, "notlocalhost", "", 403},
		{guard, "10.0.0.1", "", 403},
		{guard, "", "", 403},
		{wire.Guard{AnyHost: true}, "evil.example", "", 200},
		{guard, "localhost:8480", "https://shop.example", 200},
		{guard, "localhost:8480", "http://localhost:8480", 200},
		{guard, "localhost:8480", "http://localhost:3000", 403},
		{guard, "localhost:8480", "https://evil.example", 403},
		{guard, "localhost:8480", "null", 403},
		{guard, "evil.example", "https://shop.example", 403},
		{wire.Guard{Origins: []string{"*"}}, "localhost", "https://any.example", 200},
	} {
		for _, target := range []string{"", "AmazonPersonalize.ListFilters"} {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Host = c.host
			r.Header.Set("X-Amz-Target", target)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			w := httptest.NewRecorder()
			c.guard.Handler(served).ServeHTTP(w, r)
			if w.Code != c.want || (w.Code == 200) != (w.Body.String() == "served") {
				t.Errorf("host %q, origin %q: %d %s", c.host, c.origin, w.Code, w.Body)
			}
			if w.Code == 403 && !strings.Contains(w.Body.String(), "Start it with") && !strings.Contains(w.Body.String(), "start it with") {
				t.Errorf("host %q, origin %q: no help in %s", c.host, c.origin, w.Body)
			}
			allowed := w.Header().Get("Access-Control-Allow-Origin")
			if foreign := c.origin != "" && c.origin != "http://"+c.host && c.want == 200; (allowed == c.origin) != (foreign || c.origin == "") {
				t.Errorf("host %q, origin %q: allows %q", c.host, c.origin, allowed)
			}
		}
	}
}

// TestPreflight: a browser asks before it calls PutEvents.
func TestPreflight(t *testing.T) {
	guard := wire.Guard{Origins: []string{"https://shop.example"}}.Handler(http.NotFoundHandler())
	for origin, want := range map[string]int{"https://shop.example": 204, "https://evil.example": 403} {
		r := httptest.NewRequest(http.MethodOptions, "http://localhost/events", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-amz-date")
		w := httptest.NewRecorder()
		guard.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d", origin, w.Code)
		}
		if want == 204 && (w.Header().Get("Access-Control-Allow-Headers") != "authorization,content-type,x-amz-date" || !strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "POST")) {
			t.Errorf("%v", w.Header())
		}
	}
}

// TestQuery: forms in, XML out, errors of all kinds.
func TestQuery(t *testing.T) {
	q := wire.NewQuery(wire.Options{Now: epoch, MaxBody: 1000})
	type who struct{ Account string }
	q.Register("sts", "https://sts/", map[string]wire.Action{
		"Who": func(_ context.Context, form url.Values) (any, error) { return who{"<" + form.Get("A") + ">"}, nil },
		"No": func(context.Context, url.Values) (any, error) {
			return nil, &wire.Fault{Code: "NoSuchEntity", Message: "a & b", Status: 404}
		},
		"Nil": func(context.Context, url.Values) (any, error) { return nil, nil },
		"Bad": func(context.Context, url.Values) (any, error) { return nil, errors.New("secret cause") },
		"Die": func(context.Context, url.Values) (any, error) { panic("secret cause") },
	})
	for body, want := range map[string]string{
		"Action=Who&A=x":                 `200 <WhoResponse xmlns="https://sts/"><WhoResult><Account>&lt;x&gt;</Account></WhoResult><ResponseMetadata><RequestId><id></RequestId></ResponseMetadata></WhoResponse>`,
		"Action=Nil":                     `200 <NilResponse xmlns="https://sts/"><ResponseMetadata><RequestId><id></RequestId></ResponseMetadata></NilResponse>`,
		"Action=No":                      `404 <ErrorResponse xmlns="https://sts/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>a &amp; b</Message></Error><RequestId><id></RequestId></ErrorResponse>`,
		"Action=Bad":                     `500 <ErrorResponse xmlns="https://sts/"><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>The request failed because of an internal error. The log of the server has more under the request id <id>.</Message></Error><RequestId><id></RequestId></ErrorResponse>`,
		"Action=Die":                     `500 <ErrorResponse xmlns="https://sts/"><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>The request failed because of an internal error. The log of the server has more under the request id <id>.</Message></Error><RequestId><id></RequestId></ErrorResponse>`,
		"Action=Invented":                `400 <ErrorResponse xmlns=""><Error><Type>Sender</Type><Code>InvalidAction</Code>`,
		"%zz":                            `400 <ErrorResponse xmlns=""><Error><Type>Sender</Type><Code>MalformedQueryString</Code>`,
		"A=" + strings.Repeat("x", 1000): `413 <ErrorResponse xmlns=""><Error><Type>Sender</Type><Code>RequestEntityTooLargeException</Code>`,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if !q.Serves(r) {
			t.Errorf("%.20s: not served", body)
		}
		w := httptest.NewRecorder()
		q.ServeHTTP(w, r)
		if got := uuid.ReplaceAllString(fmt.Sprint(w.Code, " ", w.Body), "<id>"); !strings.HasPrefix(got, want) {
			t.Errorf("%.20s:\n got %s\nwant %s", body, got, want)
		}
	}
}
