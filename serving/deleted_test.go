package serving

import (
	"testing"

	"usher/dataset"
	"usher/filter"
)

// TestDeletedItemsAreNotAnswered: models keep the numbers of deleted items; answers
// are as long without them, with filters and without.
func TestDeletedItemsAreNotAnswered(t *testing.T) {
	f := newFiltered(t, filter.Limits{})
	c, pop, rank := f.campaign(v2).ARN, f.campaign("aws-popularity-count").ARN, f.campaign(ranking).ARN
	genre := f.filter("genre", `INCLUDE ItemID WHERE Items.GENRE IN ("a")`)
	f.event("ann", "i2", 50)
	seen := f.filter("seen", `EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)`)
	f.append(dataset.Change{Forgotten: &dataset.Forgotten{Items: []string{"i2", "i6", "none"}}})
	check := func(when, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %s, want %s", when, got, want)
		}
	}
	check("no filter", ids(f.s.Recommend(t.Context(), Request{Campaign: c, User: "ann", Results: 3})), "i0 i1 i3")
	check("a filter, filled up", ids(f.s.Recommend(t.Context(), Request{Campaign: c, User: "ann", Filter: genre})), "i0 i4 i8")
	check("a filter", ids(f.s.Recommend(t.Context(), Request{Campaign: pop, Filter: genre})), "i0 i4")
	check("seen", ids(f.s.Recommend(t.Context(), Request{Campaign: c, User: "ann", Filter: seen})), "i3 i4 i5")
	promoted := Request{Campaign: c, User: "ann", Results: 4, Promoted: &Promotion{Name: "p", Percent: 100, Filter: genre}}
	check("promoted", ids(f.s.Recommend(t.Context(), promoted)), "i0 i1 i4 i8")
	check("ranked as one that is not known", ids(f.s.Rank(t.Context(), Ranking{Campaign: rank, User: "ann", Items: []string{"i2", "i1", "i0"}})), "i1 i0 i2")

	f.item(2, "a") // another item with that id
	check("the id again", ids(f.s.Recommend(t.Context(), Request{Campaign: c, User: "ann", Results: 3})), "i0 i1 i3")
	check("the id again, filled up", ids(f.s.Recommend(t.Context(), Request{Campaign: c, User: "ann", Filter: genre})), "i0 i4 i2 i8")
}
