package affinity

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"usher/dataset"
	"usher/recipe"
)

// Model is the events of the training, by user and by item.
type Model struct {
	neighbours bool // items that the same users had count too
	once       bool // hardly anybody has an item twice
	known      int  // items of the data

	start   []uint32  // (users+1) of each user's part of items and weights
	items   []uint32  // ascending in each part
	weights []float32 // how much an item counts of its user's

	from  []uint32 // (items+1) of each item's part of users
	users []entry
	total []float32 // (users) of weights
	busy  []uint32  // users with events, the busiest first

	rooms sync.Pool // of *room
}

// entry is a user of an item.
type entry struct {
	user   uint32
	weight float32
}

// room is the memory of one answer.
type room struct {
	scores []float32 // (users) zeros between answers
	common []float32 // (items) likewise
}

// index makes what follows from the events by user.
func (m *Model) index() {
	users := len(m.start) - 1
	m.from = make([]uint32, m.known+1)
	for _, i := range m.items {
		m.from[i+1]++
	}
	for i := range m.known {
		m.from[i+1] += m.from[i]
	}
	m.users, m.total = make([]entry, len(m.items)), make([]float32, users)
	next := slices.Clone(m.from)
	for u := range users {
		for k := m.start[u]; k < m.start[u+1]; k++ {
			i := m.items[k]
			m.users[next[i]] = entry{uint32(u), m.weights[k]}
			next[i]++
			m.total[u] += m.weights[k]
		}
		if m.had(u) > 0 {
			m.busy = append(m.busy, uint32(u))
		}
	}
	slices.SortStableFunc(m.busy, func(a, b uint32) int { return cmp.Compare(m.had(int(b)), m.had(int(a))) })
	m.rooms.New = func() any { return &room{make([]float32, users), make([]float32, m.known)} }
}

// had counts the items of a user.
func (m *Model) had(u int) int { return int(m.start[u+1] - m.start[u]) }

// of gives the users of an item.
func (m *Model) of(i uint32) []entry { return m.users[m.from[i]:m.from[i+1]] }

// Len counts the items of the data it was trained on.
func (m *Model) Len() int { return m.known }

// Knows implements recipe.Segmenter.
func (m *Model) Knows(i dataset.Index) bool {
	return int64(i) < int64(m.known) && m.from[i+1] > m.from[i]
}

// Recommend gives an error: the model makes segments.
func (m *Model) Recommend(_ context.Context, _ *recipe.Query, _ int, _ dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	return dst[:0], errSegments
}

// Rank gives an error: the model makes segments.
func (m *Model) Rank(_ context.Context, _ *recipe.Query, _ []dataset.Index, dst []recipe.Scored) ([]recipe.Scored, error) {
	return dst[:0], errSegments
}

// Segment implements recipe.Segmenter.
func (m *Model) Segment(ctx context.Context, items []dataset.Index, users dataset.Set, k int, dst []recipe.Scored) ([]recipe.Scored, error) {
	dst = dst[:0]
	if err := context.Cause(ctx); err != nil || k <= 0 {
		return dst, err
	}
	r := m.rooms.Get().(*room)
	defer m.rooms.Put(r)
	defer clear(r.scores)
	for _, i := range items {
		if !m.Knows(i) {
			continue
		}
		if m.neighbours {
			m.addNear(r, uint32(i))
			continue
		}
		for _, e := range m.of(uint32(i)) {
			r.scores[e.user] += e.weight
		}
	}
	return m.best(r, users, k, dst), nil
}

// nearMost is how many of the nearest items count.
const nearMost = 200

// addNear adds to the scores the events of the items near one, each as much as its
// cosine with it, and those of the item itself fully. Where nobody has an item
// twice, those who had it get a score below zero: they come behind the others whom
// something speaks for.
func (m *Model) addNear(r *room, item uint32) {
	defer clear(r.common)
	for _, e := range m.of(item) {
		for k := m.start[e.user]; k < m.start[e.user+1]; k++ {
			r.common[m.items[k]]++
		}
	}
	var near []recipe.Scored
	n := float64(len(m.of(item)))
	for j, c := range r.common {
		if c > 0 {
			near = append(near, recipe.Scored{Index: dataset.Index(j), Score: float32(float64(c) / math.Sqrt(n*float64(len(m.of(uint32(j))))))})
		}
	}
	slices.SortFunc(near, byScore)
	for _, x := range near[:min(nearMost, len(near))] {
		for _, e := range m.of(uint32(x.Index)) {
			r.scores[e.user] += x.Score * e.weight
		}
	}
	if m.once {
		for _, e := range m.of(item) {
			r.scores[e.user] *= -1
		}
	}
}

// best gives the k users with the highest scores – the part of what a user did of
// late that speaks for him, times how much he did – and then the busiest of the
// others.
func (m *Model) best(r *room, users dataset.Set, k int, dst []recipe.Scored) []recipe.Scored {
	var behind []recipe.Scored // those with scores below zero
	for u, x := range r.scores {
		if x == 0 || !users.Has(dataset.Index(u)) {
			continue
		}
		s := recipe.Scored{Index: dataset.Index(u), Score: x / m.total[u] * float32(m.had(u))}
		if x > 0 {
			dst = append(dst, s)
			continue
		}
		s.Score = -s.Score
		behind = append(behind, s)
	}
	slices.SortFunc(dst, byScore)
	if len(dst) >= k {
		return dst[:k]
	}
	slices.SortFunc(behind, byScore)
	for _, s := range behind[:min(len(behind), k-len(dst))] {
		dst = append(dst, recipe.Scored{Index: s.Index})
	}
	for _, u := range m.busy {
		if len(dst) == k {
			break
		}
		if r.scores[u] == 0 && users.Has(dataset.Index(u)) {
			dst = append(dst, recipe.Scored{Index: dataset.Index(u)})
		}
	}
	return dst
}

// byScore puts the highest score first, of equal ones the lowest number.
func byScore(a, b recipe.Scored) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Index, b.Index))
}
