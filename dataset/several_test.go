package dataset

import (
	"slices"
	"testing"
)

func TestSeveral(t *testing.T) {
	for text, want := range map[string][]string{"": nil, "a": {"a"}, "a|b": {"a", "b"}, "|a||b c|": {"a", "b c"}, "||": nil} {
		list := Several(text)
		for range 2 { // it may be asked again
			if got := slices.Collect(list); !slices.Equal(got, want) {
				t.Errorf("%q: %q, want %q", text, got, want)
			}
		}
	}
	for value := range Several("a|b|c") {
		if value != "a" {
			t.Errorf("went on to %q", value)
		}
		break
	}
}
