package evaluate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/affinity"
	"usher/recipe/popularity"
)

// ring gives users who walk around a ring of items, each from somewhere else, one
// step a time; the last steps of some are the items that nobody had before.
func ring(users, items, steps int) *dataset.Snapshot {
	var ids, itemIDs []string
	events := make([][]dataset.Event, users)
	for u := range users {
		ids = append(ids, fmt.Sprintf("u%d", u))
		for j := range steps {
			events[u] = append(events[u], dataset.Event{Time: int64(1000*j + u), Item: dataset.Index((7*u + j) % items)})
		}
	}
	for i := range items {
		itemIDs = append(itemIDs, fmt.Sprintf("i%d", i))
	}
	return dataset.NewSnapshot(ids, itemIDs, []string{""}, events)
}

// clock gives times a second apart.
func clock() func() time.Time {
	t := time.Unix(0, 0)
	return func() time.Time { t = t.Add(time.Second); return t }
}

// TestNothingLeaks: what a question asks for is not in what its round learns from
// that user, and its history is not younger than the answer.
func TestNothingLeaks(t *testing.T) {
	data := ring(200, 30, 12)
	for _, p := range Protocols() {
		r, err := p.round(data, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Questions) == 0 {
			t.Errorf("%s: no questions", p)
		}
		for _, q := range r.Questions {
			learnt, all := r.Train.History(q.User), data.History(q.User)
			for _, want := range q.Truth {
				if slices.ContainsFunc(learnt, func(e dataset.Event) bool { return e.Item == want }) {
					t.Fatalf("%s: user %d learns item %d, which is asked for", p, q.User, want)
				}
			}
			if p != TopN && len(q.Input) > 0 && all[len(q.Input)].Item != q.Truth[0] {
				t.Fatalf("%s: the truth does not follow the history", p)
			}
			if (p == AWS || p == Sessions) && len(learnt) > 0 {
				t.Fatalf("%s: test user %d is learnt from", p, q.User)
			}
			if (p == NextItem || p == TopN) && len(learnt) != len(q.Input) {
				t.Fatalf("%s: %d events learnt, %d asked with", p, len(learnt), len(q.Input))
			}
		}
	}
}

// TestTimeHasNewOnes: behind the cut there are users and items that nobody knew.
func TestTimeHasNewOnes(t *testing.T) {
	events := [][]dataset.Event{}
	var users []string
	for u := range 20 { // the last two users come last, with an item of their own
		users = append(users, fmt.Sprint(u))
		item := dataset.Index(u % 3)
		if u >= 18 {
			item = 3
		}
		events = append(events, []dataset.Event{{Time: int64(u), Item: item}})
	}
	data := dataset.NewSnapshot(users, []string{"a", "b", "c", "d"}, []string{""}, events)
	r, err := Time.round(data, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Questions) != 4 || !slices.Equal(r.Questions[0].Parts, []string{noHistory, newItems}) || !slices.Equal(r.Questions[1].Parts, []string{newAlone}) {
		t.Fatalf("questions %+v", r.Questions)
	}
	if a := r.Questions[1].Among; a.Len() != 1 || !a.Has(3) {
		t.Errorf("the new items are %v", a.Words())
	}
	if len(r.Train.Events) != 18 {
		t.Errorf("%d events are learnt from, want 18", len(r.Train.Events))
	}
}

// TestCounters: on a ring the item that follows is certain; popularity knows
// nothing.
func TestCounters(t *testing.T) {
	report, err := Run(context.Background(), ring(200, 100, 12), Options{Counters: true, Protocol: NextItem, Workers: 2, Seed: 1, Now: clock()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		low, high float64
	}{{"markov counts", .99, 1}, {"sequential rules", .9, 1}, {"popular items", 0, .5}, {"the last items again", 0, .5}} {
		i := slices.IndexFunc(report.Rows, func(r Row) bool { return r.Name == c.name })
		if i < 0 {
			t.Fatalf("no row %q", c.name)
		}
		if m := report.Rows[i].Metrics[0]; m.Mean < c.low || m.Mean > c.high || m.Low > m.Mean || m.High < m.Mean {
			t.Errorf("%s: %+v, want %v…%v", c.name, m, c.low, c.high)
		}
	}
}

// TestTiesDoNotFlatter: of items with equal counts the popular one comes last.
func TestTiesDoNotFlatter(t *testing.T) {
	c := counted{counter: counters[2], events: []float64{1, 9, 2}, follow: [][]follower{{{1, 1}, {2, 1}}, nil, nil}}
	got, err := c.Recommend(context.Background(), &recipe.Query{History: []dataset.Event{{Item: 0}}}, 3, dataset.Set{}, nil)
	if err != nil || len(got) != 2 || got[0].Index != 2 {
		t.Errorf("%v, %v", got, err)
	}
}

// refusing is a recipe that learns nothing.
type refusing struct{ popularity.Recipe }

func (refusing) Train(context.Context, recipe.Input) (recipe.Model, error) {
	return nil, errors.New("too little")
}

// TestRunIsTheSameEachTime: whatever the number of workers; a recipe that cannot
// be trained has a row that says so.
func TestRunIsTheSameEachTime(t *testing.T) {
	data := ring(200, 30, 12)
	for _, p := range Protocols() {
		var got []string
		for _, workers := range []int{1, 3} {
			report, err := Run(context.Background(), data, Options{Recipes: []recipe.Recipe{popularity.Recipe{}, refusing{}}, Counters: true,
				Protocol: p, Rounds: 2, Questions: 100, Seed: 5, Workers: workers, Now: clock()})
			if err != nil {
				t.Fatal(err)
			}
			for i := range report.Rows {
				report.Rows[i].MemoryMB = 0
			}
			var b, text bytes.Buffer
			if err := errors.Join(report.WriteJSON(&b), report.WriteText(&text)); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text.String(), "was not trained: too little") {
				t.Errorf("%s: the table does not say what could not be trained:\n%s", p, text.String())
			}
			got = append(got, b.String())
			var back Report
			if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.Questions == 0 || len(back.Rows) != len(counters)+2 {
				t.Errorf("%s: %v, read back %+v", p, err, back)
			}
		}
		if got[0] != got[1] {
			t.Errorf("%s: 1 worker and 3 differ:\n%s\n%s", p, got[0], got[1])
		}
	}
}

