package sequence

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
)

// rowsOf gives the rows of a history of items.
func (m *Model) rowsOf(h []int) (out []uint32) {
	for _, i := range h {
		out = append(out, m.row(dataset.Index(i)))
	}
	return out
}

// usersSay is what an item is worth to a history, the long way: the sum of the
// similarities of the nearest users who had it, as far as there are fewer users than
// are kept.
func usersSay(c *corpus, history []uint32, item uint32) float64 {
	users := 0.
	had := make([]float64, len(c.items))
	sets := make([]map[uint32]bool, len(c.count))
	for u, n := range c.count {
		sets[u] = map[uint32]bool{}
		for _, r := range c.history(dataset.Index(u))[max(0, n-historyMost):] {
			sets[u][r] = true
		}
		if n > 0 {
			users++
		}
		for r := range sets[u] {
			had[r]++
		}
	}
	rarity := func(r uint32) float64 { return math.Log((users + 1) / (had[r] + 1)) }
	similarity := make([]float64, len(sets))
	for u, set := range sets {
		own, theirs, both := 0., 0., 0.
		for r := range set {
			theirs += rarity(r) * rarity(r)
		}
		for back := 0; back < min(newestMost, len(history)); back++ {
			r := history[len(history)-1-back]
			x := math.Pow(knnDecay, float64(back)) * rarity(r)
			own += x * x
			if set[r] {
				both += x * rarity(r)
			}
		}
		if both > 0 {
			similarity[u] = both / math.Sqrt(own*theirs)
		}
	}
	order := make([]int, len(sets))
	for u := range order {
		order[u] = u
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(similarity[b], similarity[a]) })
	sum := 0.
	for _, u := range order[:min(nearestMost, len(order))] {
		others := len(sets[u])
		for r := range sets[u] {
			if slices.Contains(history[max(0, len(history)-newestMost):], r) {
				others--
			}
		}
		if others > 0 && sets[u][item] {
			sum += similarity[u]
		}
	}
	return sum
}

// tastes makes users who have had items of one of some kinds, in no order.
func tastes(users, kinds, each, events int) [][]int {
	out := make([][]int, users)
	for u := range out {
		r := seed.Seed(3).Branch("user", uint64(u)).Rand()
		for _, i := range r.Perm(each)[:events] {
			out[u] = append(out[u], u%kinds*each+i)
		}
	}
	return out
}

func TestSimilarUsersByTheLongWay(t *testing.T) {
	const items = 120
	c := newCorpus(snapshot(items, tastes(1200, 4, items/4, 12)), nil)
	k := newUserKNN(c)
	q := asked{}
	q.room(items)
	most := 0
	for _, h := range [][]uint32{{5}, {5, 33}, {7, 8, 9, 110}, {61, 62, 63, 62}, nil, c.history(0)} {
		q.look(h)
		q.touched = q.touched[:0]
		q.similar(k)
		if len(h) > 0 && len(q.nearest.near) == 0 || len(q.nearest.near) > nearestMost {
			t.Fatalf("history %v has %d neighbours", h, len(q.nearest.near))
		}
		most = max(most, len(q.nearest.near))
		for i := range uint32(items) {
			if want := usersSay(c, h, i); math.Abs(want-float64(q.sum[i])) > 1e-4*(1+want) {
				t.Fatalf("history %v, item %d: %v, want %v", h, i, q.sum[i], want)
			}
		}
		q.take(items)
		if slices.ContainsFunc(q.sum, func(x float32) bool { return x != 0 }) || slices.ContainsFunc(q.nearest.sum, func(x float32) bool { return x != 0 }) {
			t.Fatalf("history %v leaves sums behind", h)
		}
	}
	if most < nearestMost {
		t.Errorf("at most %d are heard: it is not seen that others are not", most)
	}
}

// Of more than are heard the nearest are, and of equal ones the newest.
func TestNearestAreKept(t *testing.T) {
	var n nearest
	for at := range uint32(2 * nearestMost) {
		x := neighbour{at * 7 % (2 * nearestMost), 1} // in no order
		if x.at%4 == 3 {
			x.similarity = 2
		}
		n.near, n.order = append(n.near, x), append(n.order, x.similarity)
	}
	n.keep()
	if len(n.near) != nearestMost {
		t.Fatalf("%d are kept, want %d", len(n.near), nearestMost)
	}
	far := 0
	for _, x := range n.near {
		if x.similarity == 1 {
			if far++; x.at > 2*nearestMost/3 {
				t.Errorf("the user at %d is kept, and newer ones as near are not", x.at)
			}
		}
	}
	if far != nearestMost/2 {
		t.Errorf("%d of the further ones are kept, want %d", far, nearestMost/2)
	}
}

