package eval

import (
	"cmp"
	"slices"

	"usher/dataset"
	"usher/internal/seed"
)

// Split parts the data as Amazon Personalize does for its offline metrics,
// https://docs.aws.amazon.com/personalize/latest/dg/working-with-training-metrics.html:
// 10 % of the users test and 90 % train.
//
// Test users are drawn from those with two events or more: a tenth of them,
// rounded to the nearest, and at least one when there are two. Who is drawn
// depends on the seed and the users' ids, so the same file imported in another
// order gives the same test users. Of a test user's n events the newest n/10,
// rounded down but at least one, are the truth and the older ones the input;
// equal times keep the order of the history. train holds the full histories of
// all other users and nothing of the test users; users, items, their numbers
// and metadata are those of data. Cases come in the order of users' numbers.
// Without two such users there are no cases and train is data.
func Split(data *dataset.Snapshot, from seed.Seed) (train *dataset.Snapshot, tests []Case) {
	drawn := draw(data, from.Branch("test users"))
	if len(drawn) == 0 {
		return data, nil
	}
	isTest := dataset.NewSet(data.Users())
	for _, u := range drawn {
		isTest.Add(u)
		h := data.History(u)
		cut := len(h) - max(1, len(h)/10)
		tests = append(tests, Case{u, h[:cut:cut], items(h[cut:])})
	}
	train = data.With(func(u dataset.Index, events []dataset.Event) []dataset.Event {
		if isTest.Has(u) {
			return nil
		}
		return events
	})
	return train, tests
}

// draw gives the test users in order of their numbers.
func draw(data *dataset.Snapshot, from seed.Seed) []dataset.Index {
	type ticket struct {
		number seed.Seed
		user   dataset.Index
	}
	var all []ticket
	for u, id := range data.UserIDs {
		if len(data.History(dataset.Index(u))) >= 2 {
			all = append(all, ticket{from.Branch(id), dataset.Index(u)})
		}
	}
	if len(all) < 2 {
		return nil
	}
	slices.SortFunc(all, func(a, b ticket) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.user, b.user))
	})
	users := make([]dataset.Index, max(1, (len(all)+5)/10))
	for i := range users {
		users[i] = all[i].user
	}
	slices.Sort(users)
	return users
}

// items gives each item of the events once.
func items(events []dataset.Event) []dataset.Index {
	out := make([]dataset.Index, 0, len(events))
	seen := make(map[dataset.Index]bool, len(events))
	for _, e := range events {
		if !seen[e.Item] {
			seen[e.Item] = true
			out = append(out, e.Item)
		}
	}
	return out
}

// LeaveOneOut is the split of the research literature: of every user with two
// events or more the last item is the truth, and all before it is both input
// and training data.
func LeaveOneOut(data *dataset.Snapshot) (train *dataset.Snapshot, tests []Case) {
	train = data.With(func(u dataset.Index, events []dataset.Event) []dataset.Event {
		n := len(events)
		if n < 2 {
			return events
		}
		tests = append(tests, Case{u, events[: n-1 : n-1], []dataset.Index{events[n-1].Item}})
		return events[:n-1]
	})
	return train, tests
}
