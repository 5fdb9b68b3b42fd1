package dataset

import "testing"

// TestIdentity has events that differ in any member stand for themselves, and those
// with one eventId for one another.
func TestIdentity(t *testing.T) {
	value := 2.5
	like := func(change func(x *Interaction)) *Interaction {
		x := &Interaction{User: "u", Session: "s", Item: "i", Type: "buy", Time: 7, Properties: Row{{Kind: Int, Int: 3}}}
		change(x)
		return x
	}
	seen := map[string]int{}
	for n, change := range []func(x *Interaction){
		func(*Interaction) {},
		func(x *Interaction) { x.User = "v" },
		func(x *Interaction) { x.Session = "v" },
		func(x *Interaction) { x.Item = "v" },
		func(x *Interaction) { x.Type = "v" },
		func(x *Interaction) { x.Time = 8 },
		func(x *Interaction) { x.Value = &value },
		func(x *Interaction) { x.Impression = []string{"i"} },
		func(x *Interaction) { x.RecommendationID = "v" },
		func(x *Interaction) { x.Source = "v" },
		func(x *Interaction) { x.Properties = Row{{Kind: Int, Int: 4}} },
		func(x *Interaction) { x.Properties = nil },
		func(x *Interaction) { x.EventID = "e" },
	} {
		id := like(change).Identity()
		if other, found := seen[id]; found {
			t.Errorf("events %d and %d are taken for one", n, other)
		}
		if again := like(change).Identity(); again != id || id == "" {
			t.Errorf("event %d has the identities %q and %q", n, id, again)
		}
		seen[id] = n
	}
	one, other := &Interaction{EventID: "e", User: "u"}, &Interaction{EventID: "e", User: "v"}
	if one.Identity() != other.Identity() {
		t.Error("events with one eventId are taken for two")
	}
}