// Of an item that very many had the newest users are kept, and of a user the newest
// items.
func TestSimilarUsersAreBounded(t *testing.T) {
	histories := make([][]int, hadMost+100)
	for u := range histories {
		histories[u] = []int{0, 1 + u%7}
	}
	for i := range historyMost + 20 {
		histories[0] = append(histories[0], 8+i)
	}
	data := snapshot(200, histories)
	for i := range data.Events { // the last user is the newest
		data.Events[i].Time = int64(i)
	}
	k := newUserKNN(newCorpus(data, nil))
	if n := k.hadStart[1] - k.hadStart[0]; n != hadMost {
		t.Errorf("item 0 has %d users, want %d", n, hadMost)
	}
	if u := k.users[k.had[k.hadStart[0]]]; int(u) != len(histories)-1 {
		t.Errorf("its first user is %d, want the newest", u)
	}
	oldest := k.history(uint32(len(k.users) - 1))
	if len(oldest) != historyMost || oldest[historyMost-1] != 8+historyMost+19 {
		t.Errorf("kept of the first user: %v", oldest)
	}
	if !k.sound(200) {
		t.Error("the lists are not sound")
	}
}

// Where users have tastes and order says nothing, similar users are chosen, the answers
// are the same on one worker and on three and when loaded, and without those who are
// forgotten nobody hears them. What the network learns of so few is noise, whose best epoch
// may be one with which they are not chosen: of this seed it is not, on all paths.
func TestSimilarUsersAreChosenAndForgotten(t *testing.T) {
	histories := tastes(450, 75, 16, 8)
	in := recipe.Input{Data: snapshot(75*16, histories), Seed: 2, Workers: 1}
	m := short(t, in)
	if m.blend == nil || m.blend.weights[similar] <= 0 {
		t.Fatalf("similar users are not chosen: %v", m.Choices().Notes)
	}
	raw := saved(t, m)
	in.Workers = 3
	if !bytes.Equal(raw, saved(t, short(t, in))) {
		t.Error("3 workers give other bytes than 1")
	}
	loaded, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	ask := histories[0][:7]
	before := recommend(t, m, 20, ask...)
	loaded.Cache(1 << 20)
	if !slices.Equal(before, recommend(t, loaded, 20, ask...)) {
		t.Error("loaded, it answers otherwise")
	}
	var gone []dataset.Index
	for u := 0; u < len(histories); u += 75 { // all of one taste
		gone = append(gone, dataset.Index(u))
	}
	left := m.Forget(gone).(*Model)
	if slices.Equal(before, recommend(t, left, 20, ask...)) {
		t.Error("those who were forgotten are still heard")
	}
	if kept := loaded.Forget(gone).(*Model); !slices.Equal(recommend(t, left, 20, ask...), recommend(t, kept, 20, ask...)) {
		t.Error("what was kept of answers has those who were forgotten")
	}
	for at, u := range left.blend.users.users {
		n, length := len(left.blend.users.history(uint32(at))), left.blend.users.length[at]
		if (u == forgottenUser) != (n == 0) || (u == forgottenUser) != (length == 1) {
			t.Errorf("user %d: %d items are kept, and their length %v", u, n, length)
		}
	}
	if left.Forget(gone) != recipe.Model(left) || m.Forget(nil) != recipe.Model(m) {
		t.Error("a model that has nothing of the users is copied")
	}
	if again, err := load(saved(t, left)); err != nil || !slices.Equal(recommend(t, left, 20, ask...), recommend(t, again, 20, ask...)) {
		t.Errorf("saved and loaded without them, it answers otherwise (%v)", err)
	}
}

// Lists that leave their table, or name what there is not, are refused: answers index
// by them.
func TestUnsoundSimilarUsersAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*userKNN){
		"an item that there is not":     func(k *userKNN) { k.items[len(k.items)-1] = 40 },
		"items that do not ascend":      func(k *userKNN) { k.items[1] = k.items[0] },
		"a user that there is not":      func(k *userKNN) { k.had[0] = uint32(len(k.users)) },
		"a list that ends behind all":   func(k *userKNN) { k.hadStart[3] = uint32(len(k.had) + 1) },
		"lists that end before the end": func(k *userKNN) { k.start[len(k.start)-1]-- },
		"a length of nothing":           func(k *userKNN) { k.length[2] = 0 },
		"a rarity that is no number":    func(k *userKNN) { k.rarity[5] = float32(math.NaN()) },
		"a rarity without an end":       func(k *userKNN) { k.rarity[5] = float32(math.Inf(1)) },
		"a rarity below nothing":        func(k *userKNN) { k.rarity[5] = -1 },
	} {
		k := newUserKNN(newCorpus(snapshot(40, tastes(60, 4, 10, 6)), nil))
		if !k.sound(40) {
			t.Fatal("what was counted is not sound")
		}
		if spoil(k); k.sound(40) {
			t.Errorf("%s: taken", name)
		}
	}
}
