package node

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/blob/s3server"
	"usher/console"
	"usher/wire"
)

// Bounds of what one client can hold.
const (
	headerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	requestTime = time.Minute // of a call; of the next bytes of an object
	maxHeader   = 64 << 10
)

// serve opens the listener and starts answering.
func (n *Node) serve(ctx context.Context, h http.Handler) error {
	var config *tls.Config
	if n.opt.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(n.opt.TLSCert, n.opt.TLSKey)
		if err != nil {
			return fmt.Errorf("read certificate: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", n.opt.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; give another -listen address", n.opt.Listen, err)
	}
	n.listener = l
	n.server = &http.Server{Handler: h, TLSConfig: config, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ConnState: newConnections(mostConnections).changed,
		ErrorLog:  slog.NewLogLogger(n.opt.Log.Handler(), slog.LevelDebug)}
	go func() {
		defer close(n.ended)
		if config != nil {
			n.endErr = n.server.ServeTLS(l, "", "")
		} else {
			n.endErr = n.server.Serve(l)
		}
	}()
	return nil
}

// URL is the address that clients call.
func (n *Node) URL() string {
	scheme := "http"
	if n.opt.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + n.listener.Addr().String()
}

// router sends each request of the one port to who answers it.
type router struct {
	mux        *wire.Mux
	query      *wire.Query
	extensions *wire.Extensions
	buckets    *s3server.Buckets
	console    *console.Console
	metrics    *metrics.Set
	signatures *wire.Signatures
	observe    func(service, operation string, status int, code string, seconds float64)
	log        *slog.Logger
}

// ServeHTTP implements http.Handler.
func (s *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/healthz":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n") // a client that has left is no error of ours
		return
	case r.URL.Path == "/metrics" && r.Method == http.MethodGet:
		s.showMetrics(w, r)
		return
	case s.console.Serves(r):
		setDeadlines(http.NewResponseController(w))
		s.console.ServeHTTP(w, r)
		return
	case r.URL.Path == "/" && r.Method == http.MethodGet && r.Header.Get("Authorization") == "" && r.URL.RawQuery == "" &&
		strings.Contains(r.Header.Get("Accept"), "text/html"): // a browser
		w.Header().Set("Location", console.Prefix)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	s.answer(w, r, s.signatures.Verify)
}

// answerSignedIn answers what the console hands on: its sender is in the context.
func (s *router) answerSignedIn(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(r *http.Request) (wire.Principal, error) {
		who, _ := wire.PrincipalOf(r.Context())
		return who, nil
	})
}

// setDeadlines gives a request that has a small body, and its answer, a minute.
func setDeadlines(control *http.ResponseController) {
	deadline := time.Now().Add(requestTime)
	_ = control.SetReadDeadline(deadline)  // an error: the connection has none
	_ = control.SetWriteDeadline(deadline) // likewise
}

// answer answers a call of the APIs or a request to the buckets, if verify tells who
// sent it.
func (s *router) answer(w http.ResponseWriter, r *http.Request, verify func(*http.Request) (wire.Principal, error)) {
	control := http.NewResponseController(w)
	call := s.mux.Serves(r) || s.query.Serves(r) || s.extensions.Serves(r) // the cheapest look first
	if call {                                                              // its body is small: it comes soon or not at all
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		r = r.WithContext(ctx)
		setDeadlines(control)
		if s.mux.Refuse(w, r) {
			return
		}
	} else {
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &patientBody{r.Body, control}
		}
		w = &patientWriter{ResponseWriter: w, control: control}
	}
	if !call {
		defer s.logObject(w.(*patientWriter), r, time.Now())
	}
	who, err := verify(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	r = wire.WithExtensionHeaders(r.WithContext(wire.WithPrincipal(r.Context(), who)))
	switch {
	case s.mux.Serves(r):
		s.mux.ServeHTTP(w, r)
	case s.extensions.Serves(r):
		s.extensions.ServeHTTP(w, r)
	case s.query.Serves(r):
		s.query.ServeHTTP(w, r)
	default:
		if fault := wire.AuthorizeObjects(r); fault != nil {
			wire.FailS3(w, r, fault)
			return
		}
		// An object that is a web page would be one of our own origin, with all that
		// the console may do. In a sandbox it is of none.
		w.Header().Set("Content-Security-Policy", "sandbox")
		s.buckets.ServeHTTP(w, r)
	}
}

// logObject logs and counts a request to the buckets, as wire does those of the APIs.
func (s *router) logObject(w *patientWriter, r *http.Request, began time.Time) {
	took := time.Since(began)
	status := cmp.Or(w.status, http.StatusOK)
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request", wire.RequestID(r.Context())),
		slog.String("service", "s3"), slog.String("operation", r.Method), slog.String("path", r.URL.Path), slog.Int("status", status),
		slog.Duration("took", took), slog.String("remote", r.RemoteAddr))
	s.observe("s3", r.Method, status, "", took.Seconds())
}

// refuse answers a bad signature in the words of the service that was called.
func (s *router) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case s.extensions.Serves(r):
		s.extensions.Fail(w, r, err)
	case s.query.Serves(r):
		s.query.Fail(w, r, err)
	case s.mux.Serves(r):
		s.mux.Fail(w, r, err)
	default:
		fault, ok := err.(wire.Error)
		if !ok {
			fault = &wire.Fault{Code: "InternalError", Message: "The request could not be checked.", Status: http.StatusInternalServerError}
		}
		wire.FailS3(w, r, fault)
	}
}

// showMetrics answers Prometheus. Where keys guard the server it answers this
// machine only: Prometheus cannot sign, and names of resources are nobody
// else's business.
func (s *router) showMetrics(w http.ResponseWriter, r *http.Request) {
	if s.signatures.Keys != nil {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || !loopback(host) {
			http.Error(w, "metrics are shown on this machine only", http.StatusForbidden)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.metrics.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}

// patientBody and patientWriter let an object take any time, as long as its
// bytes keep moving.
type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(requestTime)) // an error: the connection has none
	return b.ReadCloser.Read(p)
}

type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int // of the answer; 0 while it has not begun
}

func (w *patientWriter) WriteHeader(status int) {
	if status >= 200 && w.status == 0 { // 100 Continue is no answer
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *patientWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = w.control.SetWriteDeadline(time.Now().Add(requestTime)) // an error: the connection has none
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
