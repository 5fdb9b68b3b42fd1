package domain

import (
	"testing"

	"usher/recipe"
	"usher/recipe/recipetest"
)

func TestEveryUseCaseIsThere(t *testing.T) {
	var want []string
	for _, s := range recipe.Table() {
		if s.Domain != "" {
			want = append(want, s.Name)
		}
	}
	got := Recipes()
	if len(got) != len(want) {
		t.Fatalf("%d use cases, the table has %d", len(got), len(want))
	}
	for n, r := range got {
		if r.Spec().Name != want[n] {
			t.Errorf("use case %d is %s, want %s", n, r.Spec().Name, want[n])
		}
	}
}

// Use cases that are another algorithm's only differ from it in the name; those
// with parameters of their own keep the contract too.
func TestContract(t *testing.T) {
	for _, r := range Recipes() {
		if s := r.Spec(); s.Type == recipe.RelatedItems {
			t.Run(s.Name, func(t *testing.T) { recipetest.Run(t, r) })
		}
	}
}
