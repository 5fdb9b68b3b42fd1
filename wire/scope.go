package wire

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Scopes are what a principal may do; the zero value is nothing.
type Scopes uint8

// The scopes.
const (
	Read      Scopes = 1 << iota // Describe, List and Get of the control plane, of IAM and of usher's own calls
	Write                        // all else of these
	Runtime                      // recommendations and rankings
	Events                       // PutEvents, PutItems, PutUsers, …
	Objects                      // the buckets
	AllScopes = Read | Write | Runtime | Events | Objects
)

// scopeNames are the scopes' names in keys files, in the order of their bits.
var scopeNames = []string{"read", "write", "runtime", "events", "s3"}

// ParseScopes reads names of scopes with commas between them, "all" for all.
func ParseScopes(text string) (Scopes, error) {
	if text == "all" {
		return AllScopes, nil
	}
	var s Scopes
	for name := range strings.SplitSeq(text, ",") {
		bit := slices.Index(scopeNames, name)
		if bit < 0 {
			// Not the word itself: it may be a secret in the wrong column.
			return 0, fmt.Errorf("scopes are all, or some of %s with commas between them", strings.Join(scopeNames, ","))
		}
		s |= 1 << bit
	}
	return s, nil
}

// String gives the names as ParseScopes reads them.
func (s Scopes) String() string {
	var names []string
	for bit, name := range scopeNames {
		if s&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// reading are how the names of operations begin that change nothing.
var reading = []string{"Describe", "List", "Get"}

// scopeOf gives the scope that an operation needs.
func scopeOf(op Operation) Scopes {
	switch op.Service {
	case "personalizeruntime":
		return Runtime
	case "personalizeevents":
		return Events
	}
	if slices.ContainsFunc(reading, func(word string) bool { return strings.HasPrefix(op.Name, word) }) {
		return Read
	}
	return Write
}

// authorize gives the refusal of an operation that needs a scope which the
// principal of the request lacks. Who was let in without keys may do anything.
func authorize(ctx context.Context, op Operation, need Scopes) error {
	p, ok := PrincipalOf(ctx)
	if !ok || p.Name == "" || p.Scopes&need != 0 {
		return nil
	}
	service, code, status := signingName, "AccessDeniedException", http.StatusForbidden
	switch {
	case op.Service == "iam" || op.Service == "sts":
		service, code = op.Service, "AccessDenied"
	case op.Target != "":
		status = http.StatusBadRequest // as all errors of that protocol
	}
	return &Fault{code, p.denied(service+":"+op.Name, p.all(service)), status}
}

// all names all resources of a service, as AWS does where it names no single one.
func (p Principal) all(service string) string {
	f := strings.Split(p.ARN, ":")
	if len(f) < 5 || service == "iam" || service == "sts" {
		return "*"
	}
	return strings.Join([]string{f[0], f[1], service, p.Region, f[4], "*"}, ":")
}

// denied is the text of a refusal, in AWS's words, and how to mend it.
func (p Principal) denied(action, resource string) string {
	have := p.Scopes.String()
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %[2]s action. In usher's keys file this principal has the scopes %[4]s.", p.ARN, action, resource, have)
}

// AuthorizeObjects gives the refusal of a request to the buckets whose principal
// lacks the scope s3; nil if there is none.
func AuthorizeObjects(r *http.Request) Error {
	p, ok := PrincipalOf(r.Context())
	if !ok || p.Name == "" || p.Scopes&Objects != 0 {
		return nil
	}
	action, path := objectAction(r)
	partition := "aws"
	if f := strings.Split(p.ARN, ":"); len(f) > 1 {
		partition = f[1]
	}
	resource := fmt.Sprintf("%q", "arn:"+partition+":s3:::"+clip(path))
	if path == "" {
		resource = "*"
	}
	return &Fault{"AccessDenied", p.denied(action, resource), http.StatusForbidden}
}

// objectAction names what a request does to the buckets as IAM's policies do, as
// far as the method tells, and the path of what it does it to.
func objectAction(r *http.Request) (action, path string) {
	path = strings.TrimPrefix(r.URL.Path, "/")
	_, key, _ := strings.Cut(path, "/")
	what := "Object"
	switch {
	case path == "":
		return "s3:ListAllMyBuckets", ""
	case key == "":
		what, path = "Bucket", strings.TrimSuffix(path, "/")
	}
	switch r.Method {
	case http.MethodPut:
		if what == "Bucket" {
			return "s3:CreateBucket", path
		}
		return "s3:PutObject", path
	case http.MethodPost:
		if r.URL.Query().Has("delete") {
			return "s3:DeleteObject", path
		}
		return "s3:PutObject", path
	case http.MethodDelete:
		return "s3:Delete" + what, path
	}
	if what == "Bucket" {
		return "s3:ListBucket", path
	}
	return "s3:GetObject", path
}
