package control

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"usher/catalog"
	"usher/store"
	wire "usher/wire/personalize"
)

// maxTags is how many tags a resource can have.
const maxTags = 50

// taggable are the kinds that can have tags.
var taggable = []catalog.Kind{
	catalog.KindDatasetGroup, catalog.KindDataset, catalog.KindImportJob, catalog.KindEventTracker,
	catalog.KindSolution, catalog.KindSolutionVersion, catalog.KindCampaign,
	catalog.KindFilter, catalog.KindRecommender, catalog.KindBatchInferenceJob, catalog.KindBatchSegmentJob,
	catalog.KindExportJob, catalog.KindDataDeletionJob,
}

// newTags gives the tags of a resource after others were added; a key that it
// had gets the new value.
func newTags(have map[string]string, add []wire.Tag) (map[string]string, error) {
	given := map[string]bool{}
	out := maps.Clone(have)
	if out == nil && len(add) > 0 {
		out = map[string]string{}
	}
	for _, t := range add {
		k := *t.TagKey
		if given[k] {
			return nil, invalid("The tag key %q is given twice. Keys are unique; upper and lower case differ.", k)
		}
		given[k] = true
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return nil, invalid("The tag key %q begins with aws:, which is reserved. Choose another one.", k)
		}
		out[k] = *t.TagValue
	}
	if len(out) > maxTags {
		msg := "Too many tags: the resource would have more than 50. Remove some with UntagResource, or give fewer."
		return nil, &wire.TooManyTagsException{Message: &msg}
	}
	return out, nil
}

// tagged reads the resource whose tags a call is about.
func (a *API) tagged(tx *store.Tx, arn string) (catalog.Record, error) {
	kind, _, err := a.opt.ARNs.Parse(arn)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if !slices.Contains(taggable, kind) {
		var kinds []string
		for _, k := range taggable {
			kinds = append(kinds, strings.ReplaceAll(string(k), "-", " "))
		}
		return nil, invalid("The ARN %q is of a %s, which cannot have tags. Kinds that can: %s.", arn, strings.ReplaceAll(string(kind), "-", " "), strings.Join(kinds, ", "))
	}
	r, err := catalog.Find(tx, arn)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, absent(arn)
	}
	return r, err
}

// TagResource adds tags to a resource, or gives those it has new values.
func (a *API) TagResource(ctx context.Context, in *wire.TagResourceInput) (*wire.TagResourceOutput, error) {
	return write(ctx, a, func(tx *store.Tx) (*wire.TagResourceOutput, error) {
		r, err := a.tagged(tx, *in.ResourceArn)
		if err != nil {
			return nil, err
		}
		m := r.Common()
		if m.Tags, err = newTags(m.Tags, in.Tags); err != nil {
			return nil, err
		}
		return &wire.TagResourceOutput{}, catalog.Update(tx, r)
	})
}

// UntagResource removes tags; keys that the resource does not have are passed over.
func (a *API) UntagResource(ctx context.Context, in *wire.UntagResourceInput) (*wire.UntagResourceOutput, error) {
	return write(ctx, a, func(tx *store.Tx) (*wire.UntagResourceOutput, error) {
		if len(in.TagKeys) > maxTags {
			msg := "Too many tag keys: at most 50 can be removed by one call."
			return nil, &wire.TooManyTagKeysException{Message: &msg}
		}
		r, err := a.tagged(tx, *in.ResourceArn)
		if err != nil {
			return nil, err
		}
		for _, k := range in.TagKeys {
			delete(r.Common().Tags, k)
		}
		return &wire.UntagResourceOutput{}, catalog.Update(tx, r)
	})
}

// ListTagsForResource gives a resource's tags by key.
func (a *API) ListTagsForResource(ctx context.Context, in *wire.ListTagsForResourceInput) (*wire.ListTagsForResourceOutput, error) {
	return read(ctx, a, func(tx *store.Tx) (*wire.ListTagsForResourceOutput, error) {
		r, err := a.tagged(tx, *in.ResourceArn)
		if err != nil {
			return nil, err
		}
		tags := r.Common().Tags
		out := &wire.ListTagsForResourceOutput{Tags: make([]wire.Tag, 0, len(tags))}
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			out.Tags = append(out.Tags, wire.Tag{TagKey: &k, TagValue: new(tags[k])})
		}
		return out, nil
	})
}
