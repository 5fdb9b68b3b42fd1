package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"usher/internal/storetest"
	"usher/store"
)

// start is when the tests' clock stands.
var start = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

func open(t *testing.T, now func() time.Time) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Database: storetest.Database(t), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// put stores a changed record, whatever its status was.
func put(tx *store.Tx, r Record) error {
	m := r.Common()
	_, err := tx.Exec("update resource set status = $1 where id = $2", m.Status, m.ID)
	return errors.Join(err, Update(tx, r))
}

// update runs fn in a transaction that must succeed.
func update(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestEveryRecordComesBack(t *testing.T) {
	db := open(t, func() time.Time { return start })
	half := 0.5
	meta := func(arn string) Meta {
		return Meta{ARN: arn, Name: "n", Group: "g", Parent: "p", Status: Active, FailureReason: "why", Tags: map[string]string{"a": "b"}}
	}
	for _, r := range []Record{
		&DatasetGroup{Meta: meta("1"), Domain: "ECOMMERCE", RoleARN: "r", KMSKeyARN: "k"},
		&Schema{Meta: meta("2"), Domain: "ECOMMERCE", Text: `{"a": "\u00fc"}`},
		&Dataset{Meta: meta("3"), Type: "ITEMS", TrackingID: "t"},
		&ImportJob{Meta: meta("4"), Location: "s3://b/k", RoleARN: "r", Mode: "FULL", PublishMetrics: true},
		&EventTracker{Meta: meta("5"), AccountID: "1", TrackingID: "t"},
		&Solution{Meta: meta("6"), Recipe: "aws-sims", EventType: "e", PerformHPO: true, PerformAutoML: true, PerformAutoTraining: true,
			PerformIncrementalUpdate: true, Config: json.RawMessage(`{"x":1}`), Params: map[string]string{"p": "1"}, EventValueThreshold: &half},
		&SolutionVersion{Meta: meta("7"), Recipe: "aws-sims", TrainingMode: "FULL", TrainingType: "MANUAL", Seed: 1<<64 - 1, Offset: 1<<64 - 2,
			Model: "m", Metrics: map[string]float64{"coverage": .25}, TrainingHours: 1.5, EventValueThreshold: &half},
		&Campaign{Meta: meta("8"), Requested: "x", MinTPS: 3, Config: json.RawMessage(`{}`),
			LatestUpdate: &CampaignUpdate{Version: "v", MinTPS: 1, Status: Pending, Created: start, Updated: start}},
	} {
		update(t, db, func(tx *store.Tx) error { return Create(tx, r) })
		var got Record
		err := db.View(t.Context(), func(tx *store.Tx) (err error) { got, err = Find(tx, r.Common().ARN); return err })
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("%s came back as\n%+v, want\n%+v", r.Kind(), got, r)
		}
		m := r.Common()
		if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(m.ID) || m.Revision != 1 || !m.Created.Equal(start) || !m.Updated.Equal(start) {
			t.Errorf("%s: Create filled in %+v", r.Kind(), m)
		}
	}
}

func TestCreateTwice(t *testing.T) {
	db := open(t, nil)
	update(t, db, func(tx *store.Tx) error { return Create(tx, &Schema{Meta: Meta{ARN: "a"}}) })
	err := db.Update(t.Context(), func(tx *store.Tx) error { return Create(tx, &Dataset{Meta: Meta{ARN: "a"}}) })
	if !errors.Is(err, ErrExists) {
		t.Fatalf("second Create: %v", err)
	}
	err = db.View(t.Context(), func(tx *store.Tx) error { _, err := Get[Dataset](tx, "a"); return err })
	if !errors.Is(err, ErrNotFound) {
		t.Fatalf("Get with another type: %v", err)
	}
	err = db.View(t.Context(), func(tx *store.Tx) error { _, err := Find(tx, "b"); return err })
	if !errors.Is(err, ErrNotFound) {
		t.Fatalf("Find of nothing: %v", err)
	}
}

