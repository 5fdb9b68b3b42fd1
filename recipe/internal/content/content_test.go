package content

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
)

var schema = &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{
	{Name: "ITEM_ID", Kind: dataset.String},
	{Name: "GENRES", Kind: dataset.String, Categorical: true},
	{Name: "PRICE", Kind: dataset.Double, Nullable: true},
	{Name: "TEXT", Kind: dataset.String, Textual: true},
	{Name: "NOTE", Kind: dataset.String},
}}

func str(s string) dataset.Value { return dataset.Value{Kind: dataset.String, Str: s} }

func record(genres string, price float64, text string) dataset.Row {
	return dataset.Row{str("id"), str(genres), {Kind: dataset.Double, Num: price}, str(text), str("not marked")}
}

var genres = []string{"drama", "war", "comedy", "noir"}

// world gives items whose vectors are the sum of what their genres, a word and
// their price say, and noise.
func world(n int, noise float64) (*dataset.Table, []dataset.Index, func(i int) []float32) {
	r := seed.Seed(1).Rand()
	say := map[string][]float32{}
	vector := func(word string) []float32 {
		if say[word] == nil {
			for range 20 {
				say[word] = append(say[word], float32(r.NormFloat64()))
			}
		}
		return say[word]
	}
	t := dataset.NewTable(schema)
	var all []dataset.Index
	var targets [][]float32
	for i := range n {
		a, b, word, price := genres[r.IntN(4)], genres[r.IntN(4)], fmt.Sprintf("word%d", r.IntN(5)), r.IntN(2)
		t.Set(dataset.Index(i), record(a+"|"+b, float64(price)*100+r.Float64(), "the "+word))
		y := make([]float32, 20)
		for j := range y {
			y[j] = vector(a)[j] + vector(b)[j] + vector(word)[j] + vector(fmt.Sprint(price))[j] + float32(noise*r.NormFloat64())
		}
		all, targets = append(all, dataset.Index(i)), append(targets, y)
	}
	return t, all, func(i int) []float32 { return targets[i] }
}

func itemsOf(f *Features, t *dataset.Table, all []dataset.Index, target func(int) []float32) []Item {
	out := make([]Item, len(all))
	for k, i := range all {
		f.Of(t.Schema, t.Row(i), &out[k].Features)
		out[k].Target, out[k].Trust = target(int(i)), 1
	}
	return out
}

// TestChoose: metadata that say much explain much of items that were not fitted;
// metadata that say nothing explain nothing.
func TestChoose(t *testing.T) {
	table, all, target := world(600, .3)
	f := Learn(table, all)
	if f == nil || len(f.Columns) != 3 {
		t.Fatalf("columns %+v", f)
	}
	_, explained, err := Choose(context.Background(), f, itemsOf(f, table, all, target), 2)
	if err != nil || explained < .7 {
		t.Errorf("explained %v, %v", explained, err)
	}
	r := seed.Seed(3).Rand()
	lambda, explained, err := Choose(context.Background(), f, itemsOf(f, table, all, func(int) []float32 {
		return []float32{float32(r.NormFloat64()), float32(r.NormFloat64())}
	}), 2)
	if err != nil || explained > .05 {
		t.Errorf("of noise %v (λ %v) is explained, %v", explained, lambda, err)
	}
}

// TestFitSolves: the gradient of what Fit minimises is nothing at its answer.
func TestFitSolves(t *testing.T) {
	table, all, target := world(200, .5)
	f := Learn(table, all)
	items := itemsOf(f, table, all, target)
	for i := range items {
		items[i].Trust = float64(1+i%3) / 2
	}
	m, err := Fit(context.Background(), f, items, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	gradient := make([]float64, len(m.Weights))
	for i, w := range m.Weights {
		gradient[i] = float64(w)
	}
	dst := make([]float32, m.Dim)
	for _, item := range items {
		m.Apply(&item.Features, dst)
		for k, b := range item.Features.At {
			for j := range dst {
				gradient[int(b)*m.Dim+j] += item.Trust * float64(item.Features.Values[k]) * float64(dst[j]-item.Target[j])
			}
		}
	}
	for i, g := range gradient {
		if math.Abs(g) > 2e-2 {
			t.Fatalf("gradient %v of weight %d", g, i)
		}
	}
	many, err := Fit(context.Background(), f, items, 1, 5)
	if err != nil || !reflect.DeepEqual(m, many) {
		t.Errorf("5 workers give another map (%v)", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Fit(ctx, f, items, 1, 1); err == nil {
		t.Error("a fit goes on after its end")
	}
}

// TestOf: length 1, columns weigh alike, order of columns and new ones do not
// matter, and what was never seen says nothing.
func TestOf(t *testing.T) {
	table, all, _ := world(300, 0)
	f := Learn(table, all)
	var v, w Vector
	f.Of(schema, table.Row(0), &v)
	sum := 0.
	for _, x := range v.Values {
		sum += float64(x) * float64(x)
	}
	if math.Abs(sum-1) > 1e-5 || !slices.IsSorted(v.At) {
		t.Errorf("length² %v, %v", sum, v.At)
	}
	turned := &dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{schema.Fields[3], {Name: "NEW"}, schema.Fields[2], schema.Fields[1], schema.Fields[0]}}
	row := table.Row(0)
	f.Of(turned, dataset.Row{row[3], str("x"), row[2], row[1], row[0]}, &w)
	if !slices.Equal(v.At, w.At) || !reflect.DeepEqual(v.Values, w.Values) {
		t.Error("another order of columns gives another vector")
	}
	for _, nothing := range []dataset.Row{nil, make(dataset.Row, 5), {str("i"), str("never seen"), {}, str("unheard of"), {}}} {
		if f.Of(schema, nothing, &w); len(w.At) > 1 { // by chance a hash may be another's
			t.Errorf("%v says %v", nothing, w)
		}
	}
}

func TestLearnRefuses(t *testing.T) {
	table, all, _ := world(300, 0)
	if f := Learn(nil, all); f != nil {
		t.Error("no table tells something")
	}
	if f := Learn(table, all[:5]); f != nil {
		t.Error("five records tell something")
	}
	bare := dataset.NewTable(&dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{{Name: "ITEM_ID", Kind: dataset.String}}})
	if f := Learn(bare, all); f != nil {
		t.Error("ids alone tell something")
	}
}

func TestBlend(t *testing.T) {
	for _, c := range []struct {
		events, strength float64
		want             float32
	}{{0, 5, 1}, {5, 5, .5}, {5, 0, 0}, {0, 0, 0}} {
		v := []float32{0}
		Blend(v, []float32{1}, c.events, c.strength)
		if v[0] != c.want {
			t.Errorf("%v events, strength %v: %v, want %v", c.events, c.strength, v[0], c.want)
		}
	}
}
