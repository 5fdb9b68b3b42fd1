// Package identity answers the few IAM and STS calls that Personalize programs
// make before the first import: who am I, make a role, give it a policy.
//
// Roles and policies are kept and shown as IAM would, with IAM's rules about
// names and deletes, so that programs and their clean-up run unchanged. They
// grant nothing: usher reads its own buckets. Invariants: (1) a call of IAM is one
// change of the Store, so of two creates with one name one wins, also where two
// servers have the Store; (2) only customers' policies are kept, those of AWS are
// taken as given.
//
// Protocol and signatures are left to wire, keeping records to the Store.
package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"usher/wire"
)

// Options configure an Identity.
type Options struct {
	Account string           // 000000000000
	Region  string           // decides the partition; us-east-1
	Store   Store            // Memory()
	Now     func() time.Time // required
}

// Identity implements the calls. All methods may be called concurrently.
type Identity struct {
	opt       Options
	partition string
}

// New gives an Identity.
func New(opt Options) *Identity {
	if opt.Account == "" {
		opt.Account = "000000000000"
	}
	if opt.Store == nil {
		opt.Store = Memory()
	}
	id := &Identity{opt: opt, partition: "aws"}
	if strings.HasPrefix(opt.Region, "cn-") {
		id.partition = "aws-cn"
	}
	return id
}

// Register makes q serve IAM and STS.
func (id *Identity) Register(q *wire.Query) {
	q.Register("sts", "https://sts.amazonaws.com/doc/2011-06-15/", map[string]wire.Action{
		"GetCallerIdentity": id.getCallerIdentity, "AssumeRole": id.assumeRole,
	})
	actions := map[string]wire.Action{}
	for name, do := range map[string]action{
		"GetRole": (*call).getRole, "ListRoles": (*call).listRoles,
		"ListAttachedRolePolicies": (*call).listAttachedRolePolicies, "GetRolePolicy": (*call).getRolePolicy, "ListRolePolicies": (*call).listRolePolicies,
		"ListInstanceProfilesForRole": (*call).listInstanceProfilesForRole, "ListRoleTags": (*call).listRoleTags,
		"GetPolicy": (*call).getPolicy, "ListPolicies": (*call).listPolicies,
		"GetPolicyVersion": (*call).getPolicyVersion, "ListPolicyVersions": (*call).listPolicyVersions,
	} {
		actions[name] = id.within(id.opt.Store.View, do)
	}
	for name, do := range map[string]action{
		"CreateRole": (*call).createRole, "DeleteRole": (*call).deleteRole, "UpdateRole": (*call).updateRole, "UpdateAssumeRolePolicy": (*call).updateAssumeRolePolicy,
		"TagRole": (*call).tagRole, "UntagRole": (*call).untagRole,
		"AttachRolePolicy": (*call).attachRolePolicy, "DetachRolePolicy": (*call).detachRolePolicy,
		"PutRolePolicy": (*call).putRolePolicy, "DeleteRolePolicy": (*call).deleteRolePolicy,
		"CreatePolicy": (*call).createPolicy, "DeletePolicy": (*call).deletePolicy,
	} {
		actions[name] = id.within(id.opt.Store.Update, do)
	}
	q.Register("iam", "https://iam.amazonaws.com/doc/2010-05-08/", actions)
}

// call is one request of IAM at work, in a View or an Update of the Store.
type call struct {
	*Identity
	records Records
}

// action is what a request means.
type action func(c *call, form url.Values) (any, error)

// within makes an action one that runs in a View or an Update.
func (id *Identity) within(run func(context.Context, func(Records) error) error, do action) wire.Action {
	return func(ctx context.Context, form url.Values) (out any, err error) {
		err = run(ctx, func(r Records) (err error) {
			out, err = do(&call{id, r}, form)
			return err
		})
		return out, err
	}
}

// arn gives the ARN of something of the account.
func (id *Identity) arn(service, kind, name string) string {
	return "arn:" + id.partition + ":" + service + "::" + id.opt.Account + ":" + kind + name
}

func invalid(format string, args ...any) error {
	return &wire.Fault{Code: "ValidationError", Message: fmt.Sprintf(format, args...), Status: 400}
}

func absent(format string, args ...any) error {
	return &wire.Fault{Code: "NoSuchEntity", Message: fmt.Sprintf(format, args...), Status: 404}
}

func exists(format string, args ...any) error {
	return &wire.Fault{Code: "EntityAlreadyExists", Message: fmt.Sprintf(format, args...), Status: 409}
}

func inUse(format string, args ...any) error {
	return &wire.Fault{Code: "DeleteConflict", Message: fmt.Sprintf(format, args...), Status: 409}
}

// members is a list as the query protocol writes it. An empty one is an empty
// element: clients take a missing one for no list at all.
type members[T any] struct {
	Member []T `xml:"member"`
}

func (m *members[T]) add(v T) { m.Member = append(m.Member, v) }

var (
	names = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	paths = regexp.MustCompile(`^(/|/[\x21-\x7e]{1,510}/)$`)
)

// name gives a parameter that names something.
func name(form url.Values, parameter string, longest int) (string, error) {
	v := form.Get(parameter)
	if !names.MatchString(v) || len(v) > longest {
		return "", invalid("1 validation error detected: Value '%.200s' at '%s' failed to satisfy constraint: Member must have 1 to %d characters of [\\w+=,.@-]", v, lowerFirst(parameter), longest)
	}
	return v, nil
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// path gives the parameter Path.
func path(form url.Values) (string, error) {
	p := form.Get("Path")
	if p == "" {
		return "/", nil
	}
	if !paths.MatchString(p) {
		return "", invalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return p, nil
}

// document gives a parameter that is a policy: JSON, an object.
func document(form url.Values, parameter string) (string, error) {
	text := form.Get(parameter)
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return "", &wire.Fault{Code: "MalformedPolicyDocument", Message: parameter + " is not a JSON object: " + err.Error(), Status: 400}
	}
	return text, nil
}

// load reads a record into v and says whether it exists.
func (c *call) load(key string, v any) (bool, error) {
	text, ok, err := c.records.Get(key)
	if err != nil || !ok {
		return false, err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, fmt.Errorf("read identity record %q: %w", key, err)
	}
	return true, nil
}

func (c *call) save(key string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write identity record %q: %w", key, err)
	}
	return c.records.Put(key, text)
}