func TestRevisions(t *testing.T) {
	now := start
	db := open(t, func() time.Time { return now })
	var told []string
	defer db.Subscribe(Topic, func(arn string) { told = append(told, arn) })()
	first := &Campaign{Meta: Meta{ARN: "s", Status: InProgress}}
	update(t, db, func(tx *store.Tx) error { return Create(tx, first) })
	stale := *first

	now = now.Add(time.Second)
	first.Status, first.MinTPS = Active, 3
	update(t, db, func(tx *store.Tx) error { return Update(tx, first) })
	if first.Revision != 2 || !first.Updated.Equal(now) || !first.Created.Equal(start) {
		t.Errorf("Update left %+v", first.Meta)
	}
	for name, change := range map[string]func(*store.Tx, Record) error{"update": Update, "delete": Delete} {
		err := db.Update(t.Context(), func(tx *store.Tx) error { return change(tx, &stale) })
		if !errors.Is(err, ErrConflict) {
			t.Errorf("%s of a stale record: %v", name, err)
		}
	}
	now = now.Add(-time.Hour) // the clock goes back, Updated does not
	update(t, db, func(tx *store.Tx) error { return Update(tx, first) })
	if want := start.Add(time.Second); !first.Updated.Equal(want) {
		t.Errorf("Updated went back to %v", first.Updated)
	}
	update(t, db, func(tx *store.Tx) error { return Delete(tx, first) })

	// The same ARN again: who holds the old record cannot touch the new one.
	again := &Campaign{Meta: Meta{ARN: "s"}}
	update(t, db, func(tx *store.Tx) error { return Create(tx, again) })
	stale.Revision = again.Revision
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return Delete(tx, &stale) }); !errors.Is(err, ErrConflict) {
		t.Errorf("delete of the successor: %v", err)
	}
	if want := []string{"s", "s", "s", "s", "s"}; !slices.Equal(told, want) {
		t.Errorf("subscribers were told %v", told)
	}
}

func TestListIsStable(t *testing.T) {
	db := open(t, func() time.Time { return start }) // the clock stands still
	add := func(i int) {
		update(t, db, func(tx *store.Tx) error {
			return Create(tx, &Schema{Meta: Meta{ARN: fmt.Sprintf("s%03d", i), Group: fmt.Sprint("g", i%2)}})
		})
	}
	for i := range 25 {
		add(i)
	}
	var got []string
	for after, page := "", 0; page == 0 || after != ""; page++ {
		err := db.View(t.Context(), func(tx *store.Tx) error {
			list, next, err := List[Schema](tx, Query{After: after, Limit: 7})
			for _, s := range list {
				got = append(got, s.ARN)
			}
			after = next
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		add(100 + page) // newer than the first page: never seen
		if page == 1 {  // behind the position: not seen
			update(t, db, func(tx *store.Tx) error {
				s, err := Get[Schema](tx, "s005")
				if err != nil {
					return err
				}
				return Delete(tx, s)
			})
		}
	}
	var want []string
	for i := 24; i >= 0; i-- {
		if i != 5 {
			want = append(want, fmt.Sprintf("s%03d", i))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages gave %v, want %v", got, want)
	}
	err := db.View(t.Context(), func(tx *store.Tx) error {
		list, next, err := List[Schema](tx, Query{Group: "g1", Limit: 100})
		if len(list) != 13 || next != "" { // 12 of the first 25 without s005, and 101, 103
			t.Errorf("group g1 has %d, next %q", len(list), next)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"x", "5", "5.", ".a"} {
		err := db.View(t.Context(), func(tx *store.Tx) error { _, _, err := List[Schema](tx, Query{After: bad}); return err })
		if !errors.Is(err, ErrPosition) {
			t.Errorf("position %q: %v", bad, err)
		}
	}
}

func TestListExactPage(t *testing.T) {
	db := open(t, nil)
	for _, arn := range []string{"a", "b"} {
		update(t, db, func(tx *store.Tx) error { return Create(tx, &Schema{Meta: Meta{ARN: arn}}) })
	}
	err := db.View(t.Context(), func(tx *store.Tx) error {
		list, next, err := List[Schema](tx, Query{Limit: 2})
		if len(list) != 2 || next != "" {
			t.Errorf("the last page has %d records and next %q", len(list), next)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
