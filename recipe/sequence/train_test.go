package sequence

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

func saved(t testing.TB, m recipe.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWorkersDoNotChangeTheModel(t *testing.T) {
	data := snapshot(20, chain(20, 30, 8, 2))
	one := saved(t, train(t, recipe.Input{Data: data, Seed: 9, Workers: 1}))
	if !bytes.Equal(one, saved(t, train(t, recipe.Input{Data: data, Seed: 9, Workers: 3}))) {
		t.Error("3 workers give other bytes than 1")
	}
	if bytes.Equal(one, saved(t, train(t, recipe.Input{Data: data, Seed: 10, Workers: 1}))) {
		t.Error("another seed gives the same bytes")
	}
}

// memory is a checkpoint that can refuse to go on.
type memory struct {
	states [][]byte
	refuse int // error at this save, from 1
}

var errKilled = errors.New("killed")

func (c *memory) Load() ([]byte, error) {
	if len(c.states) == 0 {
		return nil, nil
	}
	return c.states[len(c.states)-1], nil
}

func (c *memory) Save(state []byte) error {
	c.states = append(c.states, slices.Clone(state))
	if len(c.states) == c.refuse {
		return errKilled
	}
	return nil
}

// A fit that is killed after any checkpoint, and goes on from it, ends with the
// same bytes as one that was not.
func TestResumedIsUninterrupted(t *testing.T) {
	t.Run("Adam", func(t *testing.T) { resumedIsUninterrupted(t, 0) })
	t.Run("Muon", func(t *testing.T) { resumedIsUninterrupted(t, 5) })
}

func resumedIsUninterrupted(t *testing.T, muon float32) {
	in := recipe.Input{Data: snapshot(20, chain(20, 30, 8, 2)), Seed: 9, Workers: 2}
	whole := func(c recipe.Checkpoint, every int) (*Model, error) {
		f := prepared(in)
		f.in.Checkpoint = c
		f.every, f.tr.Muon = every, muon
		return f.train(context.Background())
	}
	want, err := whole(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, kill := range []int{1, 3, 6} {
		c := &memory{refuse: kill}
		if _, err := whole(c, 3); !errors.Is(err, errKilled) {
			t.Fatalf("fit goes on although the checkpoint failed: %v", err)
		}
		c.refuse = 0
		got, err := whole(c, 3)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(saved(t, want), saved(t, got)) {
			t.Errorf("killed after checkpoint %d: other bytes", kill)
		}
		if n := len(c.states); n <= kill {
			t.Errorf("%d checkpoints, killed after %d", n, kill)
		}
	}
}

func TestForeignCheckpointIsPutAside(t *testing.T) {
	in := recipe.Input{Data: snapshot(20, chain(20, 30, 8, 2)), Seed: 9, Workers: 2}
	f := prepared(in)
	f.step = 5
	good := f.state()
	damaged := slices.Clone(good)
	damaged[len(damaged)/2] ^= 1
	other := in
	other.Seed = 10
	for name, c := range map[string]struct {
		in    recipe.Input
		state []byte
		step  int
	}{
		"own": {in, good, 5}, "of another seed": {other, good, 0}, "damaged": {in, damaged, 0},
		"cut": {in, good[:len(good)-9], 0}, "foreign": {in, []byte("hello"), 0}, "none": {in, nil, 0},
	} {
		f := prepared(c.in)
		f.in.Checkpoint = &memory{states: [][]byte{c.state}}
		if err := f.resume(); err != nil || f.step != c.step {
			t.Errorf("%s: goes on at step %d (%v), want %d", name, f.step, err, c.step)
		}
	}
}

// prepared is the fit that Train would run.
func prepared(in recipe.Input) *fit { return planned(in, 16) }

// planned is one of so many epochs.
func planned(in recipe.Input, epochs int) *fit {
	return shaped(in, func(s *settings) { s.planned, s.epochs = epochs, epochs })
}

// shaped is one with other settings than the data suggest.
func shaped(in recipe.Input, change func(*settings)) *fit {
	root := in.Seed.Branch("sequence")
	held := holdOut(in.Data, in.Weights, root.Branch("validation"))
	c := newCorpus(in.Data, held)
	s := derive(c)
	change(&s)
	c.weigh(s.recency, nil)
	return newFit(c, s, held, root, in)
}

func TestStopsSoon(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	calls := 0
	in := recipe.Input{Data: snapshot(20, chain(20, 30, 8, 2)), Seed: 9, Workers: 2,
		Params: recipe.Params{"apply_recency_bias": "true"}}
	in.Progress = func(float64, string) {
		if calls++; calls == 1 {
			cancel(why)
		}
	}
	m, err := Recipe{}.Train(ctx, in)
	if !errors.Is(err, why) || m != nil {
		t.Errorf("model %v, error %v", m, err)
	}
	if calls != 1 {
		t.Errorf("progress was told %d times, should have stopped after the first", calls)
	}
}

func TestSmallAndOddData(t *testing.T) {
	var pairs [][]int
	for u := range 25 {
		pairs = append(pairs, []int{u % 7, (u + 1) % 7})
	}
	long := make([]int, 90)
	for i := range long {
		long[i] = i % 3
	}
	for name, c := range map[string]struct {
		items     int
		histories [][]int
	}{
		"25 users with 2 events": {7, pairs},
		"one item":               {1, [][]int{{0, 0, 0}, {0}, {0, 0}}},
		"users with one event":   {3, [][]int{{0}, {1}, {2}, {0}}},
		"one event":              {5, [][]int{{3}}},
		"users without events":   {5, [][]int{{}, {3, 4}, {}}},
		"long and repeating":     {4, [][]int{long, {0, 1}}},
		"same item again":        {3, [][]int{{1, 1, 1, 1}, {2, 2, 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			data := snapshot(c.items, c.histories)
			in := recipe.Input{Data: data, Seed: 1, Workers: 2}
			m := train(t, in)
			in.Tuned = m.Choices()
			again := train(t, in)
			if v := again.Choices().Values["epochs"]; v != m.Choices().Values["epochs"] {
				t.Errorf("refit chose %v epochs by itself", v)
			}
			for _, m := range []*Model{m, again} {
				checkAnswers(t, m, data)
			}
		})
	}
	if _, err := (Recipe{}).Train(context.Background(), recipe.Input{Data: snapshot(3, nil)}); err == nil {
		t.Error("no data gives a model")
	}
}

// checkAnswers asks for every user and for a new one.
func checkAnswers(t *testing.T, m *Model, data *dataset.Snapshot) {
	t.Helper()
	ask := func(h []dataset.Event) {
		got, err := m.Recommend(context.Background(), &recipe.Query{User: dataset.NoIndex, History: h}, 1000, dataset.Set{}, nil)
		if err != nil || len(got) != len(m.items) {
			t.Fatalf("%d answers, want all %d items with events (%v)", len(got), len(m.items), err)
		}
		var sum float32
		for i, x := range got {
			if !(x.Score >= 0) || i > 0 && x.Score > got[i-1].Score {
				t.Fatalf("scores %v", got)
			}
			sum += x.Score
		}
		if sum < .999 || sum > 1.001 {
			t.Fatalf("scores sum to %v", sum)
		}
	}
	for u := range data.UserIDs {
		ask(data.History(dataset.Index(u)))
	}
	ask(nil)
}

func TestRefitLearnsTheHeldOutItems(t *testing.T) {
	histories := chain(10, 40, 8, 3)
	for u := range histories {
		histories[u] = append(histories[u], 10) // an item that is only ever last
	}
	in := recipe.Input{Data: snapshot(11, histories), Seed: 4, Workers: 2}
	m := train(t, in)
	if m.row(10) != noRow {
		t.Error("an item of the validation part only was trained on")
	}
	in.Tuned = m.Choices()
	if train(t, in).row(10) == noRow {
		t.Error("the refit does not know an item of the validation part")
	}
}

func TestTunedValuesAreChecked(t *testing.T) {
	for _, v := range []map[string]float64{
		{"epochs": -1}, {"planned_epochs": 0}, {"dropout": 1}, {"dim": 33, "heads": 2}, {"tau": 0}, {"learning_rate": 0},
	} {
		in := recipe.Input{Data: snapshot(3, [][]int{{0, 1}, {1, 2}}), Tuned: &recipe.Choices{Values: v}}
		if _, err := (Recipe{}).Train(context.Background(), in); err == nil {
			t.Errorf("choices %v are taken", v)
		}
	}
}

// Two items alternate in popularity: the first was had by all in the past, the
// second is new. With the recency bias a new user is offered the new one more.
func TestRecencyBiasPrefersTheNew(t *testing.T) {
	data := snapshot(2, nil)
	for u := range 200 {
		e := dataset.Event{Time: int64(1e9 + u*86400)}
		if u >= 120 {
			e.Item = 1
		}
		data.UserIDs = append(data.UserIDs, "")
		data.Events = append(data.Events, e)
		data.Start = append(data.Start, int64(len(data.Events)))
	}
	share := map[string]float32{}
	for _, bias := range []string{"false", "true"} {
		m := train(t, recipe.Input{Data: data, Seed: 3, Workers: 2, Params: recipe.Params{"apply_recency_bias": bias}})
		for _, x := range recommend(t, m, 2) {
			if x.Index == 1 {
				share[bias] = x.Score
			}
		}
	}
	// 80 of 200 events are of the new item; weighted they are .46 of all.
	if share["true"] < share["false"]+.03 {
		t.Errorf("share of the new item: %.3f with the bias, %.3f without", share["true"], share["false"])
	}
}

func TestWindowsCoverEveryEvent(t *testing.T) {
	for _, n := range []int{1, 2, 7, 8, 9, 16, 17, 40} {
		data := snapshot(3, [][]int{make([]int, n)})
		c := newCorpus(data, nil)
		seen := make([]bool, n)
		for _, w := range c.windows(8, 0) {
			if w.to-w.from > 8 || w.to <= w.from || w.from < 0 {
				t.Errorf("%d events: window %+v", n, w)
			}
			for i := w.from; i < w.to; i++ {
				seen[i] = true
			}
		}
		if slices.Contains(seen, false) {
			t.Errorf("%d events: not all are targets", n)
		}
	}
}

func TestStepsAreAPermutation(t *testing.T) {
	c := newCorpus(snapshot(30, chain(30, 60, 40, 2)), nil)
	s := derive(c)
	st := newSteps(c, s, seed.Seed(1))
	targets := make([]int, 31)
	for i := range st.perEpoch {
		for _, shard := range st.step(i) {
			for _, b := range shard {
				for j, x := range b.Targets {
					targets[x]++
					if b.Tokens[j] > 30 {
						t.Fatalf("token %d", b.Tokens[j])
					}
				}
			}
		}
	}
	want := make([]int, 31)
	for _, w := range st.windows {
		for _, x := range c.history(w.user)[w.from:w.to] {
			want[x]++
		}
	}
	if !slices.Equal(targets, want) {
		t.Errorf("an epoch has targets %v, the data %v", targets, want)
	}
}

func TestBestIsTheLastOfTheGood(t *testing.T) {
	var b best
	for i, c := range []struct {
		ndcg float64
		keep bool
	}{{0, true}, {.1, true}, {.2, true}, {.197, true}, {.195, false}, {.21, true}, {.2, false}, {.206, true}, {.2059, true}} {
		if got := b.take(i+1, metric{ndcg: c.ndcg}); got != c.keep {
			t.Errorf("measurement %d, %v: kept %v", i, c.ndcg, got)
		}
	}
	if b.epoch != 9 || b.score.ndcg != .2059 || b.peak != .21 {
		t.Errorf("best %+v", b)
	}
}
