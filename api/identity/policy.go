package identity

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// policy is the record of a customer's policy.
type policy struct{ Name, Path, ID, Created, Description, Document string }

func policyKey(name string) string { return "policy/" + strings.ToLower(name) }

type shownPolicy struct {
	PolicyName, PolicyId, Arn, Path, DefaultVersionId string
	AttachmentCount                                   int
	IsAttachable                                      bool
	CreateDate, UpdateDate                            string
	Description                                       string `xml:",omitempty"`
}

type onePolicy struct{ Policy shownPolicy }

func (id *Identity) policyARN(p *policy) string { return id.arn("iam", "policy", p.Path+p.Name) }

func (id *Identity) createPolicy(ctx context.Context, form url.Values) (any, error) {
	n, err := name(form, "PolicyName", 128)
	if err != nil {
		return nil, err
	}
	where, err := path(form)
	if err != nil {
		return nil, err
	}
	text, err := document(form, "PolicyDocument")
	if err != nil {
		return nil, err
	}
	var p policy
	if found, err := id.load(ctx, policyKey(n), &p); err != nil {
		return nil, err
	} else if found {
		return nil, exists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
	}
	now := id.opt.Now()
	p = policy{Name: n, Path: where, ID: unique("ANPA", fmt.Sprint(n, now.UnixNano())), Created: stamp(now), Description: form.Get("Description"), Document: text}
	if err := id.save(ctx, policyKey(n), &p); err != nil {
		return nil, err
	}
	return onePolicy{id.shownPolicy(&p, nil)}, nil
}

func (id *Identity) shownPolicy(p *policy, counts map[string]int) shownPolicy {
	arn := id.policyARN(p)
	return shownPolicy{p.Name, p.ID, arn, p.Path, onlyVersion, counts[arn], true, p.Created, p.Created, p.Description}
}

// onlyVersion is the one that every policy has.
const onlyVersion = "v1"

// awsCreated is when AWS's own policies were made.
const awsCreated = "2015-02-06T18:40:00Z"

// awsPolicy shows one of AWS's own: as much as its ARN tells.
func awsPolicy(arn string, counts map[string]int) shownPolicy {
	_, n, _ := strings.Cut(arn, ":policy/")
	at := strings.LastIndexByte(n, '/') + 1
	return shownPolicy{n[at:], unique("ANPA", arn), arn, "/" + n[:at], onlyVersion, counts[arn], true, awsCreated, awsCreated, ""}
}

// ofAWS says whether a policy is one of AWS's own.
func ofAWS(arn string) bool { return strings.Contains(arn, ":iam::aws:") }

var policyARNs = regexp.MustCompile(`^arn:[a-z-]+:iam::(aws|\d{12}):policy/(?:[\x21-\x7e]*/)?([\w+=,.@-]{1,128})$`)

// policy gives the policy that a request names; nil for one of AWS.
func (id *Identity) policy(ctx context.Context, form url.Values) (arn string, p *policy, err error) {
	arn = form.Get("PolicyArn")
	parts := policyARNs.FindStringSubmatch(arn)
	if parts == nil {
		return "", nil, invalid("ARN %.200s is not valid.", arn)
	}
	if parts[1] == "aws" {
		return arn, nil, nil
	}
	p = &policy{}
	found, err := id.load(ctx, policyKey(parts[2]), p)
	if err != nil {
		return "", nil, err
	}
	if !found || id.policyARN(p) != arn {
		return "", nil, absent("Policy %s was not found.", arn)
	}
	return arn, p, nil
}

func (id *Identity) getPolicy(ctx context.Context, form url.Values) (any, error) {
	arn, p, err := id.policy(ctx, form)
	if err != nil {
		return nil, err
	}
	counts, err := id.attached(ctx)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return onePolicy{awsPolicy(arn, counts)}, nil
	}
	return onePolicy{id.shownPolicy(p, counts)}, nil
}

func (id *Identity) deletePolicy(ctx context.Context, form url.Values) (any, error) {
	arn, p, err := id.policy(ctx, form)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, invalid("%s belongs to AWS and cannot be deleted.", arn)
	}
	counts, err := id.attached(ctx)
	if err != nil {
		return nil, err
	}
	if counts[arn] > 0 {
		return nil, inUse("Cannot delete a policy attached to entities.")
	}
	return nil, id.opt.Records.Delete(ctx, policyKey(p.Name))
}

func (id *Identity) attachRolePolicy(ctx context.Context, form url.Values) (any, error) {
	r, err := id.role(ctx, form)
	if err != nil {
		return nil, err
	}
	arn, _, err := id.policy(ctx, form)
	if err != nil || slices.Contains(r.Attached, arn) {
		return nil, err
	}
	r.Attached = append(r.Attached, arn)
	return nil, id.save(ctx, roleKey(r.Name), r)
}

func (id *Identity) detachRolePolicy(ctx context.Context, form url.Values) (any, error) {
	r, err := id.role(ctx, form)
	if err != nil {
		return nil, err
	}
	arn := form.Get("PolicyArn")
	i := slices.Index(r.Attached, arn)
	if i < 0 {
		return nil, absent("Policy %.200s was not found.", arn)
	}
	r.Attached = slices.Delete(r.Attached, i, i+1)
	return nil, id.save(ctx, roleKey(r.Name), r)
}

type attachedPolicies struct {
	AttachedPolicies members[attachedPolicy]
	IsTruncated      bool
}

type attachedPolicy struct{ PolicyName, PolicyArn string }

func (id *Identity) listAttachedRolePolicies(ctx context.Context, form url.Values) (any, error) {
	r, err := id.role(ctx, form)
	if err != nil {
		return nil, err
	}
	var out attachedPolicies
	for _, arn := range r.Attached {
		out.AttachedPolicies.add(attachedPolicy{arn[strings.LastIndexByte(arn, '/')+1:], arn})
	}
	return out, nil
}
