package catalog

import (
	"errors"
	"slices"
	"testing"

	"usher/store"
)

// family makes one resource of each kind, all idle.
func family(t *testing.T, db *store.DB) map[string]Record {
	t.Helper()
	records := []Record{
		&DatasetGroup{Meta: Meta{ARN: "group", Status: Active}},
		&Schema{Meta: Meta{ARN: "schema"}},
		&Dataset{Meta: Meta{ARN: "dataset", Group: "group", Parent: "schema", Status: Active}},
		&ImportJob{Meta: Meta{ARN: "import", Group: "group", Parent: "dataset", Status: Active}},
		&EventTracker{Meta: Meta{ARN: "tracker", Group: "group", Parent: "group", Status: Active}},
		&Solution{Meta: Meta{ARN: "solution", Group: "group", Parent: "group", Status: Active}},
		&Solution{Meta: Meta{ARN: "solution2", Group: "group", Parent: "group", Status: Active}},
		&SolutionVersion{Meta: Meta{ARN: "solution/1", Group: "group", Parent: "solution", Status: Active}},
		&SolutionVersion{Meta: Meta{ARN: "solution2/1", Group: "group", Parent: "solution2", Status: Active}},
		&Campaign{Meta: Meta{ARN: "campaign", Group: "group", Parent: "solution/1", Status: Active}},
	}
	out := map[string]Record{}
	for _, r := range records {
		update(t, db, func(tx *store.Tx) error { return Create(tx, r) })
		out[r.Common().ARN] = r
	}
	return out
}

func TestBlockers(t *testing.T) {
	status := func(arn string, s Status) func(map[string]Record) {
		return func(m map[string]Record) { m[arn].Common().Status = s }
	}
	for _, c := range []struct {
		name   string
		change func(map[string]Record) // and its record is stored
		of     string
		want   []string
	}{
		{"schema with a dataset", nil, "schema", []string{"dataset"}},
		{"idle dataset", nil, "dataset", nil},
		{"dataset while importing", status("import", InProgress), "dataset", []string{"import"}},
		{"dataset after a failed import", status("import", Failed), "dataset", nil},
		{"dataset while training", status("solution/1", Pending), "dataset", []string{"solution/1"}},
		{"dataset while a training is stopping", status("solution/1", Stopping), "dataset", []string{"solution/1"}},
		{"full group", nil, "group", []string{"dataset", "tracker", "solution", "solution2", "campaign"}},
		{"solution with a campaign", nil, "solution", []string{"campaign"}},
		{"solution whose name begins another", nil, "solution2", nil},
		{"solution while training", status("solution2/1", InProgress), "solution2", []string{"solution2/1"}},
		{"solution a campaign changes to", func(m map[string]Record) {
			m["campaign"].(*Campaign).LatestUpdate = &CampaignUpdate{Version: "solution2/1", Status: Pending}
		}, "solution2", []string{"campaign"}},
		{"solution a campaign failed to change to", func(m map[string]Record) {
			m["campaign"].(*Campaign).LatestUpdate = &CampaignUpdate{Version: "solution2/1", Status: Failed}
		}, "solution2", nil},
		{"active campaign", nil, "campaign", nil},
		{"failed campaign", status("campaign", Failed), "campaign", nil},
		{"campaign being made", status("campaign", InProgress), "campaign", []string{"campaign"}},
		{"campaign being changed", func(m map[string]Record) {
			m["campaign"].(*Campaign).LatestUpdate = &CampaignUpdate{Version: "solution/1", Status: InProgress}
		}, "campaign", []string{"campaign"}},
		{"tracker", nil, "tracker", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := open(t, nil)
			all := family(t, db)
			if c.change != nil {
				c.change(all)
				for _, r := range all {
					update(t, db, func(tx *store.Tx) error { return put(tx, r) })
				}
			}
			err := db.View(t.Context(), func(tx *store.Tx) error {
				got, err := Blockers(tx, all[c.of])
				if !slices.Equal(got, c.want) {
					t.Errorf("blocked by %v, want %v", got, c.want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestDeleteAll(t *testing.T) {
	db := open(t, nil)
	all := family(t, db)
	for _, arn := range []string{"solution2", "dataset"} {
		update(t, db, func(tx *store.Tx) error { return DeleteAll(tx, all[arn]) })
	}
	gone := []string{"solution2", "solution2/1", "dataset", "import"}
	for arn := range all {
		err := db.View(t.Context(), func(tx *store.Tx) error { _, err := Find(tx, arn); return err })
		if errors.Is(err, ErrNotFound) != slices.Contains(gone, arn) {
			t.Errorf("after the deletes, %s: %v", arn, err)
		}
	}
}

func TestCount(t *testing.T) {
	db := open(t, nil)
	family(t, db)
	for _, c := range []struct {
		kind     Kind
		q        Query
		statuses []Status
		want     int
	}{
		{KindSolution, Query{Group: "group"}, nil, 2},
		{KindSolution, Query{Group: "other"}, nil, 0},
		{KindSolutionVersion, Query{}, []Status{Pending, InProgress}, 0},
		{KindSolutionVersion, Query{}, []Status{Pending, Active}, 2},
		{KindSolutionVersion, Query{Parent: "solution"}, []Status{Active}, 1},
		{KindCampaign, Query{Under: "solution"}, nil, 1},
		{KindCampaign, Query{Under: "solution2"}, nil, 0},
	} {
		err := db.View(t.Context(), func(tx *store.Tx) error {
			n, err := Count(tx, c.kind, c.q, c.statuses...)
			if n != c.want {
				t.Errorf("%s %+v %v: %d, want %d", c.kind, c.q, c.statuses, n, c.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestMemberOrder: every kind that is in a group has a place in the order of a
// cascade, behind all that block its delete.
func TestMemberOrder(t *testing.T) {
	for _, f := range arnForms {
		if !f.owned && f.kind != KindDatasetGroup && f.kind != KindSchema && !slices.Contains(memberOrder, f.kind) {
			t.Errorf("%s is not in the order", f.kind)
		}
	}
	for i, k := range memberOrder {
		for _, rel := range relations[k] {
			if rel.statuses == nil && slices.Index(memberOrder, rel.kind) > i {
				t.Errorf("%s comes before %s, which blocks its delete", k, rel.kind)
			}
		}
	}
}
