package identity

import (
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

func (c *call) policyARN(p *policy) string { return c.arn("iam", "policy", p.Path+p.Name) }

func (c *call) createPolicy(form url.Values) (any, error) {
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
	if found, err := c.load(policyKey(n), &p); err != nil {
		return nil, err
	} else if found {
		return nil, exists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
	}
	now := c.opt.Now()
	p = policy{Name: n, Path: where, ID: unique("ANPA", fmt.Sprint(n, now.UnixNano())), Created: stamp(now), Description: form.Get("Description"), Document: text}
	if err := c.save(policyKey(n), &p); err != nil {
		return nil, err
	}
	return onePolicy{c.shownPolicy(&p, nil)}, nil
}

func (c *call) shownPolicy(p *policy, counts map[string]int) shownPolicy {
	arn := c.policyARN(p)
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
func (c *call) policy(form url.Values) (arn string, p *policy, err error) {
	arn = form.Get("PolicyArn")
	parts := policyARNs.FindStringSubmatch(arn)
	if parts == nil {
		return "", nil, invalid("ARN %.200s is not valid.", arn)
	}
	if parts[1] == "aws" {
		return arn, nil, nil
	}
	p = &policy{}
	found, err := c.load(policyKey(parts[2]), p)
	if err != nil {
		return "", nil, err
	}
	if !found || c.policyARN(p) != arn {
		return "", nil, absent("Policy %s was not found.", arn)
	}
	return arn, p, nil
}

func (c *call) getPolicy(form url.Values) (any, error) {
	arn, p, err := c.policy(form)
	if err != nil {
		return nil, err
	}
	counts, err := c.attached()
	if err != nil {
		return nil, err
	}
	if p == nil {
		return onePolicy{awsPolicy(arn, counts)}, nil
	}
	return onePolicy{c.shownPolicy(p, counts)}, nil
}

func (c *call) deletePolicy(form url.Values) (any, error) {
	arn, p, err := c.policy(form)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, invalid("%s belongs to AWS and cannot be deleted.", arn)
	}
	counts, err := c.attached()
	if err != nil {
		return nil, err
	}
	if counts[arn] > 0 {
		return nil, inUse("Cannot delete a policy attached to entities.")
	}
	return nil, c.records.Delete(policyKey(p.Name))
}

func (c *call) attachRolePolicy(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	arn, _, err := c.policy(form)
	if err != nil || slices.Contains(r.Attached, arn) {
		return nil, err
	}
	r.Attached = append(r.Attached, arn)
	return nil, c.save(roleKey(r.Name), r)
}

func (c *call) detachRolePolicy(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	arn := form.Get("PolicyArn")
	i := slices.Index(r.Attached, arn)
	if i < 0 {
		return nil, absent("Policy %.200s was not found.", arn)
	}
	r.Attached = slices.Delete(r.Attached, i, i+1)
	return nil, c.save(roleKey(r.Name), r)
}

type attachedPolicies struct {
	AttachedPolicies members[attachedPolicy]
	IsTruncated      bool
}

type attachedPolicy struct{ PolicyName, PolicyArn string }

func (c *call) listAttachedRolePolicies(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	var out attachedPolicies
	for _, arn := range r.Attached {
		out.AttachedPolicies.add(attachedPolicy{arn[strings.LastIndexByte(arn, '/')+1:], arn})
	}
	return out, nil
}
