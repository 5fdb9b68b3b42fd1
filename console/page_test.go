package console

import (
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", "/console/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/console/", 200, "text/html; charset=utf-8"},
		{"GET", "/console/app.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/console/console.css", 200, "text/css; charset=utf-8"},
		{"GET", "/console/icon.svg", 200, "image/svg+xml"},
		{"GET", "/console", 301, ""},
		{"GET", "/console/none.js", 404, "text/plain; charset=utf-8"},
		{"GET", "/console/../etc/passwd", 404, "text/plain; charset=utf-8"},
		{"POST", "/console/", 405, "text/plain; charset=utf-8"},
	} {
		// As a browser opens a page: nothing of our own marks it.
		w := r.do(c.method, c.path, "", func(q *http.Request) { q.Header = http.Header{} })
		if w.Code != c.status || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Header().Get("Content-Type"))
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Content-Security-Policy": policy} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", c.path, name, got)
			}
		}
	}
	if w := r.do("GET", "/console", "", nil); w.Header().Get("Location") != Prefix {
		t.Errorf("/console leads to %q", w.Header().Get("Location"))
	}
}

func TestPagesAreAskedForAgain(t *testing.T) {
	r := newRig(t, nil)
	w := r.do("GET", "/console/app.js", "", nil)
	tag := w.Header().Get("ETag")
	if tag == "" || w.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("headers %v", w.Header())
	}
	if w := r.do("GET", "/console/app.js", "", func(q *http.Request) { q.Header.Set("If-None-Match", tag) }); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("the same again: %d, %d bytes", w.Code, w.Body.Len())
	}
}

func TestPolicy(t *testing.T) {
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("the policy lets in what it should not: %s", policy)
	}
}

// makesHTML are the ways from a string to HTML, styles or code. The policy would
// stop them in the browser; here they are found before.
var makesHTML = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\(|new Function|setHTML|javascript:`)

// elsewhere is an address of another host: none may be fetched from or linked to,
// but the names of AWS's and W3C's that are no addresses.
var elsewhere = regexp.MustCompile(`(?:https?:)?//[a-z0-9-]+\.[a-z]+`)

func TestFilesKeepThePolicy(t *testing.T) {
	all, err := readPages(static)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d files", len(all))
	}
	for name, file := range all {
		text := string(file.body)
		if found := makesHTML.FindString(text); found != "" {
			t.Errorf("%s makes HTML of a string, or code: %s", name, found)
		}
		if found := elsewhere.FindString(strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")); found != "" {
			t.Errorf("%s names another host: %s", name, found)
		}
		if path.Ext(name) == ".html" && regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script(?:>|[^>]*>[^<])`).MatchString(text) {
			t.Errorf("%s has inline script or style", name)
		}
	}
}

var (
	imports = regexp.MustCompile(`(?s)import \{([^}]*)\} from '\./([a-z]+\.js)';`)
	exports = regexp.MustCompile(`(?m)^export (?:async )?(?:function|const|let|class) (\w+)`)
)

// TestModulesFit finds what a build step would: names that a module imports and the
// other does not export, and names imported and not used.
func TestModulesFit(t *testing.T) {
	all, err := readPages(static)
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]map[string]bool{}
	for name, file := range all {
		has[path.Base(name)] = map[string]bool{}
		for _, m := range exports.FindAllStringSubmatch(string(file.body), -1) {
			has[path.Base(name)][m[1]] = true
		}
	}
	count := 0
	for name, file := range all {
		text := string(file.body)
		for _, m := range imports.FindAllStringSubmatch(text, -1) {
			for word := range strings.SplitSeq(m[1], ",") {
				word = strings.TrimSpace(word)
				count++
				if !has[m[2]][word] {
					t.Errorf("%s imports %s, which %s does not export", name, word, m[2])
				}
				if len(regexp.MustCompile(`\b`+word+`\b`).FindAllString(text, 2)) < 2 {
					t.Errorf("%s imports %s and does not use it", name, word)
				}
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d imports were found", count)
	}
}
