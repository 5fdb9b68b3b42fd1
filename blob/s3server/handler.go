package s3server

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// call is one request on its way.
type call struct {
	s      *Buckets
	w      http.ResponseWriter
	r      *http.Request
	query  url.Values
	name   string // of the bucket; "" for the service
	key    string
	bucket *bucket // nil where the call makes it
	sent   bool    // the answer has begun
}

// action answers a call; an error becomes S3's XML.
type action func(*call) error

// ServeHTTP implements http.Handler. Path-style addresses and hosts of the form
// bucket.localhost are understood.
func (s *Buckets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, w: w, r: r}
	h := w.Header()
	if h.Get("X-Amz-Request-Id") == "" {
		h.Set("X-Amz-Request-Id", rand.Text()[:16])
	}
	if r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		// net/http says this only before it reads a body. S3 says it always, and
		// botocore waits for ever for the next answer on a connection where it
		// was not said (0-byte objects of boto3's put_object).
		w.WriteHeader(http.StatusContinue)
	}
	h.Set("Server", "usher")
	defer func() {
		switch p := recover(); {
		case p == http.ErrAbortHandler:
			panic(p)
		case p != nil:
			s.opt.Log.Error("a panic ended an S3 request", "request", h.Get("X-Amz-Request-Id"), "panic", p, "stack", string(debug.Stack()))
			c.fail(fmt.Errorf("panic: %v", p))
		}
	}()
	if err := c.route(); err != nil {
		c.fail(err)
	}
}

// split finds bucket and key in the address.
func split(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if name, ok := strings.CutSuffix(host, ".localhost"); ok {
		name = strings.TrimSuffix(name, ".s3")
		if checkBucket(name) == nil {
			return name, path
		}
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func (c *call) route() error {
	var err error
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return faultf("InvalidURI", http.StatusBadRequest, "Couldn't parse the specified URI: %v.", err)
	}
	c.name, c.key = split(c.r)
	do := c.action()
	if do == nil {
		return faultf("MethodNotAllowed", http.StatusMethodNotAllowed, "The specified method is not allowed against this resource: %s on a %s.", c.r.Method, c.resource())
	}
	if c.name != "" && (c.key != "" || c.r.Method != http.MethodPut || c.subresource() != "") {
		if c.bucket, err = c.s.bucket(c.name); err != nil {
			return err
		}
		if owner := c.r.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != c.s.opt.Account {
			return faultf("AccessDenied", http.StatusForbidden, "Access Denied: x-amz-expected-bucket-owner is %q; buckets of this usher belong to %s.", clip(owner), c.s.opt.Account)
		}
	}
	if c.key != "" {
		if err := checkKey(c.key); err != nil {
			return err
		}
		if v := c.query.Get("versionId"); v != "" && v != "null" {
			return faultf("NoSuchVersion", http.StatusNotFound, "The specified version does not exist: %q. usher keeps one version of an object, its id is null.", clip(v))
		}
	}
	return do(c)
}

func (c *call) resource() string {
	what := "bucket"
	switch {
	case c.name == "":
		return "service"
	case c.key != "":
		what = "object"
	}
	if sub := c.subresource(); sub != "" {
		what += "'s " + sub
	}
	return what
}

// subresources are the words in a query that say what a request is about.
var subresources = []string{
	"uploadId", "uploads", "location", "policy", "policyStatus", "acl", "versioning", "versions", "delete", "tagging", "attributes",
	"cors", "encryption", "publicAccessBlock", "ownershipControls", "lifecycle", "website", "notification", "logging", "replication",
	"requestPayment", "accelerate", "object-lock", "legal-hold", "retention", "torrent", "restore", "select", "analytics",
	"inventory", "metrics", "intelligent-tiering", "session", "metadataTable", "metadataConfiguration", "abac",
}

func (c *call) subresource() string {
	for _, sub := range subresources {
		if _, ok := c.query[sub]; ok {
			return sub
		}
	}
	return ""
}

// action finds what the request asks for; nil if S3 has no such call.
func (c *call) action() action {
	method, sub := c.r.Method, c.subresource()
	switch {
	case c.name == "" && method == http.MethodGet:
		return (*call).listBuckets
	case c.name == "":
		return nil
	case c.key == "":
		if do := bucketActions[method+" "+sub]; do != nil {
			return do
		}
		return configAction(method, sub)
	}
	if do := objectActions[method+" "+sub]; do != nil {
		return do
	}
	if sub != "" {
		return func(c *call) error {
			return notImplemented("A header or query you provided implies functionality that is not implemented: %s of an object. usher's buckets hold plain objects of one version.", sub)
		}
	}
	return nil
}

var bucketActions = map[string]action{
	"PUT ":         (*call).createBucket,
	"HEAD ":        (*call).headBucket,
	"DELETE ":      (*call).deleteBucket,
	"GET ":         (*call).listObjects,
	"GET uploads":  (*call).listUploads,
	"GET versions": (*call).listVersions,
	"POST delete":  (*call).deleteObjects,
	"POST ": func(c *call) error {
		return notImplemented("usher does not take uploads by HTML forms (presigned POST); use a presigned PUT: generate_presigned_url('put_object', …).")
	},
}

var objectActions = map[string]action{
	"GET ":            (*call).getObject,
	"HEAD ":           (*call).getObject,
	"PUT ":            (*call).putOrCopy,
	"DELETE ":         (*call).deleteObject,
	"POST uploads":    (*call).createUpload,
	"PUT uploadId":    (*call).uploadPart,
	"GET uploadId":    (*call).listParts,
	"POST uploadId":   (*call).completeUpload,
	"DELETE uploadId": (*call).abortUpload,
	"GET acl":         (*call).getACL,
	"PUT acl":         (*call).accept,
	"GET tagging":     (*call).getTagging,
	"PUT tagging":     (*call).putTagging,
	"DELETE tagging":  (*call).deleteTagging,
	"GET attributes":  (*call).getAttributes,
	"GET legal-hold":  func(c *call) error { return noLock() },
	"GET retention":   func(c *call) error { return noLock() },
	"POST restore":    func(c *call) error { return noRestore() },
}

// errorMessage is the body of an answer that is an error.
type errorMessage struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestID string `xml:"RequestId"`
}

