package serving

import (
	"context"
	"testing"

	"usher/blob"
	"usher/catalog"
	"usher/store"
)

// replacing is a store in which a deletion of users puts another model in the place of
// the one that is opened first.
type replacing struct {
	blob.Store
	replace func()
}

func (r *replacing) Open(ctx context.Context, name string) (blob.Reader, error) {
	if replace := r.replace; replace != nil {
		r.replace = nil
		replace()
	}
	return r.Store.Open(ctx, name)
}

// TestAModelReplacedMeanwhile: who has read the old model's name finds the new one.
func TestAModelReplacedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.version("v", "aws-user-personalization-v2", "old")
	w.version("w", "aws-user-personalization-v2", "new")
	w.s.opt.Blobs = &replacing{w.Blobs, func() {
		w.Update(func(tx *store.Tx) error {
			v, err := catalog.Get[catalog.SolutionVersion](tx, "v")
			if err != nil {
				return err
			}
			v.Model = "models/w"
			return catalog.Update(tx, v)
		})
		if err := w.Blobs.Delete(t.Context(), "models/v"); err != nil {
			t.Fatal(err)
		}
	}}
	if _, err := w.s.deploy(t.Context(), "v"); err != nil {
		t.Error(err)
	}
}
