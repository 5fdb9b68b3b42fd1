package sequence

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// categories makes a schema of categories.
func categories(t dataset.Type, names ...string) *dataset.Schema {
	s := &dataset.Schema{Type: t}
	for _, n := range names {
		s.Fields = append(s.Fields, dataset.Field{Name: n, Kind: dataset.String, Nullable: true, Categorical: true})
	}
	return s
}

func textRow(texts ...string) (row dataset.Row) {
	for _, x := range texts {
		row = append(row, dataset.Value{Kind: dataset.String, Str: x})
	}
	return row
}

// moments makes users who take what suits the device that they are on: of 24 items
// each of the six devices has four, drawn by chance. The weekday says nothing.
func moments(users int) *dataset.Snapshot {
	return situated(users, 8, func(r *rand.Rand, _, device int) int { return 6*r.IntN(4) + device })
}

// situated makes users with contexts DEVICE and WEEKDAY, and a record with a TEAM
// and a COLOUR; item chooses what is taken.
func situated(users, length int, item func(r *rand.Rand, team, device int) int) *dataset.Snapshot {
	const items, devices, days, teams = 24, 6, 7, 6
	context := dataset.NewTable(categories(dataset.Interactions, "DEVICE", "WEEKDAY"))
	for d := range devices {
		for w := range days {
			context.Set(dataset.Index(1+days*d+w), textRow(fmt.Sprint("device", d), fmt.Sprint("day", w)))
		}
	}
	records := dataset.NewTable(categories(dataset.Users, "USER_ID", "TEAM", "COLOUR"))
	var ids, names []string
	for i := range items {
		ids = append(ids, fmt.Sprint("i", i))
	}
	var events [][]dataset.Event
	for u := range users {
		r := seed.Seed(3).Branch("user", uint64(u)).Rand()
		team := r.IntN(teams)
		records.Set(dataset.Index(u), textRow(fmt.Sprint("u", u), fmt.Sprint("team", team), fmt.Sprint("colour", r.IntN(5))))
		var h []dataset.Event
		for range length {
			device, day := r.IntN(devices), r.IntN(days)
			h = append(h, dataset.Event{Time: int64(1_700_000_000 + 60*len(h)), Item: dataset.Index(item(r, team, device)),
				Value: float32(math.NaN()), Context: uint32(1 + days*device + day)})
		}
		names, events = append(names, fmt.Sprint("u", u)), append(events, h)
	}
	s := dataset.NewSnapshot(names, ids, []string{""}, events)
	s.ContextTable, s.UserTable = context, records
	return s
}

