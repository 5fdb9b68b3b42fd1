package identity

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

type policyList struct {
	Policies    members[shownPolicy]
	IsTruncated bool
}

// listPolicies gives the customers' policies and, of AWS's, those that are
// attached to a role.
func (c *call) listPolicies(form url.Values) (any, error) {
	scope := form.Get("Scope")
	if scope != "" && scope != "All" && scope != "Local" && scope != "AWS" {
		return nil, invalid("Scope %.200q is none of All, AWS, Local.", scope)
	}
	counts, err := c.attached()
	if err != nil {
		return nil, err
	}
	var all []shownPolicy
	if scope != "AWS" {
		if all, err = c.localPolicies(counts); err != nil {
			return nil, err
		}
	}
	if scope != "Local" {
		all = append(all, c.awsPolicies(counts)...)
	}
	out := policyList{}
	for _, p := range all {
		unattached := p.AttachmentCount == 0 && form.Get("OnlyAttached") == "true"
		if strings.HasPrefix(p.Path, form.Get("PathPrefix")) && !unattached {
			out.Policies.add(p)
		}
	}
	return out, nil
}

// localPolicies gives the customers' policies by name.
func (c *call) localPolicies(counts map[string]int) ([]shownPolicy, error) {
	texts, err := c.records.List("policy/")
	if err != nil {
		return nil, err
	}
	var out []shownPolicy
	for _, text := range texts {
		var p policy
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("read policies: %w", err)
		}
		out = append(out, c.shownPolicy(&p, counts))
	}
	return out, nil
}

// awsPolicies gives those of AWS that are attached, by ARN.
func (c *call) awsPolicies(counts map[string]int) []shownPolicy {
	var out []shownPolicy
	for arn := range counts {
		if ofAWS(arn) {
			out = append(out, awsPolicy(arn, counts))
		}
	}
	slices.SortFunc(out, func(a, b shownPolicy) int { return strings.Compare(a.Arn, b.Arn) })
	return out
}

// attached says to how many roles each policy is attached, by its ARN.
func (c *call) attached() (map[string]int, error) {
	texts, err := c.records.List("role/")
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, text := range texts {
		var r role
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("read roles: %w", err)
		}
		for _, arn := range r.Attached {
			counts[arn]++
		}
	}
	return counts, nil
}

// policyVersion is the only version that a policy has here.
type policyVersion struct {
	VersionId        string
	IsDefaultVersion bool
	CreateDate       string
	Document         string `xml:",omitempty"`
}

type onePolicyVersion struct{ PolicyVersion policyVersion }

type policyVersions struct {
	Versions    members[policyVersion]
	IsTruncated bool
}

// getPolicyVersion gives the document of a customer's policy.
func (c *call) getPolicyVersion(form url.Values) (any, error) {
	arn, p, err := c.policy(form)
	if err != nil {
		return nil, err
	}
	if v := form.Get("VersionId"); p == nil || v != onlyVersion {
		return nil, absent("Policy %s version %.200s does not exist or is not attachable.", arn, v)
	}
	return onePolicyVersion{policyVersion{onlyVersion, true, p.Created, url.PathEscape(p.Document)}}, nil
}

// listPolicyVersions gives the one version.
func (c *call) listPolicyVersions(form url.Values) (any, error) {
	_, p, err := c.policy(form)
	if err != nil {
		return nil, err
	}
	v := policyVersion{onlyVersion, true, awsCreated, ""}
	if p != nil {
		v.CreateDate = p.Created
	}
	var out policyVersions
	out.Versions.add(v)
	return out, nil
}

type instanceProfiles struct {
	InstanceProfiles struct{}
	IsTruncated      bool
}

// listInstanceProfilesForRole gives none: a role is in no machine's profile.
// Programs ask before they delete a role.
func (c *call) listInstanceProfilesForRole(form url.Values) (any, error) {
	if _, err := c.role(form); err != nil {
		return nil, err
	}
	return instanceProfiles{}, nil
}
