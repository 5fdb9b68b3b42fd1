//go:build unix

package sequence

import (
	"context"
	"fmt"
	"math"
	"testing"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

// BenchmarkObjective is what an objective adds to the CPU time of answers from 100,000
// items whose histories are encoded and whose rankings are not kept, with and without
// it by turns: of a network alone, whose answers are the cheapest.
func BenchmarkObjective(b *testing.B) {
	const items, dim = 100_000, 64
	plain, aimed := catalogue(items, dim), catalogue(items, dim)
	o := &objective{objectiveHead: objectiveHead{Attribute: "PRICE", Mean: 50, Spread: 29, Weight: .5}, values: make([]float32, items)}
	for r := range o.values {
		o.values[r] = float32(r % 100)
	}
	aimed.pursue(o)
	var spent [2]float64
	var answers [2]answer
	for which, m := range []*Model{plain, aimed} {
		a := &answers[which]
		a.own.query = make([]float32, dim)
		m.encode(a, []dataset.Event{{Item: 7}}, &a.own)
	}
	for b.Loop() {
		for which, m := range []*Model{plain, aimed} {
			from := cpuSeconds()
			m.best(&answers[which], &answers[which].own, nil, 25, dataset.Set{})
			spent[which] += cpuSeconds() - from
		}
	}
	b.ReportMetric(spent[1]/spent[0], "times")
}

// BenchmarkObjectiveQuality is what each sensitivity brings and costs on ml-100k with
// prices by chance, asked for the last item of each user. It fails when the validation
// part loses more than it may.
func BenchmarkObjectiveQuality(b *testing.B) {
	data, ask := leaveOneOut(movielens)(b)
	prices(data)
	for b.Loop() {
		in := recipe.Input{Data: data, Seed: 1, Workers: 2, Objective: &recipe.Objective{Attribute: "PRICE", Sensitivity: recipe.Off}}
		m := train(b, in)
		in.Objective.Sensitivity = recipe.High
		held := holdOut(data, nil, in.Seed.Branch("sequence").Branch("validation"))
		f := &fit{c: newCorpus(data, held), held: held, in: in}
		if err := f.wantObjective(); err != nil {
			b.Fatal(err)
		}
		t, _, err := f.trade(context.Background(), m)
		if err != nil {
			b.Fatal(err)
		}
		for _, level := range []recipe.Sensitivity{recipe.Off, recipe.Low, recipe.Medium, recipe.High} {
			cost, _ := level.Cost()
			step := t.within(cost)
			if level == recipe.Off {
				step = 0
			}
			kept := t.relevance()[step] / t.relevance()[0]
			if kept < 1-cost {
				b.Errorf("%s costs the validation part %.3f", level, 1-kept)
			}
			f.objective.Weight = stepWeight(step)
			m.pursue(f.objective)
			fmt.Printf("%-6s weight %.2f, validation NDCG@25 %.1f %%, %s\n", level, f.objective.Weight, 100*kept, bought(b, m, f.objective, ask))
		}
	}
}

// prices gives the items prices by chance, whose median is 20 and mean 25.6.
func prices(data *dataset.Snapshot) {
	data.ItemTable = dataset.NewTable(&dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{{Name: "ITEM_ID", Kind: dataset.String}, {Name: "PRICE", Kind: dataset.Double}}})
	r := seed.Seed(1).Branch("prices").Rand()
	for i, id := range data.ItemIDs {
		data.ItemTable.Set(dataset.Index(i), dataset.Row{{Kind: dataset.String, Str: id}, {Kind: dataset.Double, Num: 20 * math.Exp(.7*r.NormFloat64())}})
	}
}

// bought asks the test part: how relevant lists of 25 are, what they are worth, and
// AWS's measure of rewards.
func bought(b *testing.B, m *Model, o *objective, ask []question) string {
	worth := func(i dataset.Index) float64 { return float64(o.values[m.row(i)]) }
	var gain, hits, price, rewards, rewarded float64
	n := float64(len(ask))
	for _, q := range ask {
		got, err := m.Recommend(context.Background(), &recipe.Query{User: dataset.NoIndex, History: q.history}, eval.RewardedList, dataset.Set{}, nil)
		if err != nil {
			b.Fatal(err)
		}
		list := indexes(got)
		place := eval.Place(list, q.target)
		gain, hits = gain+eval.GainAt(eval.ListLength, place)/n, hits+eval.HitAt(eval.ListLength, place)/n
		for _, i := range list[:eval.ListLength] {
			price += worth(i) / eval.ListLength / n
		}
		if x, ok := eval.Reward(list, []dataset.Index{q.target}, worth); ok {
			rewards, rewarded = rewards+x, rewarded+1
		}
	}
	return fmt.Sprintf("test NDCG@25 %.4f, HR@25 %.4f, mean price %.2f, average_rewards_at_k %.3f", gain, hits, price, rewards/max(1, rewarded))
}
