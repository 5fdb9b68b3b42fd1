package wire

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Action does one action of a query service. What it gives is written as XML
// below ACTIONResult; nil: the answer has no result.
type Action func(ctx context.Context, form url.Values) (any, error)

// Query serves services of AWS's query protocol – IAM and STS: form parameters
// in, XML out. Register first, serve later; serving is safe for concurrent use.
type Query struct {
	opt     Options
	actions map[string]action
}

type action struct {
	service, namespace string
	do                 Action
}

// NewQuery gives a Query without services.
func NewQuery(opt Options) *Query {
	return &Query{opt: opt.withDefaults(), actions: map[string]action{}}
}

// Register adds a service. Names of actions are unique over all services.
func (q *Query) Register(service, namespace string, actions map[string]Action) {
	for name, do := range actions {
		q.actions[name] = action{service, namespace, do}
	}
}

// Serves says whether a request is for this Query: it is signed for IAM or STS,
// or it posts a form to the root.
func (q *Query) Serves(r *http.Request) bool {
	if r.Header.Get("X-Amz-Target") != "" {
		return false
	}
	switch Scope(r) {
	case "iam", "sts":
		return true
	case "":
		return protocolOf(r) == queryProtocol
	}
	return false
}

// ServeHTTP answers one request.
func (q *Query) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := q.opt.Now()
	r, id := identified(w, r)
	op, act := Operation{Service: "unknown", Name: "unknown"}, action{}
	form, err := q.form(r)
	if err == nil {
		var ok bool
		if act, ok = q.actions[form.Get("Action")]; ok {
			op = Operation{Service: act.service, Name: form.Get("Action")}
		} else {
			err = &Fault{"InvalidAction", "Could not find operation " + clip(form.Get("Action")) + ". usher knows the calls of IAM and STS that Personalize programs make.", http.StatusBadRequest}
		}
	}
	var body []byte
	if err == nil {
		body, err = q.do(r.Context(), op.Name, act, form, id)
	}
	if err != nil {
		q.fail(w, r, op, act.namespace, err, began)
		return
	}
	writeXML(w, http.StatusOK, body)
	q.opt.observe(r, op, http.StatusOK, "", q.opt.Now().Sub(began))
}

// form gives the parameters of a request, from query and body.
func (q *Query) form(r *http.Request) (url.Values, error) {
	form := r.URL.Query()
	if r.Method != http.MethodPost {
		return form, nil
	}
	body, err := readBody(r, q.opt.MaxBody)
	if err != nil {
		return nil, err
	}
	posted, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &Fault{"MalformedQueryString", "The body is not a form: " + err.Error(), http.StatusBadRequest}
	}
	for k, v := range posted {
		form[k] = v
	}
	return form, nil
}

func (q *Query) do(ctx context.Context, name string, act action, form url.Values, id string) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := act.allowed(ctx, name); err != nil {
		return nil, err
	}
	result, err := act.do(ctx, form)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%sResponse xmlns=%q>", name, act.namespace)
	if result != nil {
		e := xml.NewEncoder(&b)
		if err := e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: name + "Result"}}); err != nil {
			return nil, fmt.Errorf("write answer of %s: %w", name, err)
		}
	}
	fmt.Fprintf(&b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", id, name)
	return b.Bytes(), nil
}

// Fail answers a request of this Query with an error: for what stands before it,
// like the check of signatures.
func (q *Query) Fail(w http.ResponseWriter, r *http.Request, err error) {
	began := q.opt.Now()
	r, _ = identified(w, r)
	q.fail(w, r, Operation{Service: "unknown", Name: "unknown"}, "", err, began)
}

func (q *Query) fail(w http.ResponseWriter, r *http.Request, op Operation, namespace string, err error, began time.Time) {
	id := RequestID(r.Context())
	fault := q.opt.public(err, op, id)
	writeQueryFault(w, namespace, fault, id)
	q.opt.observe(r, op, fault.HTTPStatus(), fault.ErrorCode(), q.opt.Now().Sub(began))
}

// allowed gives the refusal of an action. Who one is, anybody may ask.
func (a action) allowed(ctx context.Context, name string) error {
	if name == "GetCallerIdentity" {
		return nil
	}
	op := Operation{Service: a.service, Name: name}
	return authorize(ctx, op, scopeOf(op))
}

func writeQueryFault(w http.ResponseWriter, namespace string, fault Error, id string) {
	side := "Sender"
	if fault.HTTPStatus() >= 500 {
		side = "Receiver"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<ErrorResponse xmlns=%q><Error><Type>%s</Type><Code>", namespace, side)
	xml.EscapeText(&b, []byte(fault.ErrorCode()))
	b.WriteString("</Code><Message>")
	xml.EscapeText(&b, []byte(fault.ErrorMessage()))
	fmt.Fprintf(&b, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>", id)
	writeXML(w, fault.HTTPStatus(), b.Bytes())
}

func writeXML(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) // a client that has left is no error of ours
}

// FailS3 answers an S3 request with an error of Verify in S3's XML.
func FailS3(w http.ResponseWriter, r *http.Request, fault Error) {
	_, id := identified(w, r)
	w.Header().Set("X-Amz-Request-Id", id)
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error><Code>")
	xml.EscapeText(&b, []byte(fault.ErrorCode()))
	b.WriteString("</Code><Message>")
	xml.EscapeText(&b, []byte(fault.ErrorMessage()))
	b.WriteString("</Message><Resource>")
	xml.EscapeText(&b, []byte(strings.ToValidUTF8(r.URL.Path, "\ufffd")))
	fmt.Fprintf(&b, "</Resource><RequestId>%s</RequestId></Error>", id)
	writeXML(w, fault.HTTPStatus(), b.Bytes())
}
