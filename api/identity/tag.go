package identity

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"usher/wire"
)

// tag is a key and a value of a role.
type tag struct{ Key, Value string }

// maxTags is how many tags a role can have.
const maxTags = 50

// tagged gives tags after those of a request were added; a key that there was gets
// the new value. Keys are found whatever their case.
func tagged(have []tag, form url.Values) ([]tag, error) {
	out := slices.Clone(have)
	given := map[string]bool{}
	for i := 1; ; i++ {
		at := fmt.Sprintf("Tags.member.%d", i)
		if !form.Has(at + ".Key") {
			break
		}
		t := tag{form.Get(at + ".Key"), form.Get(at + ".Value")}
		lower := strings.ToLower(t.Key)
		switch n := utf8.RuneCountInString(t.Key); {
		case n < 1 || n > 128 || utf8.RuneCountInString(t.Value) > 256:
			return nil, invalid("tags.%d.member: a key has 1 to 128 characters, a value at most 256.", i)
		case strings.HasPrefix(lower, "aws:"):
			return nil, refusedTag("The tag key %.200q begins with aws:, which is reserved.", t.Key)
		case given[lower]:
			return nil, refusedTag("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		given[lower] = true
		if k := slices.IndexFunc(out, t.named); k >= 0 {
			out[k] = t
		} else {
			out = append(out, t)
		}
	}
	if len(out) > maxTags {
		return nil, &wire.Fault{Code: "LimitExceeded", Message: fmt.Sprintf("The number of tags has reached the maximum limit of %d.", maxTags), Status: 409}
	}
	return out, nil
}

func (t tag) named(o tag) bool { return strings.EqualFold(t.Key, o.Key) }

func refusedTag(format string, args ...any) error {
	return &wire.Fault{Code: "InvalidInput", Message: fmt.Sprintf(format, args...), Status: 400}
}

// showTags gives tags as IAM answers them; nil, and so no element, when there are none.
func showTags(tags []tag) *members[tag] {
	if len(tags) == 0 {
		return nil
	}
	return &members[tag]{tags}
}

func (c *call) tagRole(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	if r.Tags, err = tagged(r.Tags, form); err != nil {
		return nil, err
	}
	return nil, c.save(roleKey(r.Name), r)
}

func (c *call) untagRole(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	for i := 1; form.Has(fmt.Sprintf("TagKeys.member.%d", i)); i++ {
		r.Tags = slices.DeleteFunc(r.Tags, tag{Key: form.Get(fmt.Sprintf("TagKeys.member.%d", i))}.named)
	}
	return nil, c.save(roleKey(r.Name), r)
}

type tagList struct {
	Tags        members[tag]
	IsTruncated bool
}

func (c *call) listRoleTags(form url.Values) (any, error) {
	r, err := c.role(form)
	if err != nil {
		return nil, err
	}
	return tagList{Tags: members[tag]{r.Tags}}, nil
}
