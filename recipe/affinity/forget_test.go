package affinity

import (
	"bytes"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// TestForget: a model without users is the one that was trained without their
// events, byte by byte, and answers without them.
func TestForget(t *testing.T) {
	bytesOf := func(m recipe.Model) []byte {
		var b bytes.Buffer
		if err := m.Save(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, r := range []recipe.Recipe{Item{}, Attribute{}} {
		data := tastes(false)
		gone := dataset.NewSet(90)
		for _, u := range []dataset.Index{0, 17, 89} {
			gone.Add(u)
		}
		without := data.With(func(u dataset.Index, events []dataset.Event) []dataset.Event {
			if gone.Has(u) {
				return nil
			}
			return events
		})
		m := trained(t, r, data)
		got := m.(recipe.Forgetter).Forget([]dataset.Index{17, 0, 89, 400})
		if !bytes.Equal(bytesOf(got), bytesOf(trained(t, r, without))) {
			t.Errorf("%s: not the model that is trained without them", r.Spec().Name)
		}
		for _, u := range segment(t, got.(recipe.Segmenter), 90, dataset.Set{}, 3) {
			if gone.Has(u) {
				t.Errorf("%s: user %d is answered", r.Spec().Name, u)
			}
		}
		if again := got.(recipe.Forgetter).Forget([]dataset.Index{0, 400}); again != got {
			t.Errorf("%s: nothing to forget, and another model", r.Spec().Name)
		}
	}
}
