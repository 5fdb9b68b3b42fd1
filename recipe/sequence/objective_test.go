package sequence

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

var pricedSchema = &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{
	{Name: "ITEM_ID", Kind: dataset.String}, {Name: "GENRE", Kind: dataset.String, Categorical: true}, {Name: "PRICE", Kind: dataset.Double}}}

// priced gives genres with prices that have nothing to do with the genres. One item
// has no record, and one is dearer than all others together.
func priced() *dataset.Snapshot {
	s := genres()
	r := seed.Seed(6).Branch("prices").Rand()
	table := dataset.NewTable(pricedSchema)
	for i := range s.Items() {
		price := 5 + math.Round(20*r.ExpFloat64())
		if i == 7 {
			price = 1e5
		}
		if i != 9 {
			table.Set(dataset.Index(i), append(genreRow(i%4), dataset.Value{Kind: dataset.Double, Num: price}))
		}
	}
	s.ItemTable = table
	return s
}

func costing(level recipe.Sensitivity) *recipe.Objective {
	return &recipe.Objective{Attribute: "price", Sensitivity: level}
}

// TestObjectiveTradesRelevance: the more sensitive, the dearer the answers and the
// larger the weight; the validation part loses no more than it may, and would with
// the next larger weight.
func TestObjectiveTradesRelevance(t *testing.T) {
	data := priced()
	plain := train(t, recipe.Input{Data: data, Seed: 3, Workers: 2})
	if off := train(t, recipe.Input{Data: data, Seed: 3, Workers: 2, Objective: costing(recipe.Off)}); !bytes.Equal(saved(t, off), saved(t, plain)) {
		t.Error("an objective that is OFF changes the model")
	}
	before := dearness(t, plain, data)
	for _, level := range []recipe.Sensitivity{recipe.Low, recipe.Medium, recipe.High} {
		m := train(t, recipe.Input{Data: data, Seed: 3, Workers: 2, Objective: costing(level)})
		if m.objective == nil || m.chosen.Values["objective_weight"] != m.objective.Weight {
			t.Fatalf("%s: objective %v, choices %v", level, m.objective, m.chosen.Values)
		}
		if !slices.ContainsFunc(m.chosen.Notes, func(n string) bool { return strings.Contains(n, "price ("+string(level)+")") }) {
			t.Errorf("%s: it is not told: %q", level, m.chosen.Notes)
		}
		after := dearness(t, m, data)
		if after < before+.02 {
			t.Errorf("%s: answers lie %.3f above the mean price, with less emphasis %.3f", level, after, before)
		}
		before = after
	}
}

