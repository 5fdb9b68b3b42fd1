package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
)

// Protocol is a way to cut data into what is learnt and what is asked.
type Protocol string

// The protocols.
const (
	// NextItem asks for each user's last item, with all before it as history.
	// Items of the history are no candidates. The moment of the last item is not
	// told, as it is not where other programs publish their figures: models are asked
	// right after the event before it.
	NextItem Protocol = "next-item"
	// Sessions takes a user for one session: of the newest tenth of them, each
	// prefix asks for the item that follows, among all items.
	Sessions Protocol = "sessions"
	// TopN keeps back a fifth of each user's items, drawn by chance, and asks for
	// them. Items of the history are no candidates.
	TopN Protocol = "top-n"
	// AWS is how Amazon Personalize measures a solution version: a tenth of the
	// users test, their oldest 90 % of events are the history, the rest is asked
	// for, among all items.
	AWS Protocol = "aws"
	// Time cuts at a moment, with a tenth of the events behind it, and asks for
	// what each user had there, item by item, with all before it as history: also
	// of users and items that are new. Items of the history are no candidates.
	Time Protocol = "time"
)

// Protocols gives all protocols.
func Protocols() []Protocol { return []Protocol{NextItem, Sessions, TopN, AWS, Time} }

// About says in a line what the protocol does.
func (p Protocol) About() string {
	return map[Protocol]string{
		NextItem: "each user's last item, found by what came before it; items had before do not count",
		Sessions: "each user is a session: of the newest tenth of them, each item by those before it",
		TopN:     "a fifth of each user's items, drawn by chance, found by the others; times do not matter",
		AWS:      "as GetSolutionMetrics: of a tenth of the users, not learnt from, the newest tenth of events",
		Time:     "what came after the first nine tenths of all events; new users and new items by themselves too",
	}[p]
}

// ParseProtocol gives the protocol of that name.
func ParseProtocol(name string) (Protocol, error) {
	if p := Protocol(name); slices.Contains(Protocols(), p) {
		return p, nil
	}
	return "", fmt.Errorf("protocol %q is unknown: use one of %v", name, Protocols())
}

// Round is data to learn from and questions about what followed.
type Round struct {
	Train     *dataset.Snapshot
	Questions []Question
	Mask      bool // items of the history are no candidates
	Untimed   bool // models are told the moment of the history's last event, not that of what is asked for
}

// now is the moment that a model is told.
func (r *Round) now(q *Question) int64 {
	if n := len(q.Input); r.Untimed && n > 0 {
		return q.Input[n-1].Time
	}
	return q.At
}

// Question is one question with its right answers.
type Question struct {
	eval.Case
	At int64 // Unix seconds: the moment of what is asked for; what was shown before is known
	// Context is what is known of the moment of the event that is asked for; nil: nothing.
	Context map[string]string
	Parts   []string    // the parts of the questions that it is also counted in
	Among   dataset.Set // the candidates; zero: all. Such a question is counted in its parts alone
}

// round cuts the data.
func (p Protocol) round(data *dataset.Snapshot, from seed.Seed) (Round, error) {
	switch p {
	case NextItem:
		train, cases := eval.LeaveOneOut(data)
		return Round{Train: train, Questions: ask(data, cases), Mask: true, Untimed: true}, nil
	case AWS:
		train, cases := eval.Split(data, from.Branch("evaluation"))
		return Round{Train: train, Questions: ask(data, cases)}, nil
	case Sessions:
		return sessions(data), nil
	case TopN:
		return topN(data, from.Branch("top-n")), nil
	case Time:
		return byTime(data), nil
	}
	return Round{}, fmt.Errorf("protocol %q is unknown: use one of %v", p, Protocols())
}

// ask makes questions of cases, asked at the moment of the event that is asked for.
func ask(data *dataset.Snapshot, cases []eval.Case) []Question {
	out := make([]Question, len(cases))
	for i, c := range cases {
		out[i] = askFor(data, c.User, len(c.Input))
		out[i].Case = c
	}
	return out
}

// askFor asks for the item of an event at a place of a user's history, at its moment.
func askFor(data *dataset.Snapshot, u dataset.Index, at int) Question {
	h := data.History(u)
	return Question{Case: eval.Case{User: u, Input: h[:at:at], Truth: []dataset.Index{h[at].Item}}, At: h[at].Time, Context: data.Context(u, at)}
}

// sessions cuts off the newest tenth of the users, by their first event.
func sessions(data *dataset.Snapshot) Round {
	var order []dataset.Index
	for u := range data.UserIDs {
		if len(data.History(dataset.Index(u))) > 0 {
			order = append(order, dataset.Index(u))
		}
	}
	slices.SortStableFunc(order, func(a, b dataset.Index) int {
		return cmp.Compare(data.History(a)[0].Time, data.History(b)[0].Time)
	})
	test := dataset.NewSet(data.Users())
	r := Round{}
	for _, u := range order[len(order)-len(order)/10:] {
		test.Add(u)
		for i := 1; i < len(data.History(u)); i++ {
			r.Questions = append(r.Questions, askFor(data, u, i))
		}
	}
	r.Train = data.With(func(u dataset.Index, events []dataset.Event) []dataset.Event {
		if test.Has(u) {
			return nil
		}
		return events
	})
	return r
}

