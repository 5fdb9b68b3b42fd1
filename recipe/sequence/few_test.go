package sequence

import (
	"context"
	"testing"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

// fewUsers makes histories without repeats in which popular items come early and
// each user prefers the items of a group. The last item of each is to be found.
func fewUsers(users, items, events int, from seed.Seed) (histories [][]int, last []int) {
	r := from.Rand()
	for range users {
		group, had := r.IntN(4), map[int]bool{}
		var h []int
		for len(h) <= events {
			u := r.Float64()
			i := int(u * u * u * float64(items)) // the first items are the popular ones
			if had[i] || i%4 != group && r.Float64() < .7 {
				continue
			}
			had[i] = true
			h = append(h, i)
		}
		histories, last = append(histories, h[:events]), append(last, h[events])
	}
	return histories, last
}

// foundAt10 gives the mean NDCG@10 of the users' last items.
func foundAt10(t *testing.T, m *Model, histories [][]int, last []int) (sum float64) {
	t.Helper()
	for u, h := range histories {
		got, err := m.Recommend(context.Background(), query(h...), 10, dataset.Set{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum += eval.GainAt(10, eval.Place(indexes(got), dataset.Index(last[u]))) / float64(len(last))
	}
	return sum
}

// Of a few dozen users a network learns little: the usual weights of counters stand
// by it, a refit repeats them, and all of it is better than the network.
func TestFewUsersAreNotLeftToTheNetwork(t *testing.T) {
	var blended, alone float64
	for s := range seed.Seed(3) {
		histories, last := fewUsers(40, 400, 15, s)
		in := recipe.Input{Data: snapshot(400, histories), Seed: s, Workers: 2}
		in.Tuned = train(t, in).Choices()
		m := train(t, in)
		if m.blend == nil {
			t.Fatalf("the network is left alone: %v", in.Tuned.Notes)
		}
		blended += foundAt10(t, m, histories, last)
		alone += foundAt10(t, newModelOf(m.net, m.vectors, m.known, m.items, m.maskSeen, m.chosen), histories, last)
	}
	if blended < 1.1*alone {
		t.Errorf("NDCG@10 %.4f, of the network alone %.4f", blended/3, alone/3)
	}
}

// What is usual is believed until questions say otherwise.
func TestQuestionsOverruleWhatIsUsual(t *testing.T) {
	believed, err := usual().weigh(nil, mayAll())
	if err != nil || believed != usual().mean {
		t.Errorf("without questions: %v (%v), want %v", believed, err, usual().mean)
	}
	var truth weights
	truth[netFeature], truth[ruleFeature+1] = 1.5, 1
	got, err := usual().weigh(choicesBy(truth, answeredFew, 2), mayAll())
	if err != nil || got[netFeature] < 1.2 || got[ruleFeature+1] < .7 || got[popular] > .2 {
		t.Errorf("%d questions say %v (%v), true is %v", answeredFew, got, err, truth)
	}
}

// A model that was just trained says what it says when it is loaded, popularity
// included: sides and newcomers are weighed beside it.
func TestChosenPopularityCountsAtOnce(t *testing.T) {
	histories, _ := fewUsers(25, 60, 12, 7)
	m := train(t, recipe.Input{Data: snapshot(60, histories), Seed: 1, Workers: 2})
	if m.blend == nil || m.blend.weights[popular] == 0 {
		t.Fatalf("popularity was not chosen: %v", m.Choices().Notes)
	}
	if m.blend.base == nil {
		t.Error("popularity has a weight and counts nothing")
	}
}

// Of few users several events are held out, of nobody more than a quarter; each is
// asked for with all before it as history, and nothing has counted them.
func TestFewUsersAnswerMoreQuestions(t *testing.T) {
	histories, _ := fewUsers(60, 200, 20, 3)
	for u := range 20 {
		histories[u] = histories[u][:5]
	}
	data := snapshot(200, histories)
	held := holdOut(data, nil, 1)
	f := &fit{c: newCorpus(data, held), held: held, in: recipe.Input{Data: data}}
	want := 20*1 + 40*heldEach
	questions := f.questions()
	if len(questions) != want || f.c.events != 20*5+40*20-want {
		t.Fatalf("%d questions, %d events are counted, want %d and %d", len(questions), f.c.events, want, 20*5+40*20-want)
	}
	for _, q := range questions {
		h := data.History(q.user)
		if q.events < f.c.count[q.user] || h[q.events].Item != q.item || q.weight != 1 {
			t.Fatalf("%+v of %d events, of which %d are counted", q, len(h), f.c.count[q.user])
		}
		if rows := f.c.before(nil, q.user, q.events); len(rows) > q.events || len(rows) < f.c.count[q.user] {
			t.Errorf("%+v has %d rows before it", q, len(rows))
		}
	}
	for _, h := range held {
		if f.c.count[h.user] != len(data.History(h.user))-1-h.more || data.History(h.user)[f.c.count[h.user]].Item != h.item {
			t.Errorf("%+v is not the first that is held out", h)
		}
	}
}

// A network that says nothing is held at its least weight, and counters stand by it.
func TestNetworkThatSaysNothing(t *testing.T) {
	var truth weights
	truth[netFeature], truth[popular] = -.3, 1.4
	got, err := usual().weigh(choicesBy(truth, 400, 4), mayAll())
	if err != nil || got[netFeature] != networkLeast || got[popular] < 1.1 {
		t.Errorf("weights %v (%v), true are %v", got, err, truth)
	}
}