// dearness gives how far the first ten answers to all users lie above the mean.
func dearness(t *testing.T, m *Model, data *dataset.Snapshot) (sum float64) {
	t.Helper()
	o := newObjective(costing(recipe.High), data, m.items)
	for u := range data.UserIDs {
		got, err := m.Recommend(context.Background(), &recipe.Query{History: data.History(dataset.Index(u))}, 10, dataset.Set{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range got {
			x, ok := costing(recipe.High).Value(pricedSchema, data.ItemTable.Row(s.Index))
			if ok {
				sum += float64(o.far(float32(x))) / float64(len(got)*data.Users())
			}
		}
	}
	return sum
}

func TestWithin(t *testing.T) {
	var of tradeOff
	for s := range weightSteps {
		of.measured[s], of.expected[s] = 100-float64(s), 100-2*float64(s)
	}
	of.measured[3] = 94 // what comes back later does not count
	of.found = foundLeast
	if got := of.within(.05); got != 2 {
		t.Errorf("counted: step %d, want 2", got)
	}
	of.found--
	if got := of.within(.05); got != 2 {
		t.Errorf("expected: step %d, want 2", got)
	}
	if got := of.within(.4); got != 20 {
		t.Errorf("expected: step %d, want 20", got)
	}
	if got := of.within(.99); got != weightSteps-1 {
		t.Errorf("whatever it costs: step %d, want the last", got)
	}
}

// TestExpectedRelevanceFalls: what probabilities expect never rises with the weight.
func TestExpectedRelevanceFalls(t *testing.T) {
	data := priced()
	held := holdOut(data, nil, 1)
	c := newCorpus(data, held)
	m := train(t, recipe.Input{Data: data, Seed: 3, Workers: 2})
	f := &fit{c: c, s: derive(c), held: held, in: recipe.Input{Data: data, Workers: 3, Objective: costing(recipe.High)}}
	if err := f.wantObjective(); err != nil {
		t.Fatal(err)
	}
	m.items = c.items
	of, n, err := f.trade(context.Background(), m)
	if err != nil || n != data.Users() {
		t.Fatal(n, err)
	}
	for s := 1; s < weightSteps; s++ {
		if of.expected[s] > of.expected[s-1]+1e-9 || of.reward[s] < of.reward[s-1]-1e-6 {
			t.Errorf("step %d: relevance %v after %v, reward %v after %v", s, of.expected[s], of.expected[s-1], of.reward[s], of.reward[s-1])
		}
	}
}

// TestObjectiveIsKept: refitted, loaded and cached models answer alike, also about
// items that come later, and rankings too; scores are probabilities.
func TestObjectiveIsKept(t *testing.T) {
	data := priced()
	in := recipe.Input{Data: data, Seed: 3, Workers: 2, Objective: costing(recipe.High)}
	first := train(t, in)
	in.Tuned = first.Choices()
	in.Workers = 1
	again := train(t, in)
	if again.objective.Weight != first.objective.Weight {
		t.Fatalf("the refit weighs %v, it was %v", again.objective.Weight, first.objective.Weight)
	}
	file := saved(t, again)
	loaded, err := Recipe{}.Load(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved(t, loaded.(*Model)), file) {
		t.Error("the loaded model is saved in another way")
	}
	cached, err := Recipe{}.Load(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	cached.(*Model).Cache(1 << 20)
	for u := range 20 {
		q := &recipe.Query{History: data.History(dataset.Index(u))}
		want, sum := answerTo(t, again, q), 0.
		for _, s := range want {
			sum += float64(s.Score)
		}
		if len(want) != data.Items() || math.Abs(sum-1) > 1e-3 {
			t.Fatalf("user %d: %d items have the probability %v", u, len(want), sum)
		}
		for _, m := range []recipe.Model{loaded, cached, cached} {
			if got := answerTo(t, m, q); !slices.Equal(got, want) {
				t.Fatalf("user %d: loaded or cached %v, want %v", u, got, want)
			}
		}
		list := indexes(want)[:30] // of items that the user has not had
		shuffled := slices.Clone(list)
		slices.Sort(shuffled)
		ranked, err := loaded.Rank(context.Background(), q, shuffled, nil)
		if err != nil || !slices.Equal(indexes(ranked), list) {
			t.Fatalf("user %d: ranked %v, %v, want %v", u, indexes(ranked), err, list)
		}
	}
}

func answerTo(t *testing.T, m recipe.Model, q *recipe.Query) []recipe.Scored {
	t.Helper()
	got, err := m.Recommend(context.Background(), q, m.Len(), dataset.Set{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestNewItemsHaveObjectives: of two items that come after the training and differ in
// the price alone the dearer one is more likely. Explanations name its part, of new
// items and others, and add up to the score.
func TestNewItemsHaveObjectives(t *testing.T) {
	data := priced()
	m := train(t, recipe.Input{Data: data, Seed: 3, Workers: 2, Objective: costing(recipe.High)})
	cheap, dear := dataset.Index(data.Items()), dataset.Index(data.Items()+1)
	prices := map[dataset.Index]float64{cheap: 10, dear: 40}
	met := m.Meet(pricedSchema, []dataset.Index{cheap, dear}, func(i dataset.Index) dataset.Row {
		return append(genreRow(2), dataset.Value{Kind: dataset.Double, Num: prices[i]})
	}).(*Model)
	got, err := met.Rank(context.Background(), &recipe.Query{History: data.History(2)}, []dataset.Index{cheap, dear}, nil)
	if err != nil || got[0].Index != dear {
		t.Fatal(got, err)
	}
	o, h := m.objective, data.History(2)
	want := scoreOf(met, h, dear) - scoreOf(met, h, cheap)
	if by := math.Log(float64(got[0].Score / got[1].Score)); math.Abs(by-want) > 1e-3*want || want <= 0 {
		t.Errorf("the log of the ratio is %v, the scores differ by %v", by, want)
	}
	for _, i := range []dataset.Index{dear, 3} {
		e, err := met.Explain(context.Background(), &recipe.Query{History: h}, i)
		if err != nil {
			t.Fatal(err)
		}
		price := 40.
		if i != dear {
			price = data.ItemTable.Row(i)[2].Num
		}
		share := recipe.Part{Name: "objective price", Value: o.Weight * float64(o.far(float32(price)))}
		if !slices.Contains(e.Parts, share) {
			t.Errorf("item %d: parts %v, want %v among them", i, e.Parts, share)
		}
		if sum, score := partsSum(e), scoreOf(met, h, i); math.Abs(sum-score) > 1e-3 {
			t.Errorf("item %d: parts %v sum up to %v, the score is %v", i, e.Parts, sum, score)
		}
	}
}

func partsSum(e *recipe.Explanation) (sum float64) {
	for _, p := range e.Parts {
		sum += p.Value
	}
	return sum
}

func scoreOf(m *Model, history []dataset.Event, i dataset.Index) float64 {
	a := m.answers.Get().(*answer)
	m.listen(a, &recipe.Query{History: history})
	m.encode(a, history, &a.own)
	m.bonus(a, history)
	if at := m.cold.find(i); at >= 0 {
		return float64(m.coldScore(a, &a.own, at))
	}
	return float64(m.score(a, &a.own, m.row(i)))
}

func TestObjectiveNobodyHas(t *testing.T) {
	for _, attribute := range []string{"WEIGHT", "GENRE"} {
		_, err := Recipe{}.Train(context.Background(), recipe.Input{Data: priced(), Seed: 3, Objective: &recipe.Objective{Attribute: attribute, Sensitivity: recipe.Low}})
		if err == nil || !strings.Contains(err.Error(), attribute) || !strings.Contains(err.Error(), "import") {
			t.Errorf("%s: %v", attribute, err)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		x       []float64
		mean    float64
		of, far float64 // a value, and how far it lies
	}{
		{[]float64{1, 3}, 2, 3, 1},
		{[]float64{4, 4, 4}, 4, 4, 0},
		{append(slices.Repeat([]float64{0}, 999), 1), 0, 1, farMost}, // a rare one counts
		{append(slices.Repeat([]float64{1, 3}, 500), 1e9), 2, 3, 1},  // one that is off does not spoil the others
	} {
		h := objectiveHead{}
		h.Mean, h.Spread = spread(c.x)
		if math.Abs(h.Mean-c.mean) > .02 || math.Abs(float64(h.far(float32(c.of)))-c.far) > .02 {
			t.Errorf("%d numbers: mean %v and spread %v, want mean %v and %v to lie %v above", len(c.x), h.Mean, h.Spread, c.mean, c.of, c.far)
		}
	}
}

// TestAnswersFromBeforeAnObjective: memory that was used for answers without an objective
// does not show in those with it.
func TestAnswersFromBeforeAnObjective(t *testing.T) {
	asked, fresh := generated(t, 1500, 16, false), generated(t, 1500, 16, false)
	recommend(t, asked, 20, 1)
	for _, m := range []*Model{asked, fresh} {
		furnish(m)
	}
	if got, want := recommend(t, asked, 20, 1), recommend(t, fresh, 20, 1); !slices.Equal(got, want) {
		t.Errorf("%v, never asked before %v", front(got), front(want))
	}
}

// TestSeenItemsStayBehindAnObjective: items of the history come last, with the lowest
// scores, however much the objective moves others.
func TestSeenItemsStayBehindAnObjective(t *testing.T) {
	plain := catalogue(40, 8)
	m := newModel(plain.net, plain.known, plain.items, true, nil)
	values := make([]float32, 40)
	for r := range values {
		values[r] = float32(r%2*20 - 10)
	}
	m.pursue(&objective{objectiveHead: objectiveHead{"PRICE", 0, 1, stepWeight(weightSteps - 1)}, values: values})
	got := recommend(t, m, 40, 1, 2, 3)
	for at, s := range got {
		if seen := s.Index >= 1 && s.Index <= 3; seen != (at >= 37) || at > 0 && s.Score > got[at-1].Score {
			t.Errorf("place %d: %+v behind %+v", at, s, got[max(0, at-1)])
		}
	}
}
