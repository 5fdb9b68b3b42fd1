package sequence

import (
	"slices"
	"testing"

	"usher/dataset"
	"usher/recipe"
)

// timed is one user with an event of another item at each of the times.
func timed(times ...int64) *dataset.Snapshot {
	var e []dataset.Event
	for i, at := range times {
		e = append(e, dataset.Event{Time: at, Item: dataset.Index(i)})
	}
	data := snapshot(len(e), make([][]int, 1))
	data.Events, data.Start = e, []int64{0, int64(len(e))}
	return data
}

// placesOf gives a window's places in each of so many epochs.
func placesOf(data *dataset.Snapshot, w window, epochs int) (out [][]int) {
	st := planned(recipe.Input{Data: data, Seed: 5, Workers: 1}, 1).steps
	st.c.count[0] = len(data.Events)
	for st.epoch = 1; st.epoch <= epochs; st.epoch++ {
		out = append(out, slices.Clone(st.placed(w)))
	}
	return out
}

// Events of one time are learnt in both orders, and no others change places.
func TestEventsOfOneTimeAreMixed(t *testing.T) {
	data := timed(1, 2, 2, 2, 2, 3, 4, 4)
	mixed, plain := 0, 0
	all := placesOf(data, window{0, 1, 8}, 40)
	for _, places := range all {
		if slices.IsSorted(places) {
			plain++
		} else {
			mixed++
		}
		for i, at := range places {
			if data.Events[at].Time != data.Events[i].Time {
				t.Fatalf("an event of time %d is learnt at place %d: %v", data.Events[at].Time, i, places)
			}
		}
		if sorted := slices.Sorted(slices.Values(places)); !slices.Equal(sorted, []int{0, 1, 2, 3, 4, 5, 6, 7}) {
			t.Fatalf("places %v", places)
		}
	}
	if mixed < 10 || plain < 10 {
		t.Errorf("%d epochs mixed, %d as in the data; want about half", mixed, plain)
	}
	if again := placesOf(data, window{0, 1, 8}, 40); !slices.EqualFunc(all, again, slices.Equal) {
		t.Error("the same epoch mixes in another way the second time")
	}
}

// Where times tell nothing the order of the data stands.
func TestOrderWithoutTimesStands(t *testing.T) {
	for _, data := range []*dataset.Snapshot{timed(7, 7, 7, 7, 7), timed(1, 2, 3, 4, 5)} {
		for _, places := range placesOf(data, window{0, 0, 5}, 20) {
			if !slices.IsSorted(places) {
				t.Errorf("places %v of %v", places, data.Events)
			}
		}
	}
}