// share gives how many of the first k answers to a question are of one kind.
func share(t testing.TB, m recipe.Model, q recipe.Query, k int, want func(dataset.Index) bool) float64 {
	t.Helper()
	got, err := m.Recommend(context.Background(), &q, k, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range got {
		if want(s.Index) {
			n++
		}
	}
	return float64(n) / float64(k)
}

// reloaded gives a model as it comes back from a file.
func reloaded(t testing.TB, m *Model) *Model {
	t.Helper()
	b := saved(t, m)
	out, err := Recipe{}.Load(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, saved(t, out)) {
		t.Error("a model that was loaded is saved as another one")
	}
	return out.(*Model)
}

// TestContextDecides: where the next item depends on the device alone, the device
// that is given with the question decides the answer, of a user with a history and
// of one without; without it the answer cannot know. So it is with the model that
// was fitted again, and with the one that keeps its answers.
func TestContextDecides(t *testing.T) {
	data := moments(400)
	in := recipe.Input{Data: data, Seed: 4, Workers: 2}
	first := train(t, in)
	in.Tuned = first.Choices()
	again := train(t, in)
	kept := train(t, in)
	kept.Cache(1 << 20)
	v := first.Choices().Values
	if v["context_DEVICE"] == 0 || v["context_WEEKDAY"] != 0 || v["profile_TEAM"] != 0 || v["profile_COLOUR"] != 0 {
		t.Errorf("chosen %v, want the device alone", v)
	}
	for name, m := range map[string]*Model{"first": first, "again": again, "loaded": reloaded(t, again), "kept": kept, "kept, asked again": kept} {
		with, without := 0., 0.
		for device := range 6 {
			of := func(i dataset.Index) bool { return int(i)%6 == device }
			for _, h := range [][]dataset.Event{nil, data.History(0), data.History(dataset.Index(1 + device))} {
				q := recipe.Query{User: dataset.NoIndex, History: h}
				without += share(t, m, q, 4, of) / 18
				q.Context = map[string]string{"device": fmt.Sprint("device", device), "WEEKDAY": "day3"}
				with += share(t, m, q, 4, of) / 18
			}
		}
		if with < .9 || without > .3 {
			t.Errorf("%s: %.2f of the answers suit the device, without context %.2f; want at least .9 and at most .3", name, with, without)
		}
	}
}

// TestProfileDecides: what is known of a user decides the answer before anything is
// known of what the user does.
func TestProfileDecides(t *testing.T) {
	data := situated(400, 5, func(r *rand.Rand, team, _ int) int { return 6*r.IntN(4) + team })
	in := recipe.Input{Data: data, Seed: 4, Workers: 2}
	first := train(t, in)
	in.Tuned = first.Choices()
	v := first.Choices().Values
	if v["profile_TEAM"] == 0 || v["profile_COLOUR"] != 0 || v["context_DEVICE"] != 0 {
		t.Errorf("chosen %v, want the team alone", v)
	}
	if v["weight_profile_cold"] <= v["weight_profile_warm"] {
		t.Errorf("the profile weighs %v without history and %v with a long one, which says the same", v["weight_profile_cold"], v["weight_profile_warm"])
	}
	m := reloaded(t, train(t, in))
	for team := range 6 {
		q := recipe.Query{User: dataset.NoIndex, Profile: textRow("new", fmt.Sprint("team", team), "colour1"), ProfileSchema: data.UserTable.Schema}
		if got := share(t, m, q, 4, func(i dataset.Index) bool { return int(i)%6 == team }); got < .9 {
			t.Errorf("%.2f of the answers to a new user suit the team %d", got, team)
		}
		q.Profile = textRow("new", "a team that nobody has seen", "colour1")
		if got := share(t, m, q, 4, func(i dataset.Index) bool { return int(i)%6 == team }); got > .75 {
			t.Errorf("%.2f of the answers to a user of an unknown team suit the team %d", got, team)
		}
	}
}

// TestGapDecides: where the next item depends on how long ago the last event was,
// the moment of the question decides the answer.
func TestGapDecides(t *testing.T) {
	gaps := []int64{60, 2700, 5400, 16_000, 200_000, 9_000_000}
	data := situated(400, 8, func(r *rand.Rand, _, device int) int { return 6*r.IntN(4) + device })
	for u := range data.UserIDs { // the device stands for the gap
		h, at := data.History(dataset.Index(u)), int64(1_500_000_000)
		for i := range h {
			if i == 0 {
				at += 7777 * int64(u)
			} else {
				at += gaps[h[i].Item%6]
			}
			h[i].Time = at
		}
	}
	data.ContextTable, data.UserTable = nil, nil
	for i := range data.Events {
		data.Events[i].Context = 0
	}
	m := reloaded(t, train(t, recipe.Input{Data: data, Seed: 4, Workers: 2}))
	if v := m.Choices().Values; v["time_GAP"] == 0 || v["time_HOUR"] != 0 || v["time_WEEKDAY"] != 0 {
		t.Errorf("chosen %v, want the gap alone", v)
	}
	right := 0.
	for k, gap := range gaps {
		h := data.History(dataset.Index(k))
		q := recipe.Query{User: dataset.NoIndex, History: h, Now: time.Unix(h[len(h)-1].Time+gap, 0)}
		right += share(t, m, q, 2, func(i dataset.Index) bool { return int(i)%6 == k }) / 6
	}
	if right < .9 {
		t.Errorf("%.2f of the answers suit the gap", right)
	}
}

// TestNoiseHasNoSides: columns that say nothing are left out, and the model is the
// one that was not told of them, to the byte.
func TestNoiseHasNoSides(t *testing.T) {
	data := situated(300, 8, func(r *rand.Rand, _, _ int) int { return r.IntN(24) })
	m := train(t, recipe.Input{Data: data, Seed: 4, Workers: 2})
	if m.sides != nil {
		t.Errorf("noise is used: %v", m.sides)
	}
	data.ContextTable, data.UserTable = nil, nil
	if !bytes.Equal(saved(t, m), saved(t, train(t, recipe.Input{Data: data, Seed: 4, Workers: 2}))) {
		t.Error("the model is another one when it is not told of noise")
	}
}

// TestSidesAnyWorkers: any number of workers gives the same bytes.
func TestSidesAnyWorkers(t *testing.T) {
	data := moments(120)
	one := train(t, recipe.Input{Data: data, Seed: 4, Workers: 1})
	if one.sides == nil {
		t.Fatal("no sides")
	}
	if !bytes.Equal(saved(t, one), saved(t, train(t, recipe.Input{Data: data, Seed: 4, Workers: 3}))) {
		t.Error("3 workers give other bytes than 1")
	}
}

// TestRankByContext: rankings and explanations go by the context too, and the parts
// of an explanation still add up to the score.
func TestRankByContext(t *testing.T) {
	data := moments(300)
	m := train(t, recipe.Input{Data: data, Seed: 4, Workers: 2})
	list := make([]dataset.Index, 24)
	for i := range list {
		list[i] = dataset.Index(i)
	}
	q := &recipe.Query{User: dataset.NoIndex, History: data.History(5), Context: map[string]string{"DEVICE": "device2"}}
	got, err := m.Rank(context.Background(), q, list, nil)
	if err != nil {
		t.Fatal(err)
	}
	best, err := m.Recommend(context.Background(), q, 24, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Index%6 != 2 {
		t.Errorf("item %d is the first of device 2", got[0].Index)
	}
	for i, s := range got {
		if s.Index != best[i].Index || math.Abs(float64(s.Score-best[i].Score)) > 1e-5 {
			t.Errorf("place %d has item %d with %v, of the recommendations %d with %v", i, s.Index, s.Score, best[i].Index, best[i].Score)
		}
	}
	why, err := m.Explain(context.Background(), q, got[0].Index)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(why.Parts, func(p recipe.Part) bool { return p.Name == "context" })
	if at < 0 || why.Parts[at].Value <= 0 || math.Abs(why.Probability-float64(got[0].Score)) > 1e-5 || why.Place != 1 {
		t.Errorf("explained by %+v", why)
	}
}

// TestWhatWasSaidIsForgotten: what one question said stays out of the next answer, also
// where counters that touch few items stand between.
func TestWhatWasSaidIsForgotten(t *testing.T) {
	data := moments(200)
	trained := train(t, recipe.Input{Data: data, Seed: 1, Workers: 1})
	if trained.sides == nil {
		t.Fatal("the model has no sides")
	}
	fresh := func() *Model {
		m := newModel(trained.net, trained.known, trained.items, false, nil)
		w := prior()
		w[latest] = .1
		m.blend, m.sides = newBlend(w, &counters{events: make([]float32, len(m.items))}), trained.sides
		return m
	}
	plain := &recipe.Query{History: data.History(0)}
	asked := fresh()
	for d := range 6 {
		share(t, asked, recipe.Query{History: data.History(0), Context: map[string]string{"DEVICE": fmt.Sprint("device", d)}}, 24, func(dataset.Index) bool { return true })
	}
	a, err := asked.Recommend(t.Context(), plain, 24, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := fresh().Recommend(t.Context(), plain, 24, dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) {
		t.Errorf("the answer without context is %v, want %v", a, b)
	}
}
