package sequence

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// TestNewcomersThatWerePassedOver: of the six new items of a genre the three that many were shown
// and nobody took stand behind the others, also when the model is loaded, met by newer
// records, or explained; of the others nothing changes but the bias.
func TestNewcomersThatWerePassedOver(t *testing.T) {
	data := genres()
	data.Shown = &dataset.Shown{Start: []int64{0}}
	for u := range data.UserIDs { // the new items 60 to 71 beside each user's last event
		h := data.History(dataset.Index(u))
		for i := range 12 {
			data.Shown.List = append(data.Shown.List, dataset.Exposure{Time: h[len(h)-1].Time, Item: dataset.Index(60 + i)})
		}
		data.Shown.Start = append(data.Shown.Start, int64(len(data.Shown.List)))
	}
	m := train(t, recipe.Input{Data: data, Seed: 2, Workers: 2})
	r := 1. / 13 // of thirteen that are shown one is taken
	if got, want := m.cold.loss(m.cold.find(60)), math.Log1p(float64(data.Users())*r); math.Abs(float64(got)-want) > 1e-5 || m.cold.loss(m.cold.find(80)) != 0 {
		t.Errorf("who was passed over loses %v, want %v; others %v", got, want, m.cold.loss(m.cold.find(80)))
	}
	loaded, err := Recipe{}.Load(bytes.NewReader(saved(t, m)), int64(len(saved(t, m))))
	if err != nil {
		t.Fatal(err)
	}
	met := m.Meet(genreSchema, []dataset.Index{61, 90}, func(i dataset.Index) dataset.Row { return genreRow(int(i) % 4) })
	for name, m := range map[string]recipe.Model{"trained": m, "loaded": loaded, "met": met} {
		first, ignored := 0, 0
		for u := range 40 {
			for _, i := range newOf(t, m, data.History(dataset.Index(u)), 90)[:3] {
				first++
				if i < 72 {
					ignored++
				}
			}
		}
		if ignored > first/10 {
			t.Errorf("%s: of the first %d new items %d were passed over", name, first, ignored)
		}
		if got := m.(*Model).cold; got.loss(got.find(61)) == 0 {
			t.Errorf("%s: item 61 loses %v", name, got.loss(got.find(61)))
		}
	}
	x, err := m.Explain(t.Context(), &recipe.Query{History: data.History(3)}, 63)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(x.Parts, func(p recipe.Part) bool { return p.Name == "newcomer" })
	if want := float64(m.cold.bias - m.cold.loss(m.cold.find(63))); at < 0 || math.Abs(x.Parts[at].Value-want) > 1e-5 {
		t.Errorf("the parts %v have no newcomer of %v", x.Parts, want)
	}
}

func TestTakenOf(t *testing.T) {
	data := dataset.NewSnapshot([]string{"a", "b"}, []string{"i", "j"}, []string{""}, [][]dataset.Event{{{Time: 1}, {Time: 3}, {Time: 3, Item: 1}, {Time: 9}}, {{Time: 1}}})
	data.Shown = &dataset.Shown{Start: []int64{0, 3, 3}, List: []dataset.Exposure{{Time: 2, Item: 1}, {Time: 3, Item: 1}, {Time: 9, Item: 1}}}
	if got := takenOf(data); got != 3 {
		t.Errorf("%d were taken, want 3", got)
	}
}
