package catalog

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"usher/store"
)

func TestRecommenders(t *testing.T) {
	db := open(t, time.Now)
	r := &Recommender{Meta: Meta{ARN: "r", Group: "g", Parent: "r/1", Status: Active}, Recipe: "aws-vod-top-picks", Next: "r/2",
		LatestUpdate: &RecommenderUpdate{Status: Active}}
	one := &RecommenderVersion{SolutionVersion{Meta: Meta{ARN: "r/1", Group: "g", Parent: "r", Status: Active}, Recipe: "aws-vod-top-picks", Model: "blob"}}
	two := &RecommenderVersion{SolutionVersion{Meta: Meta{ARN: "r/2", Group: "g", Parent: "r", Status: InProgress}, EventType: "Watch"}}
	group := &DatasetGroup{Meta: Meta{ARN: "g", Status: Active}}
	data := &Dataset{Meta: Meta{ARN: "d", Group: "g", Parent: "s", Status: Active}}
	for _, x := range []Record{group, data, r, one, two} {
		update(t, db, func(tx *store.Tx) error { return Create(tx, x) })
	}
	update(t, db, func(tx *store.Tx) error {
		for _, want := range []Record{r, one, two} {
			got, err := Find(tx, want.Common().ARN)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, %v, want %+v", want.Common().ARN, got, err, want)
			}
		}
		if _, err := Get[SolutionVersion](tx, "r/1"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a recommender's version is one of a solution: %v", err)
		}
		return nil
	})
	if two.Training().EventType != "Watch" || two.Training().Common() != two.Common() {
		t.Error("the training is not the record's own")
	}
	blockers := func(of Record, want ...string) {
		t.Helper()
		update(t, db, func(tx *store.Tx) error {
			if got, err := Blockers(tx, of); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, recommender %s: blocked by %q, %v, want %q", of.Common().ARN, r.Status, got, err, want)
			}
			return nil
		})
	}
	keep := func() { update(t, db, func(tx *store.Tx) error { return put(tx, r) }) }
	blockers(group, "d", "r")
	blockers(data)
	blockers(r) // trained by schedule: that is no work of the customer's
	r.LatestUpdate.Status = Pending
	blockers(r, "r")
	r.LatestUpdate = nil
	for status, busy := range map[Status]bool{Pending: true, InProgress: true, StartPending: true, StartInProgress: true, Inactive: false, Failed: false} {
		r.Status = status
		keep()
		if r.Busy() != busy {
			t.Errorf("%s: busy %v", status, r.Busy())
		}
		if busy {
			blockers(r, "r")
		} else {
			blockers(r)
		}
		if status == Pending || status == InProgress {
			blockers(data, "r")
		}
	}
	update(t, db, func(tx *store.Tx) error { return DeleteAll(tx, r) })
	update(t, db, func(tx *store.Tx) error {
		for _, arn := range []string{"r", "r/1", "r/2"} {
			if _, err := Find(tx, arn); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s is left: %v", arn, err)
			}
		}
		return nil
	})
}