func (c *call) errorBody(err error) (*fault, errorMessage) {
	f, ours := asFault(err)
	id := c.w.Header().Get("X-Amz-Request-Id")
	if ours {
		c.s.opt.Log.Error("an S3 request failed", "request", id, "method", c.r.Method, "path", c.r.URL.Path, "error", err)
	}
	return f, errorMessage{Code: f.code, Message: f.text, Resource: c.r.URL.Path, RequestID: id}
}

// fail answers with an error, if the answer has not begun.
func (c *call) fail(err error) {
	f, message := c.errorBody(err)
	if c.sent {
		panic(http.ErrAbortHandler) // the client sees that the answer is not whole
	}
	h := c.w.Header()
	for _, name := range []string{"Content-Length", "Content-Range", "Content-Encoding", "Cache-Control", "Content-Disposition", "Accept-Ranges"} {
		h.Del(name)
	}
	c.drain()
	if f.status == http.StatusNotModified || c.r.Method == http.MethodHead {
		c.w.WriteHeader(f.status)
		return
	}
	_ = c.xml(f.status, message) // a client that has left is no error of ours
}

// maxDrain is how much of a refused body is read, so that the client sees the
// answer and not a closed connection.
const maxDrain = 16 << 20

func (c *call) drain() {
	if c.r.Body == nil || c.r.ContentLength == 0 || c.r.ContentLength > maxDrain || strings.EqualFold(c.r.Header.Get("Expect"), "100-continue") {
		return
	}
	buf := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(buf)
	for n := 0; n < maxDrain; {
		k, err := c.r.Body.Read(buf[:])
		if n += k; err != nil {
			return
		}
	}
}

// xml answers with a document.
func (c *call) xml(status int, v any) error {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(v); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	c.sent = true
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b.Bytes()) // a client that has left is no error of ours
	return nil
}

// empty answers without a body.
func (c *call) empty(status int) error {
	c.sent = true
	c.w.WriteHeader(status)
	return nil
}

// keepAlive is how often a client is told that its long call is still being
// worked on; the AWS CLI gives up after a minute of silence.
var keepAlive = 10 * time.Second

// slowly answers with the document that work gives. If that takes long, the
// answer begins with blanks, as S3's does, and an error comes with status 200.
func (c *call) slowly(work func() (any, error)) error {
	var v any
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		v, err = work()
	}()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	control := http.NewResponseController(c.w)
	for {
		select {
		case <-tick.C:
			text := " "
			if !c.sent {
				c.w.Header().Set("Content-Type", "application/xml")
				text = xml.Header + " "
			}
			c.sent = true
			_, _ = c.w.Write([]byte(text)) // the work goes on when the client has left
			_ = control.Flush()
		case <-done:
			if !c.sent {
				if err != nil {
					return err
				}
				return c.xml(http.StatusOK, v)
			}
			if err != nil {
				_, v = c.errorBody(err)
			}
			_ = xml.NewEncoder(c.w).Encode(v)
			return nil
		}
	}
}

// decode reads a body that is an XML document.
func (c *call) decode(v any) error {
	data, err := document(c.w, c.r)
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(data, v); err != nil {
		return malformedXML("%v", err)
	}
	return nil
}

// number reads a number in the query.
func (c *call) number(name string, fallback, least, most int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, invalidArgument("Provided %s not an integer or within integer range: %q.", name, clip(text))
	}
	return min(n, most), nil
}

// owner is who has all buckets: S3 names it by a number of its own.
type owner struct {
	ID          string
	DisplayName string
}

func (s *Buckets) owner() *owner {
	sum := sha256.Sum256([]byte(s.opt.Account))
	return &owner{ID: hex.EncodeToString(sum[:]), DisplayName: s.opt.Account}
}

func quote(etag string) string { return `"` + etag + `"` }

func xmlTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
