package s3server

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answer is what came back of a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// meta gives an object's own metadata, whose names are sent in lower case:
// programs read them as they come.
func (a answer) meta(name string) string { return strings.Join(a.header[metaPrefix+name], ",") }

// code gives the error's code; "" if there is none.
func (a answer) code() string {
	var e errorMessage
	if xml.Unmarshal([]byte(a.body), &e) != nil {
		return ""
	}
	return e.Code
}

// do sends a request to the handler: "METHOD /path?query", a body, and pairs of
// header names and values.
func do(t testing.TB, s *Buckets, request, body string, headers ...string) answer {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// want sends a request and holds status and error code against what is wanted.
func want(t testing.TB, s *Buckets, status int, code, request, body string, headers ...string) answer {
	t.Helper()
	a := do(t, s, request, body, headers...)
	if a.status != status || a.code() != code {
		t.Errorf("%s: %d %s, want %d %s\n%s", request, a.status, a.code(), status, code, a.body)
	}
	return a
}

// newBuckets opens buckets with the bucket "box".
func newBuckets(t testing.TB) *Buckets {
	t.Helper()
	s := openBuckets(t, t.TempDir())
	s.minPart = five
	if err := s.createBucket("box", ""); err != nil {
		t.Fatal(err)
	}
	return s
}

// reopen opens the folder again, as after a crash: nothing is closed.
func reopen(t testing.TB, s *Buckets) *Buckets {
	t.Helper()
	again := openBuckets(t, s.root)
	again.minPart = five
	return again
}

func TestBadRequests(t *testing.T) {
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /box/key", "data")
	upload := value(want(t, s, 200, "", "POST /box/multi?uploads", "").body, "UploadId")
	long := strings.Repeat("k", 1025)
	for _, c := range []struct {
		status        int
		code, request string
		body          string
		headers       []string
	}{
		{405, "MethodNotAllowed", "POST /", "", nil},
		{405, "MethodNotAllowed", "PATCH /box/key", "", nil},
		{400, "InvalidBucketName", "PUT /UPPER", "", nil},
		{400, "InvalidBucketName", "PUT /a", "", nil},
		{400, "InvalidBucketName", "PUT /usher", "", nil},
		{400, "InvalidBucketName", "PUT /healthz", "", nil},
		{400, "InvalidBucketName", "PUT /metrics", "", nil},
		{400, "InvalidBucketName", "PUT /console", "", nil},
		{400, "InvalidBucketName", "PUT /-abc", "", nil},
		{400, "InvalidBucketName", "PUT /10.0.0.1", "", nil},
		{400, "InvalidBucketName", "GET /.usher/tmp", "", nil},
		{400, "MalformedXML", "PUT /newbox", "<no", nil},
		{400, "InvalidLocationConstraint", "PUT /newbox", "<CreateBucketConfiguration><LocationConstraint>a b</LocationConstraint></CreateBucketConfiguration>", nil},
		{404, "NoSuchBucket", "GET /nowhere", "", nil},
		{404, "NoSuchBucket", "PUT /nowhere/key", "data", nil},
		{404, "NoSuchBucket", "DELETE /nowhere", "", nil},
		{404, "NoSuchKey", "GET /box/none", "", nil},
		{404, "NoSuchVersion", "GET /box/key?versionId=5", "", nil},
		{400, "InvalidURI", "GET /box/key?a=%zz", "", nil},
		{400, "InvalidURI", "PUT /box/%ff", "x", nil},
		{400, "KeyTooLongError", "PUT /box/" + long, "x", nil},
		{400, "KeyTooLongError", "GET /box/" + long, "", nil},
		{400, "InvalidArgument", "GET /box?max-keys=-1", "", nil},
		{400, "InvalidArgument", "GET /box?max-keys=many", "", nil},
		{400, "InvalidArgument", "GET /box?encoding-type=base64", "", nil},
		{400, "InvalidArgument", "GET /box?list-type=2&continuation-token=%21", "", nil},
		{400, "InvalidArgument", "GET /box?list-type=2&continuation-token=", "", nil},
		{416, "InvalidRange", "GET /box/key", "", []string{"Range", "bytes=4-"}},
		{416, "InvalidRange", "GET /box/key", "", []string{"Range", "bytes=-0"}},
		{400, "InvalidArgument", "GET /box/key?partNumber=0", "", nil},
		{416, "InvalidPartNumber", "GET /box/key?partNumber=2", "", nil},
		{412, "PreconditionFailed", "GET /box/key", "", []string{"If-Match", `"x"`}},
		{412, "PreconditionFailed", "PUT /box/key", "x", []string{"If-None-Match", "*"}},
		{404, "NoSuchKey", "PUT /box/none", "x", []string{"If-Match", `"x"`}},
		{412, "PreconditionFailed", "DELETE /box/key", "", []string{"If-Match", `"x"`}},
		{501, "NotImplemented", "PUT /box/key", "x", []string{"If-None-Match", `"x"`}},
		{400, "InvalidDigest", "PUT /box/key", "x", []string{"Content-MD5", "nonsense"}},
		{400, "BadDigest", "PUT /box/key", "x", []string{"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}},
		{400, "BadDigest", "PUT /box/key", "x", []string{"X-Amz-Checksum-Crc32", "AAAAAA=="}},
		{400, "InvalidRequest", "PUT /box/key", "x", []string{"X-Amz-Checksum-Crc32", "AAAA"}},
		{400, "InvalidRequest", "PUT /box/key", "x", []string{"X-Amz-Checksum-Crc32", "AAAAAA==", "X-Amz-Checksum-Sha1", "AAAAAA=="}},
		{400, "InvalidRequest", "PUT /box/key", "x", []string{"X-Amz-Sdk-Checksum-Algorithm", "XXHASH64"}},
		{411, "MissingContentLength", "PUT /box/key", "x", []string{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}},
		{400, "IncompleteBody", "PUT /box/key", "3\r\nabc\r\n0\r\n\r\n", []string{"Content-Encoding", "aws-chunked", "X-Amz-Decoded-Content-Length", "4"}},
		{400, "InvalidRequest", "PUT /box/key", "3\r\nabcd\r\n0\r\n\r\n", []string{"Content-Encoding", "aws-chunked", "X-Amz-Decoded-Content-Length", "3"}},
		{400, "MetadataTooLarge", "PUT /box/key", "x", []string{"X-Amz-Meta-Big", strings.Repeat("x", 2048)}},
		{400, "InvalidTag", "PUT /box/key", "x", []string{"X-Amz-Tagging", "a=1&a=2"}},
		{501, "NotImplemented", "PUT /box/key", "x", []string{"X-Amz-Server-Side-Encryption-Customer-Algorithm", "AES256"}},
		{400, "InvalidArgument", "PUT /box/copy", "", []string{"X-Amz-Copy-Source", "box"}},
		{400, "InvalidArgument", "PUT /box/copy", "", []string{"X-Amz-Copy-Source", "box/%zz"}},
		{404, "NoSuchKey", "PUT /box/copy", "", []string{"X-Amz-Copy-Source", "/box/none"}},
		{404, "NoSuchBucket", "PUT /box/copy", "", []string{"X-Amz-Copy-Source", "nowhere/key"}},
		{404, "NoSuchVersion", "PUT /box/copy", "", []string{"X-Amz-Copy-Source", "box/key?versionId=3"}},
		{400, "InvalidRequest", "PUT /box/key", "", []string{"X-Amz-Copy-Source", "box/key"}},
		{400, "InvalidArgument", "PUT /box/copy", "", []string{"X-Amz-Copy-Source", "box/key", "X-Amz-Metadata-Directive", "KEEP"}},
		{412, "PreconditionFailed", "PUT /box/copy", "", []string{"X-Amz-Copy-Source", "box/key", "X-Amz-Copy-Source-If-None-Match", "*"}},
		{403, "AccessDenied", "GET /box", "", []string{"X-Amz-Expected-Bucket-Owner", "111111111111"}},
		{400, "MalformedXML", "POST /box?delete", "<Delete></Delete>", nil},
		{400, "MalformedXML", "POST /box?delete", "nonsense", nil},
		{413, "EntityTooLarge", "POST /box?delete", strings.Repeat("x", maxDocument+1), nil},
		{501, "NotImplemented", "POST /box", "", nil},
		{400, "MalformedPolicy", "PUT /box?policy", "{", nil},
		{400, "MalformedPolicy", "PUT /box?policy", "[]", nil},
		{400, "MalformedPolicy", "PUT /box?policy", "{}", nil},
		{400, "PolicyTooLarge", "PUT /box?policy", `{"Statement":[]}` + strings.Repeat(" ", maxPolicy), nil},
		{404, "NoSuchBucketPolicy", "GET /box?policy", "", nil},
		{400, "MalformedXML", "PUT /box?tagging", "<a>", nil},
		{400, "MalformedXML", "PUT /box?tagging", "", nil},
		{501, "NotImplemented", "PUT /box?lifecycle", "<a/>", nil},
		{501, "NotImplemented", "GET /box?analytics", "", nil},
		{501, "NotImplemented", "GET /box/key?torrent", "", nil},
		{501, "NotImplemented", "PUT /box?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", nil},
		{404, "NoSuchUpload", "PUT /box/multi?partNumber=1&uploadId=AAAA", "x", nil},
		{404, "NoSuchUpload", "PUT /box/multi?partNumber=1&uploadId=..%2F..", "x", nil},
		{404, "NoSuchUpload", "PUT /box/other?partNumber=1&uploadId=" + upload, "x", nil},
		{400, "InvalidArgument", "PUT /box/multi?partNumber=0&uploadId=" + upload, "x", nil},
		{400, "InvalidArgument", "PUT /box/multi?partNumber=10001&uploadId=" + upload, "x", nil},
		{400, "MalformedXML", "POST /box/multi?uploadId=" + upload, "<CompleteMultipartUpload/>", nil},
		{400, "InvalidRequest", "POST /box/multi?uploads", "", []string{"X-Amz-Checksum-Type", "COMPOSITE"}},
		{400, "InvalidRequest", "POST /box/multi?uploads", "", []string{"X-Amz-Checksum-Algorithm", "SHA256", "X-Amz-Checksum-Type", "FULL_OBJECT"}},
		{400, "InvalidArgument", "GET /box?uploads&max-uploads=0", "", nil},
		{404, "NoSuchUpload", "DELETE /box/multi?uploadId=none", "", nil},
	} {
		a := want(t, s, c.status, c.code, c.request, c.body, c.headers...)
		if a.header.Get("Content-Type") != "application/xml" || a.header.Get("X-Amz-Request-Id") == "" || value(a.body, "Message") == "" {
			t.Errorf("%s: headers %v, body %s", c.request, a.header, a.body)
		}
	}
	if a := want(t, s, 200, "", "GET /box/key", ""); a.body != "data" {
		t.Errorf("a refused request changed the object: %q", a.body)
	}
	// HEAD has no body to say it in.
	if a := do(t, s, "HEAD /box/none", ""); a.status != 404 || a.body != "" {
		t.Errorf("HEAD: %+v", a)
	}
	noLeftovers(t, s)
}

// value gives the text of the first element of that name.
func value(doc, name string) string {
	_, rest, ok := strings.Cut(doc, "<"+name+">")
	if !ok {
		return ""
	}
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return strings.ReplaceAll(text, "&#34;", `"`)
}

// values gives the texts of all elements of that name.
func values(doc, name string) (out []string) {
	for {
		i := strings.Index(doc, "<"+name+">")
		if i < 0 {
			return out
		}
		doc = doc[i:]
		out = append(out, value(doc, name))
		doc = doc[1:]
	}
}

func TestVirtualHost(t *testing.T) {
	s := newBuckets(t)
	for _, host := range []string{"box.localhost:8480", "box.localhost", "BOX.s3.localhost:80", "box.localhost."} {
		want(t, s, 200, "", "PUT /a/b", "by "+host, "Host", host)
		if a := want(t, s, 200, "", "GET /box/a/b", "", "Host", "localhost:8480"); a.body != "by "+host {
			t.Errorf("%s: %q", host, a.body)
		}
	}
	if a := want(t, s, 200, "", "GET /?list-type=2", "", "Host", "box.localhost"); value(a.body, "Key") != "a/b" {
		t.Error(a.body)
	}
	if a := want(t, s, 200, "", "GET /", "", "Host", "s3.localhost"); value(a.body, "Name") != "box" {
		t.Error(a.body)
	}
}

// recorder tells when something is written.
type recorder struct {
	*httptest.ResponseRecorder
	wrote chan struct{}
}

func (r recorder) Write(p []byte) (int, error) {
	n, err := r.ResponseRecorder.Write(p)
	select {
	case r.wrote <- struct{}{}:
	default:
	}
	return n, err
}

func TestSlowAnswers(t *testing.T) {
	defer func(d time.Duration) { keepAlive = d }(keepAlive)
	keepAlive = time.Millisecond
	s := newBuckets(t)
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "<copyResult"},
		{errPrecondition, "<Error><Code>PreconditionFailed</Code>"},
		{io.ErrClosedPipe, "<Error><Code>InternalError</Code>"},
	} {
		w := recorder{httptest.NewRecorder(), make(chan struct{}, 1)}
		r := httptest.NewRequest("PUT", "/box/a", nil)
		call := &call{s: s, w: w, r: r}
		err := call.slowly(func() (any, error) {
			<-w.wrote // the client has heard of us
			return copyResult{}, c.err
		})
		body := w.Body.String()
		rest, ok := strings.CutPrefix(body, xml.Header+" ")
		if err != nil || !ok || w.Code != 200 || !strings.HasPrefix(strings.TrimLeft(rest, " "), c.want) {
			t.Errorf("%v: %d %q", err, w.Code, body)
		}
	}
	// A panic ends the request, not the server.
	w := recorder{httptest.NewRecorder(), make(chan struct{}, 1)}
	c := &call{s: s, w: w, r: httptest.NewRequest("PUT", "/box/a", nil)}
	if err := c.slowly(func() (any, error) { panic("broken") }); err == nil && !strings.Contains(w.Body.String(), "InternalError") {
		t.Errorf("%q", w.Body.String())
	}
}

// TestTruncatedBody cuts the connection in the middle of a body.
func TestTruncatedBody(t *testing.T) {
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /box/key", "old")
	r := httptest.NewRequest("PUT", "/box/key", io.MultiReader(strings.NewReader("half"), broken{}))
	r.ContentLength = 8
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if a := (answer{w.Code, w.Header(), w.Body.String()}); a.status != 400 || a.code() != "IncompleteBody" {
		t.Errorf("%+v", a)
	}
	if a := want(t, s, 200, "", "GET /box/key", ""); a.body != "old" {
		t.Errorf("%q", a.body)
	}
	noLeftovers(t, s)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fmt.Errorf("connection reset") }

// signed is an error of a body whose signature is checked while it is read.
type signed struct{}

func (signed) Error() string              { return "wrong" }
func (signed) ErrorCode() string          { return "XAmzContentSHA256Mismatch" }
func (signed) ErrorMessage() string       { return "The hash is wrong." }
func (signed) HTTPStatus() int            { return 400 }
func (s signed) Read([]byte) (int, error) { return 0, s }

func TestErrorOfTheSignature(t *testing.T) {
	s := newBuckets(t)
	r := httptest.NewRequest("PUT", "/box/key", io.MultiReader(strings.NewReader("bytes"), signed{}))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if a := (answer{w.Code, w.Header(), w.Body.String()}); a.status != 400 || a.code() != "XAmzContentSHA256Mismatch" {
		t.Errorf("%+v", a)
	}
	want(t, s, 404, "NoSuchKey", "GET /box/key", "")
}

// FuzzServe sends anything: every answer is S3's, none is our fault.
func FuzzServe(f *testing.F) {
	for _, seed := range []struct{ method, target, header, value, body string }{
		{"GET", "/box/key", "Range", "bytes=0-1", ""},
		{"GET", "/box?list-type=2&delimiter=/&prefix=a", "X", "", ""},
		{"PUT", "/box/a//b", "X-Amz-Copy-Source", "/box/key?versionId=null", ""},
		{"PUT", "/box/x", "Content-Encoding", "aws-chunked", "1\r\na\r\n0\r\n\r\n"},
		{"POST", "/box?delete", "X", "", "<Delete><Object><Key>key</Key></Object></Delete>"},
		{"POST", "/box/k?uploads", "X-Amz-Checksum-Algorithm", "CRC32", ""},
		{"POST", "/box/k?uploadId=A", "X-Amz-Mp-Object-Size", "9", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>"},
		{"PUT", "/box?tagging", "X", "", "<Tagging/>"},
		{"GET", "/box?versions&key-marker=a", "X", "", ""},
	} {
		f.Add(seed.method, seed.target, seed.header, seed.value, seed.body)
	}
	s := newBuckets(f)
	f.Fuzz(func(t *testing.T, method, target, header, value, body string) {
		r, err := http.NewRequest(method, "http://localhost", bytes.NewReader([]byte(body)))
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		if r.URL, err = r.URL.Parse(target); err != nil {
			return
		}
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == 500 || w.Code >= 300 && method != "HEAD" && w.Code != 304 && (answer{body: w.Body.String()}).code() == "" {
			t.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
		}
	})
}
