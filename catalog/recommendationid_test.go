package catalog

import "testing"

func TestRecommendationID(t *testing.T) {
	const id, a, b = "RID-01234567-89ab-cdef-0123-456789abcdef", "arn:aws:personalize:us-east-1:000000000000:campaign/a", "arn:aws:personalize:us-east-1:000000000000:campaign/b"
	of := RecommendationID(id, a)
	if len(of) != 40 || of[:18] != id[:18] || of[27:] != id[27:] || of == RecommendationID(id, b) {
		t.Errorf("%s of %s", of, id)
	}
	if o, ok := OriginIn(of); !ok || o != OriginOf(a) {
		t.Errorf("the origin is %q, want %q", o, OriginOf(a))
	}
	for _, other := range []string{"", "RID-1", "rid-01234567-89ab-cdef-0123-456789abcdef", "RID-01234567-89ab-cdef-0123x456789abcdef", id + "0"} {
		if got := RecommendationID(other, a); got != other {
			t.Errorf("%q became %q", other, got)
		}
		if _, ok := OriginIn(other); ok {
			t.Errorf("%q has an origin", other)
		}
	}
}