// asked is a recipe that keeps the questions it is asked.
type asked struct {
	popularity.Recipe
	hear func(q recipe.Query)
}

func (a asked) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	m, err := a.Recipe.Train(ctx, in)
	return askedModel{m, a.hear}, err
}

type askedModel struct {
	recipe.Model
	hear func(q recipe.Query)
}

func (m askedModel) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	m.hear(*q)
	return m.Model.Recommend(ctx, q, k, allow, dst)
}

// TestWhoIsToldTheMoment: where the last item is asked for its moment is not told, as
// others measure; where data are cut by time or as AWS does, it is.
func TestWhoIsToldTheMoment(t *testing.T) {
	data := ring(60, 30, 12)
	for p, told := range map[Protocol]bool{NextItem: false, AWS: true, Time: true, Sessions: true} {
		n := 0
		hear := func(q recipe.Query) {
			h := data.History(q.User)
			want := h[len(q.History)].Time
			if !told {
				want = h[len(q.History)-1].Time
			}
			if n++; q.Now.Unix() != want {
				t.Errorf("%s: after %d events of user %d it is %d, want %d", p, len(q.History), q.User, q.Now.Unix(), want)
			}
		}
		if _, err := Run(context.Background(), data, Options{Recipes: []recipe.Recipe{asked{hear: hear}}, Protocol: p, Workers: 1, Now: clock()}); err != nil || n == 0 {
			t.Errorf("%s: %d questions, %v", p, n, err)
		}
	}
}

// TestSegmentsHaveMeasuresOfTheirOwn: a recipe that recommends nothing stops no other.
func TestSegmentsHaveMeasuresOfTheirOwn(t *testing.T) {
	report, err := Run(context.Background(), ring(200, 30, 12), Options{Recipes: []recipe.Recipe{affinity.Item{}, popularity.Recipe{}}, Protocol: NextItem, Now: clock()})
	if err != nil {
		t.Fatal(err)
	}
	segments, popular := report.Rows[0], report.Rows[1]
	if !segments.Segments || segments.Own["coverage"] <= 0 || segments.Own["recall_at_1_percent"] <= 0 || len(segments.Metrics) > 0 {
		t.Errorf("segments: %+v", segments)
	}
	if len(popular.Metrics) == 0 || popular.Own != nil {
		t.Errorf("popularity: %+v", popular)
	}
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "\naws-item-affinity, its own measures: coverage 0.") {
		t.Errorf("%v\n%s", err, &text)
	}
}

func TestRunRefuses(t *testing.T) {
	lonely := dataset.NewSnapshot([]string{"a"}, []string{"x"}, []string{""}, [][]dataset.Event{{{Item: 0}}})
	if _, err := Run(context.Background(), lonely, Options{Protocol: NextItem, Now: clock()}); err == nil {
		t.Error("data without questions are measured")
	}
	if _, err := Run(context.Background(), lonely, Options{Protocol: "guess", Now: clock()}); err == nil {
		t.Error("an unknown protocol is followed")
	}
	if _, err := ParseProtocol("guess"); err == nil {
		t.Error("an unknown protocol is parsed")
	}
	for _, p := range Protocols() {
		if p.About() == "" {
			t.Errorf("nobody says what %s is", p)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, ring(50, 30, 5), Options{Protocol: NextItem, Counters: true, Now: clock()}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// TestRecall: two of three found, at places 1 and 3.
func TestRecall(t *testing.T) {
	got := recall([]dataset.Index{4, 9, 5}, []dataset.Index{4, 5, 6})
	ideal := 1 + 1/math.Log2(3) + .5
	if math.Abs(got["Recall@20"]-2./3) > 1e-12 || math.Abs(got["NDCG@20"]-1.5/ideal) > 1e-12 {
		t.Error(got)
	}
}

func TestSomeKeepTheirOrder(t *testing.T) {
	var all []Question
	for i := range 50 {
		all = append(all, Question{At: int64(i)})
	}
	got := some(all, 10, seed.Seed(1))
	if len(got) != 10 || !slices.IsSortedFunc(got, func(a, b Question) int { return int(a.At - b.At) }) {
		t.Error(got)
	}
}