// topN keeps back a fifth of the different items of each user who has five or
// more, rounded down.
func topN(data *dataset.Snapshot, from seed.Seed) Round {
	kept := dataset.NewSnapshot(data.UserIDs, data.ItemIDs, data.EventTypes, nil)
	kept.ItemTable, kept.UserTable, kept.ContextTable, kept.Offset = data.ItemTable, data.UserTable, data.ContextTable, data.Offset
	r := Round{Train: kept, Mask: true}
	for u, id := range data.UserIDs {
		h := data.History(dataset.Index(u))
		items := distinct(h)
		from.Branch(id).Rand().Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		truth := items[:len(items)/5]
		first := len(kept.Events)
		for _, e := range h {
			if !slices.Contains(truth, e.Item) {
				kept.Events = append(kept.Events, e)
			}
		}
		kept.Start[u+1] = int64(len(kept.Events))
		if len(truth) > 0 {
			input := slices.Clone(kept.Events[first:])
			r.Questions = append(r.Questions, Question{Case: eval.Case{User: dataset.Index(u), Input: input, Truth: truth}, At: input[len(input)-1].Time})
		}
	}
	return r
}

// distinct gives each item of the events once.
func distinct(events []dataset.Event) []dataset.Index {
	out := make([]dataset.Index, 0, len(events))
	for _, e := range events {
		out = append(out, e.Item)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The parts of the protocol Time.
const (
	noHistory = "nothing known of the user"
	newItems  = "items without an event in training"
	newAlone  = "such items among themselves"
)

// timeMost is how many questions one user asks at most behind the cut: a few users
// who have much there shall not outweigh all others.
const timeMost = 50

// byTime cuts at the moment that has nine tenths of the events before it.
func byTime(data *dataset.Snapshot) Round {
	if len(data.Events) == 0 {
		return Round{Train: data}
	}
	times := make([]int64, len(data.Events))
	for i, e := range data.Events {
		times[i] = e.Time
	}
	slices.Sort(times)
	cut := times[len(times)*9/10]
	before := func(h []dataset.Event) int {
		n, _ := slices.BinarySearchFunc(h, cut, func(e dataset.Event, at int64) int { return cmp.Compare(e.Time, at) })
		return n
	}
	known := dataset.NewSet(data.Items())
	r := Round{Mask: true}
	r.Train = data.With(func(_ dataset.Index, events []dataset.Event) []dataset.Event { return events[:before(events)] })
	for _, e := range r.Train.Events {
		known.Add(e.Item)
	}
	fresh := dataset.NewSet(data.Items())
	for i := range data.ItemIDs {
		if !known.Has(dataset.Index(i)) {
			fresh.Add(dataset.Index(i))
		}
	}
	for u := range data.UserIDs {
		h := data.History(dataset.Index(u))
		n := before(h)
		for i := n; i < min(len(h), n+timeMost); i++ {
			if !slices.ContainsFunc(h[:i], func(e dataset.Event) bool { return e.Item == h[i].Item }) {
				r.Questions = append(r.Questions, inParts(askFor(data, dataset.Index(u), i), known, fresh)...)
			}
		}
	}
	return r
}

// inParts says which parts a question for one item counts in; for a new item it asks
// also among the new ones alone, as a shelf of new items does.
func inParts(q Question, known, fresh dataset.Set) []Question {
	if len(q.Input) == 0 {
		q.Parts = append(q.Parts, noHistory)
	}
	if known.Has(q.Truth[0]) {
		return []Question{q}
	}
	alone := q
	q.Parts = append(q.Parts, newItems)
	alone.Parts, alone.Among = []string{newAlone}, fresh
	return []Question{q, alone}
}

// parts names the parts of the questions that are counted by themselves.
func (p Protocol) parts() []string {
	if p == Time {
		return []string{noHistory, newItems, newAlone}
	}
	return nil
}

// list is how many items are asked for.
func (p Protocol) list() int {
	if p == AWS {
		return eval.ListLength
	}
	return 20
}

// metrics names what the protocol measures, the main one first.
func (p Protocol) metrics() []string {
	switch p {
	case AWS:
		return []string{"NDCG@25", "NDCG@10", "NDCG@5", "MRR@25", "P@25", "P@10", "P@5", "ideal NDCG@25", "ideal NDCG@10", "ideal NDCG@5"}
	case Sessions:
		return []string{"MRR@20", "P@20"}
	case TopN:
		return []string{"NDCG@20", "Recall@20"}
	}
	return []string{"NDCG@10", "HR@10", "NDCG@20", "HR@20"}
}

// judge gives the metrics of one list.
func (p Protocol) judge(list, truth []dataset.Index) map[string]float64 {
	switch p {
	case AWS:
		r, k := eval.Measure(list, truth), eval.Cutoffs()
		out := map[string]float64{"MRR@25": r.ReciprocalRank}
		for i := range k {
			out[fmt.Sprintf("NDCG@%d", k[i])] = r.NDCG[i]
			out[fmt.Sprintf("ideal NDCG@%d", k[i])] = r.IdealNDCG[i]
			out[fmt.Sprintf("P@%d", k[i])] = r.Precision[i]
		}
		return out
	case TopN:
		return recall(list, truth)
	}
	place := eval.Place(list, truth[0])
	if p == Sessions {
		return map[string]float64{"P@20": eval.HitAt(20, place), "MRR@20": eval.HitAt(20, place) / float64(max(1, place))}
	}
	return map[string]float64{"HR@10": eval.HitAt(10, place), "NDCG@10": eval.GainAt(10, place),
		"HR@20": eval.HitAt(20, place), "NDCG@20": eval.GainAt(20, place)}
}

// recall gives recall and textbook NDCG at 20.
func recall(list, truth []dataset.Index) map[string]float64 {
	var hits, gain, ideal float64
	for i := range min(20, len(truth)) {
		ideal += 1 / math.Log2(float64(i+2))
	}
	for i, item := range list[:min(20, len(list))] {
		if slices.Contains(truth, item) {
			hits++
			gain += 1 / math.Log2(float64(i+2))
		}
	}
	return map[string]float64{"Recall@20": hits / float64(len(truth)), "NDCG@20": gain / ideal}
}
