package identity

import (
	"context"
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
func (id *Identity) listPolicies(ctx context.Context, form url.Values) (any, error) {
	scope := form.Get("Scope")
	if scope != "" && scope != "All" && scope != "Local" && scope != "AWS" {
		return nil, invalid("Scope %.200q is none of All, AWS, Local.", scope)
	}
	counts, err := id.attached(ctx)
	if err != nil {
		return nil, err
	}
	var all []shownPolicy
	if scope != "AWS" {
		if all, err = id.localPolicies(ctx, counts); err != nil {
			return nil, err
		}
	}
	if scope != "Local" {
		all = append(all, id.awsPolicies(counts)...)
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
func (id *Identity) localPolicies(ctx context.Context, counts map[string]int) ([]shownPolicy, error) {
	texts, err := id.opt.Records.List(ctx, "policy/")
	if err != nil {
		return nil, err
	}
	var out []shownPolicy
	for _, text := range texts {
		var p policy
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("read policies: %w", err)
		}
		out = append(out, id.shownPolicy(&p, counts))
	}
	return out, nil
}

// awsPolicies gives those of AWS that are attached, by ARN.
func (id *Identity) awsPolicies(counts map[string]int) []shownPolicy {
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
func (id *Identity) attached(ctx context.Context) (map[string]int, error) {
	texts, err := id.opt.Records.List(ctx, "role/")
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
func (id *Identity) getPolicyVersion(ctx context.Context, form url.Values) (any, error) {
	arn, p, err := id.policy(ctx, form)
	if err != nil {
		return nil, err
	}
	if v := form.Get("VersionId"); p == nil || v != onlyVersion {
		return nil, absent("Policy %s version %.200s does not exist or is not attachable.", arn, v)
	}
	return onePolicyVersion{policyVersion{onlyVersion, true, p.Created, url.PathEscape(p.Document)}}, nil
}

// listPolicyVersions gives the one version.
func (id *Identity) listPolicyVersions(ctx context.Context, form url.Values) (any, error) {
	_, p, err := id.policy(ctx, form)
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
func (id *Identity) listInstanceProfilesForRole(ctx context.Context, form url.Values) (any, error) {
	if _, err := id.role(ctx, form); err != nil {
		return nil, err
	}
	return instanceProfiles{}, nil
}
