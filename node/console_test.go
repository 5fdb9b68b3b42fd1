package node

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"strings"
	"testing"
)

// browser sends requests as a page of the console does.
type browser struct {
	t      *testing.T
	url    string
	client *http.Client
}

func browse(t *testing.T, n *Node) *browser {
	jar := must[*cookiejar.Jar](t)(cookiejar.New(nil))
	return &browser{t, n.URL(), &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// do gives the status, headers and body of an answer; headers are pairs.
func (b *browser) do(method, path, body string, headers ...string) (int, http.Header, string) {
	b.t.Helper()
	q := must[*http.Request](b.t)(http.NewRequest(method, b.url+path, strings.NewReader(body)))
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	res := must[*http.Response](b.t)(b.client.Do(q))
	defer res.Body.Close()
	return res.StatusCode, res.Header, string(must[[]byte](b.t)(io.ReadAll(res.Body)))
}

// call makes a call of the control plane through the console.
func (b *browser) call(operation, body string) (int, string) {
	b.t.Helper()
	status, _, text := b.do("POST", "/console/call/", body, "X-Usher-Console", "1", "X-Amz-Target", "AmazonPersonalize."+operation, "Content-Type", "application/x-amz-json-1.1")
	return status, text
}

func TestConsoleOnLoopback(t *testing.T) {
	n := open(t, options(t.TempDir()))
	b := browse(t, n)
	if status, h, _ := b.do("GET", "/", "", "Accept", "text/html"); status != 303 || h.Get("Location") != "/console/" {
		t.Errorf("a browser at /: %d to %q", status, h.Get("Location"))
	}
	if status, _, text := b.do("GET", "/", ""); status != 200 || !strings.Contains(text, "ListAllMyBucketsResult") {
		t.Errorf("a client of S3 at /: %d %.80s", status, text)
	}
	if status, _, text := b.do("GET", "/console/", ""); status != 200 || !strings.Contains(text, "app.js") {
		t.Errorf("the console: %d %.80s", status, text)
	}
	if status, _, text := b.do("PUT", "/console", ""); status != 400 || !strings.Contains(text, "InvalidBucketName") {
		t.Errorf("a bucket of its name: %d %.80s", status, text)
	}
	if status, text := b.call("CreateDatasetGroup", `{"name":"shop"}`); status != 200 {
		t.Errorf("a call: %d %s", status, text)
	}
	if status, _, text := b.do("GET", "/console/call/usher/v1/dataset-groups/shop/deletion", "", "X-Usher-Console", "1"); status != 200 || !strings.Contains(text, "dataset-group/shop") {
		t.Errorf("an extension: %d %s", status, text)
	}
	if status, _, text := b.do("GET", "/console/", "", "Origin", "http://evil.test"); status != 403 {
		t.Errorf("another origin: %d %.80s", status, text)
	}
}

// TestObjectsAreNoPages: an object that is a web page has our origin, so it must not
// be able to do what the console's pages may.
func TestObjectsAreNoPages(t *testing.T) {
	b := browse(t, open(t, options(t.TempDir())))
	for _, put := range [][2]string{{"/bucket", ""}, {"/bucket/page.html", "<script>alert(1)</script>"}} {
		path, body := put[0], put[1]
		if status, _, text := b.do("PUT", "/console/call"+path, body, "X-Usher-Console", "1", "Content-Type", "text/html"); status != 200 {
			t.Fatalf("PUT %s: %d %s", path, status, text)
		}
	}
	for _, path := range []string{"/bucket/page.html", "/bucket/none.html", "/bucket"} {
		if _, h, _ := b.do("GET", path, ""); h.Get("Content-Security-Policy") != "sandbox" {
			t.Errorf("%s is not in a sandbox: %v", path, h)
		}
	}
	if _, h, _ := b.do("GET", "/bucket/page.html", ""); h.Get("Content-Type") != "text/html" {
		t.Errorf("the object's own type is gone: %v", h)
	}
}

func TestConsoleWithKeys(t *testing.T) {
	opt := options(t.TempDir())
	opt.Keys = filepath.Join(t.TempDir(), "keys")
	write(t, opt.Keys, "AKIAREAD "+secret+" reader read\nAKIALOAD "+secret+" loader s3\n")
	n := open(t, opt)
	signIn := func(accessKey string) *browser {
		b := browse(t, n)
		if status, text := b.call("ListDatasetGroups", "{}"); status != 401 {
			t.Errorf("nobody is signed in: %d %s", status, text)
		}
		status, _, text := b.do("POST", "/console/session", `{"accessKey":"`+accessKey+`","secretKey":"`+secret+`"}`, "X-Usher-Console", "1")
		if status != 200 {
			t.Fatalf("sign in: %d %s", status, text)
		}
		return b
	}
	reader, loader := signIn("AKIAREAD"), signIn("AKIALOAD")
	if status, text := reader.call("ListDatasetGroups", "{}"); status != 200 {
		t.Errorf("a reader lists: %d %s", status, text)
	}
	if status, text := reader.call("CreateDatasetGroup", `{"name":"shop"}`); status != 400 || !strings.Contains(text, "AccessDeniedException") || !strings.Contains(text, "user/reader") {
		t.Errorf("a reader creates: %d %s", status, text)
	}
	if status, text := loader.call("ListDatasetGroups", "{}"); status != 400 || !strings.Contains(text, "AccessDeniedException") {
		t.Errorf("a loader lists: %d %s", status, text)
	}
	for b, want := range map[*browser]int{reader: 403, loader: 200} {
		if status, _, text := b.do("PUT", "/console/call/bucket", "", "X-Usher-Console", "1"); status != want {
			t.Errorf("PUT of a bucket: %d %s, want %d", status, text, want)
		}
	}
	// The cookie is for the console's door: outside of it there are signatures only.
	if status, _, text := reader.do("POST", "/", "{}", "X-Amz-Target", "AmazonPersonalize.ListDatasetGroups"); status != 403 {
		t.Errorf("without a signature: %d %s", status, text)
	}
	if status, _, _ := reader.do("DELETE", "/console/session", "", "X-Usher-Console", "1"); status != 200 {
		t.Errorf("sign out: %d", status)
	}
	if status, text := reader.call("ListDatasetGroups", "{}"); status != 401 {
		t.Errorf("signed out: %d %s", status, text)
	}
}
