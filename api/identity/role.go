package identity

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// role is the record of a role.
type role struct {
	Name, Path, ID, Created, Description string
	Trust                                string
	Attached                             []string          // ARNs of policies, in order of attaching
	Inline                               map[string]string // policies by name
	MaxSession                           int               // seconds
	Tags                                 []tag             // in order of tagging
}

func roleKey(name string) string { return "role/" + strings.ToLower(name) }

// shownRole is a role as IAM answers it.
type shownRole struct {
	Path, RoleName, RoleId, Arn, CreateDate string
	AssumeRolePolicyDocument                string
	Description                             string `xml:",omitempty"`
	MaxSessionDuration                      int
	Tags                                    *members[tag] `xml:",omitempty"` // not in lists
}

func (c *call) shown(r *role) shownRole {
	return shownRole{r.Path, r.Name, r.ID, c.arn("iam", "role", r.Path+r.Name), r.Created, url.PathEscape(r.Trust), r.Description, cmp.Or(r.MaxSession, shortestSession), nil}
}

type oneRole struct{ Role shownRole }

func (c *call) whole(r *role) oneRole {
	out := c.shown(r)
	out.Tags = showTags(r.Tags)
	return oneRole{out}
}

// The bounds of how long a session of a role may last, in seconds.
const (
	shortestSession = 3600
	longestSession  = 43200
)

// session gives the parameter MaxSessionDuration; 0 when it is absent.
func session(form url.Values) (int, error) {
	text := form.Get("MaxSessionDuration")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < shortestSession || n > longestSession {
		return 0, invalid("MaxSessionDuration %.20q is not between %d and %d.", text, shortestSession, longestSession)
	}
	return n, nil
}

func (c *call) createRole(form url.Values) (any, error) {
	n, err := name(form, "RoleName", 64)
	if err != nil {
		return nil, err
	}
	p, err := path(form)
	if err != nil {
		return nil, err
	}
	trust, err := document(form, "AssumeRolePolicyDocument")
	if err != nil {
		return nil, err
	}
	seconds, err := session(form)
	if err != nil {
		return nil, err
	}
	tags, err := tagged(nil, form)
	if err != nil {
		return nil, err
	}
	r := role{}
	if found, err := c.load(roleKey(n), &r); err != nil {
		return nil, err
	} else if found {
		return nil, exists("Role with name %s already exists.", r.Name)
	}
	now := c.opt.Now()
	r = role{
		Name: n, Path: p, ID: unique("AROA", fmt.Sprint(n, now.UnixNano())), Created: stamp(now),
		Description: form.Get("Description"), Trust: trust, MaxSession: seconds, Tags: tags,
	}
	return c.whole(&r), c.save(roleKey(n), &r)
}

// role gives the role that a request names.
func (c *call) role(form url.Values) (*role, error) {
	n, err := name(form, "RoleName", 64)
	if err != nil {
		return nil, err
	}
	r := &role{}
	found, err := c.load(roleKey(n), r)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, absent("The role with name %s cannot be found.", n)
	}
	return r, nil
}

func (c *call) getRole(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	return c.whole(r), nil
}

func (c *call) updateRole(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	seconds, err := session(form)
	if err != nil {
		return nil, err
	}
	r.MaxSession = cmp.Or(seconds, r.MaxSession)
	if form.Has("Description") {
		r.Description = form.Get("Description")
	}
	return struct{}{}, c.save(roleKey(r.Name), r) // an empty result, which IAM has here and not elsewhere
}

func (c *call) updateAssumeRolePolicy(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	if r.Trust, err = document(form, "PolicyDocument"); err != nil {
		return nil, err
	}
	return nil, c.save(roleKey(r.Name), r)
}

type roleList struct {
	Roles       members[shownRole]
	IsTruncated bool
}

func (c *call) listRoles(form url.Values) (any, error) {
	texts, err := c.records.List("role/")
	if err != nil {
		return nil, err
	}
	var out roleList
	for _, text := range texts {
		var r role
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("read roles: %w", err)
		}
		if strings.HasPrefix(r.Path, form.Get("PathPrefix")) {
			out.Roles.add(c.shown(&r))
		}
	}
	return out, nil
}

func (c *call) deleteRole(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	if len(r.Attached) > 0 {
		return nil, inUse("Cannot delete entity, must detach all policies first.")
	}
	if len(r.Inline) > 0 {
		return nil, inUse("Cannot delete entity, must delete policies first.")
	}
	return nil, c.records.Delete(roleKey(r.Name))
}

func (c *call) putRolePolicy(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	n, err := name(form, "PolicyName", 128)
	if err != nil {
		return nil, err
	}
	text, err := document(form, "PolicyDocument")
	if err != nil {
		return nil, err
	}
	if r.Inline == nil {
		r.Inline = map[string]string{}
	}
	r.Inline[n] = text
	return nil, c.save(roleKey(r.Name), r)
}

// inline gives a role and the name of its policy that a request names.
func (c *call) inline(form url.Values) (*role, string, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, "", err
	}
	n, err := name(form, "PolicyName", 128)
	if err != nil {
		return nil, "", err
	}
	if _, ok := r.Inline[n]; !ok {
		return nil, "", absent("The role policy with name %s cannot be found.", n)
	}
	return r, n, nil
}

type inlinePolicy struct{ RoleName, PolicyName, PolicyDocument string }

func (c *call) getRolePolicy(form url.Values) (any, error) {
	r, n, err := c.inline(form)
	if err != nil {
		return nil, err
	}
	return inlinePolicy{r.Name, n, url.PathEscape(r.Inline[n])}, nil
}

func (c *call) deleteRolePolicy(form url.Values) (any, error) {
	r, n, err := c.inline(form)
	if err != nil {
		return nil, err
	}
	delete(r.Inline, n)
	return nil, c.save(roleKey(r.Name), r)
}

type policyNames struct {
	PolicyNames members[string]
	IsTruncated bool
}

func (c *call) listRolePolicies(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	var out policyNames
	for _, n := range slices.Sorted(maps.Keys(r.Inline)) {
		out.PolicyNames.add(n)
	}
	return out, nil
}
