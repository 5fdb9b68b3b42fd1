// Package console is the web console: pages for a browser, embedded in the binary,
// and the door through which they call the public APIs.
//
// The pages are hand-written HTML, CSS and ES modules under static; nothing is
// built, and nothing is fetched from elsewhere. They know the server only by its
// public APIs, which they call below /console/call/: a request there is handed on,
// without that prefix and with the principal who is signed in, to what answers the
// same request when it carries a signature. So scopes, limits, errors and logs are
// those of the APIs, and there is nothing a page can do that a client cannot.
//
// Invariants: (1) a request that does more than fetch a page is answered only if it
// comes from a page of this very origin (sameOrigin); (2) where keys are configured
// a call needs a session that its key's present secret has signed (session.go); (3)
// no page runs script that is not one of our files, nor makes HTML of data: the
// Content-Security-Policy forbids the one, Trusted Types the other.
//
// What calls mean is left to api, which port and which keys to node.
package console

import (
	"embed"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"usher/wire"
)

// Prefix begins the paths of the console.
const Prefix = "/console/"

// callPrefix begins the paths of calls to the APIs.
const callPrefix = "/console/call"

// Options configure a Console.
type Options struct {
	// Calls answers requests of the APIs and the buckets, whose sender is
	// wire.PrincipalOf their context.
	Calls  http.Handler
	Keys   func(accessKey string) (wire.Key, bool) // nil: nobody needs to sign in
	Region string                                  // that principals are said to be in
	Now    func() time.Time
	Log    *slog.Logger
}

// Console serves the pages, sessions and calls. All methods may be called
// concurrently.
type Console struct {
	opt   Options
	pages pages
	calls http.Handler
}

//go:embed static
var static embed.FS

// New gives a Console.
func New(opt Options) (*Console, error) {
	pages, err := readPages(static)
	if err != nil {
		return nil, err
	}
	return &Console{opt: opt, pages: pages, calls: http.StripPrefix(callPrefix, opt.Calls)}, nil
}

// Serves says whether a request is for the console. Without the slash it is a browser's
// only where it reads: to make a bucket of that name is for the buckets to refuse.
func (c *Console) Serves(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return strings.HasPrefix(r.URL.Path, Prefix) || reads && r.URL.Path == strings.TrimSuffix(Prefix, "/")
}

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	switch {
	case strings.HasPrefix(r.URL.Path, callPrefix+"/"):
		if sameOrigin(w, r) {
			c.call(w, r)
		}
	case r.URL.Path == Prefix+"session":
		if sameOrigin(w, r) {
			c.session(w, r)
		}
	default:
		c.pages.ServeHTTP(w, r)
	}
}

// policy lets a page load nothing but our own files and run nothing but our own
// modules, and makes the browser refuse to turn text into HTML.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// protect sets the headers that hold for every answer of the console.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// markHeader is on every request of our pages. No other site's page can send it
// without asking first (CORS), and the answer to that question is no.
const markHeader = "X-Usher-Console"

// sameOrigin refuses what does not come from a page of this origin – also where
// -cors-origin lets the other site call the APIs with signatures of its own.
func sameOrigin(w http.ResponseWriter, r *http.Request) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if r.Header.Get(markHeader) == "" || site != "" && site != "same-origin" || origin != "" && !own(origin, r.Host) {
		fail(w, http.StatusForbidden, "AccessDeniedException", "Only the console's own pages may call this. Programs call the APIs themselves, at /.")
		return false
	}
	return true
}

// own says whether an origin is this server.
func own(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// call hands a request on to the APIs, in the name of who is signed in.
func (c *Console) call(w http.ResponseWriter, r *http.Request) {
	who, ok := c.signedIn(r)
	if !ok {
		fail(w, http.StatusUnauthorized, "MissingAuthenticationTokenException", "You are not signed in, or not any more. Sign in with an access key of the keys file.")
		return
	}
	r = r.WithContext(wire.WithPrincipal(r.Context(), who))
	r.Host = "localhost" // buckets are named by the path, whatever name the browser has for us
	r.Header = r.Header.Clone()
	for _, name := range []string{"Cookie", "Authorization", "Origin", markHeader} {
		r.Header.Del(name)
	}
	w.Header().Set("Cache-Control", "no-store")
	c.calls.ServeHTTP(w, r)
}

// fail answers an error as the APIs do.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	writeJSON(w, status, map[string]string{"__type": code, "message": message})
}

// readLimited reads a body that has at most that many bytes.
func readLimited(r *http.Request, most int64) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(nil, r.Body, most))
}
