package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"

	"usher/internal/jsontext"
)

// ExtensionPrefix begins the path of every call of usher's own.
const ExtensionPrefix = "/usher/v1/"

// Extensions serves usher's own calls, those that AWS does not have: REST with
// JSON under /usher/v1, with the errors, request ids and limits of the other
// APIs. Register first, serve later; serving is safe for concurrent use.
type Extensions struct {
	opt Options
	mux *http.ServeMux
}

// ExtensionRequest is what a call of an extension gets.
type ExtensionRequest struct {
	Query url.Values
	Body  []byte
	path  func(name string) string
}

// Path gives the part of the path that stands for {name}.
func (r *ExtensionRequest) Path(name string) string { return r.path(name) }

// JSON reads the body into v, strictly: a member that v does not have is refused.
func (r *ExtensionRequest) JSON(v any) error {
	d := json.NewDecoder(strings.NewReader(string(r.Body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return &Fault{"SerializationException", "The body is not the JSON that this call takes: " + jsontext.Mistake(err), http.StatusBadRequest}
	}
	return nil
}

// Extension does one call. What it gives is written as JSON; nil: an empty body.
type Extension func(ctx context.Context, r *ExtensionRequest) (any, error)

// NewExtensions gives an Extensions without calls.
func NewExtensions(opt Options) *Extensions {
	return &Extensions{opt: opt.withDefaults(), mux: http.NewServeMux()}
}

// Handle adds a call: Handle("GET", "dataset-groups/{name}/deletion", "PreviewDeletion", do).
// The path is below ExtensionPrefix; the name stands in logs and metrics. Two
// calls of one path panic, at start.
func (e *Extensions) Handle(method, path, name string, do Extension) {
	op := Operation{Service: "usher", Name: name}
	e.mux.HandleFunc(method+" "+ExtensionPrefix+path, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, op, do) })
}

// Serves says whether a request is for these.
func (e *Extensions) Serves(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, ExtensionPrefix)
}

// ServeHTTP answers one request.
func (e *Extensions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := e.mux.Handler(r); pattern != "" {
		e.mux.ServeHTTP(w, r) // not the handler found: the mux fills in the parts of the path
		return
	}
	unknown := Operation{Service: "usher", Name: "unknown"}
	e.serve(w, r, unknown, func(context.Context, *ExtensionRequest) (any, error) {
		return nil, &Fault{"UnknownOperationException", "There is no extension at " + r.Method + " " + strconv.Quote(clip(r.URL.Path)) + "; docs/extensions.md lists them.", http.StatusNotFound}
	})
}

func (e *Extensions) serve(w http.ResponseWriter, r *http.Request, op Operation, do Extension) {
	began := e.opt.Now()
	r, id := identified(w, r)
	status, code := http.StatusOK, ""
	b, err := e.do(r, op, do)
	if err != nil {
		fault := e.opt.public(err, op, id)
		status, code = fault.HTTPStatus(), fault.ErrorCode()
		b = appendFault(nil, fault)
		w.Header().Set("X-Amzn-Errortype", code)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	w.Write(b) // a client that has left is no error of ours
	e.opt.observe(r, op, status, code, e.opt.Now().Sub(began))
}

// do reads the body and makes the call. A panic becomes an error.
func (e *Extensions) do(r *http.Request, op Operation, do Extension) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if p, ok := PrincipalOf(r.Context()); ok && p.Service != "" && p.Service != signingName {
		return nil, &Fault{"InvalidSignatureException", "Credential should be scoped to correct service: '" + signingName + "'.", http.StatusForbidden}
	}
	need := Write
	if r.Method == http.MethodGet {
		need = Read
	}
	if err := authorize(r.Context(), op, need); err != nil {
		return nil, err
	}
	body, err := readBody(r, e.opt.MaxBody)
	if err != nil {
		return nil, err
	}
	leave, err := e.opt.enter(r.Context(), op)
	if err != nil {
		return nil, err
	}
	defer leave()
	answer, err := do(r.Context(), &ExtensionRequest{Query: r.URL.Query(), Body: body, path: r.PathValue})
	if err != nil || answer == nil {
		return nil, err
	}
	if out, err = json.Marshal(answer); err != nil {
		return nil, fmt.Errorf("write answer: %w", err)
	}
	return out, nil
}

// Fail answers a request of these with an error: for what stands before them,
// like the check of signatures.
func (e *Extensions) Fail(w http.ResponseWriter, r *http.Request, err error) {
	e.serve(w, r, Operation{Service: "usher", Name: "unknown"}, func(context.Context, *ExtensionRequest) (any, error) { return nil, err })
}

type extensionHeaderKey struct{}

// extensionHeaders is how the headers of usher's own begin, in Go's spelling.
const extensionHeaders = "X-Usher-"

// WithExtensionHeaders keeps the headers of usher's own (x-usher-…) in the
// request's context, if it has any.
func WithExtensionHeaders(r *http.Request) *http.Request {
	var own http.Header
	for name, values := range r.Header {
		if strings.HasPrefix(name, extensionHeaders) {
			if own == nil {
				own = http.Header{}
			}
			own[name] = values
		}
	}
	if own == nil {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), extensionHeaderKey{}, own))
}

// ExtensionHeader gives a header of usher's own, ExtensionHeader(ctx, "cascade")
// that of x-usher-cascade; "" when the request has none.
func ExtensionHeader(ctx context.Context, name string) string {
	own, _ := ctx.Value(extensionHeaderKey{}).(http.Header)
	return own.Get(extensionHeaders + name)
}
