// Package wire speaks AWS's protocols: JSON 1.1 and REST-JSON for the three
// Personalize APIs, query for the few IAM and STS calls, Signature Version 4.
//
// Mux reads a request, the generated packages decode and check it, the API that
// was registered answers, and the answer or error goes back in AWS's form.
// Invariants: (1) every answer carries x-amzn-requestid, which is also in the
// context and in the log; (2) an API is called only with an input that keeps all
// constraints of the model, so required members are there; (3) an error that has
// no code of AWS is ours: it is logged with its request id, and the client sees
// InternalFailure without its text; (4) a panic ends the request, not the server;
// (5) no request makes the server hold more than a small multiple of MaxBody.
//
// What calls mean is left to api, which port and which keys to node, buckets to
// blob.
package wire

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"usher/wire/internal/codec"
)

//go:generate go test ./internal/generate -run TestUpToDate -update

// jsonType is the content type of awsJson1.1.
const jsonType = "application/x-amz-json-1.1"

// targetPrefix begins every X-Amz-Target of ours.
const targetPrefix = "AmazonPersonalize."

// Mux serves the operations that were registered with it. Register first, serve
// later; serving is safe for concurrent use.
type Mux struct {
	opt     Options
	targets map[string]route
	paths   map[string]route
}

type route struct {
	op   Operation
	call call
}

// NewMux gives a Mux without operations.
func NewMux(opt Options) *Mux {
	return &Mux{opt: opt.withDefaults(), targets: map[string]route{}, paths: map[string]route{}}
}

func (m *Mux) add(op Operation, c call) {
	if op.Target != "" {
		m.targets[op.Target] = route{op, c}
		return
	}
	m.paths[op.Path] = route{op, c}
}

// Serves says whether a request is for this Mux: it has an X-Amz-Target, or it
// is a POST of JSON to one of the REST paths. Buckets named like a path stay
// reachable, because S3 clients do not POST JSON.
func (m *Mux) Serves(r *http.Request) bool {
	if r.Header.Get("X-Amz-Target") != "" {
		return true
	}
	if _, ok := m.paths[r.URL.Path]; !ok || r.Method != http.MethodPost {
		return false
	}
	t := r.Header.Get("Content-Type")
	return t == "" || strings.HasPrefix(t, "application/json")
}

var (
	readers = sync.Pool{New: func() any { return new(codec.Reader) }}
	buffers = sync.Pool{New: func() any { return new([]byte) }}
)

// maxPooled keeps rare large buffers out of the pool.
const maxPooled = 1 << 20

// ServeHTTP answers one request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := m.opt.Now()
	r, id := identified(w, r)
	buf := buffers.Get().(*[]byte)
	rt, err := m.route(r)
	b := (*buf)[:0]
	if err == nil {
		b, err = m.do(r, rt, b)
	}
	status, code := http.StatusOK, ""
	if err != nil {
		fault := m.opt.public(err, rt.op, id)
		status, code = fault.HTTPStatus(), fault.ErrorCode()
		b = appendFault(b[:0], fault)
		w.Header().Set("X-Amzn-Errortype", code)
	}
	m.write(w, r, status, b)
	if cap(b) <= maxPooled {
		*buf = b
		buffers.Put(buf)
	}
	m.opt.observe(r, rt.op, status, code, m.opt.Now().Sub(began))
}

// route finds the operation that a request names.
func (m *Mux) route(r *http.Request) (route, error) {
	unknown := route{op: Operation{Service: "unknown", Name: "unknown"}}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		if rt, ok := m.targets[target]; ok && r.Method == http.MethodPost {
			return rt, nil
		}
		if r.Method != http.MethodPost {
			return unknown, &Fault{"UnknownOperationException", "Send the request with POST, not " + strconv.Quote(clip(r.Method)) + ".", http.StatusMethodNotAllowed}
		}
		text := "The operation " + strconv.Quote(clip(target)) + " does not exist."
		if !strings.HasPrefix(target, targetPrefix) {
			text += " Operations of Amazon Personalize begin with " + targetPrefix
		}
		return unknown, &Fault{"UnknownOperationException", text, http.StatusBadRequest}
	}
	if rt, ok := m.paths[r.URL.Path]; ok && r.Method == http.MethodPost {
		return rt, nil
	}
	return unknown, &Fault{"UnknownOperationException", "There is no operation at " + r.Method + " " + strconv.Quote(clip(r.URL.Path)) + ".", http.StatusNotFound}
}

// clip cuts what came from outside to what fits in a message.
func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}

// do reads the body and calls the operation. A panic becomes an error.
func (m *Mux) do(r *http.Request, rt route, b []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			out, err = b, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if p, ok := PrincipalOf(r.Context()); ok && p.Service != "" && p.Service != signingName {
		return b, &Fault{"InvalidSignatureException", "Credential should be scoped to correct service: '" + signingName + "'.", http.StatusForbidden}
	}
	if err := authorize(r.Context(), rt.op, scopeOf(rt.op)); err != nil {
		return b, err
	}
	body, err := readBody(r, m.opt.MaxBody)
	if err != nil {
		return b, err
	}
	leave, err := m.opt.enter(r.Context(), rt.op)
	if err != nil {
		return b, err
	}
	defer leave()
	return rt.call(r.Context(), body, b)
}

// Refuse answers a request of this Mux that could only be refused because its service
// has too much to do, and says whether it has: for what stands before the Mux, so that
// a refusal costs neither its body nor the check of its signature. Whom it does not
// refuse may still be refused, by who comes in between.
func (m *Mux) Refuse(w http.ResponseWriter, r *http.Request) bool {
	rt, err := m.route(r)
	if err != nil {
		return false
	}
	if a := m.opt.admission(rt.op); a == nil || !a.Full() {
		return false
	}
	m.Fail(w, r, throttled)
	return true
}

// Fail answers a request of this Mux with an error: for what stands before it,
// like the check of signatures.
func (m *Mux) Fail(w http.ResponseWriter, r *http.Request, err error) {
	began := m.opt.Now()
	r, id := identified(w, r)
	rt, _ := m.route(r)
	fault := m.opt.public(err, rt.op, id)
	w.Header().Set("X-Amzn-Errortype", fault.ErrorCode())
	m.write(w, r, fault.HTTPStatus(), appendFault(nil, fault))
	m.opt.observe(r, rt.op, fault.HTTPStatus(), fault.ErrorCode(), m.opt.Now().Sub(began))
}

func appendFault(b []byte, e Error) []byte {
	b = append(b, `{"__type":`...)
	b = codec.AppendString(b, e.ErrorCode())
	b = append(b, `,"message":`...)
	b = codec.AppendString(b, e.ErrorMessage())
	return append(b, '}')
}

// write sends an answer. An operation without output answers an empty body.
func (m *Mux) write(w http.ResponseWriter, r *http.Request, status int, b []byte) {
	h := w.Header()
	if r.Header.Get("X-Amz-Target") != "" {
		h["Content-Type"] = []string{jsonType}
	} else {
		h["Content-Type"] = []string{"application/json"}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(status)
	w.Write(b) // a client that has left is no error of ours
}
