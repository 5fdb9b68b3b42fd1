package catalog

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"usher/store"
)

// statuses are all that there are, and one that there is not.
var statuses = []Status{Absent, Pending, InProgress, Active, Failed, Stopping, Stopped, StartPending, StartInProgress, Inactive,
	DeletePending, DeleteInProgress, DeletionPending, DeletionInProgress, DeletionCompleted, DeletionFailed, "PAUSED"}

// kinds are those whose records can be made here, each with an empty one.
var kinds = []func(Meta) Record{
	func(m Meta) Record { return &DatasetGroup{Meta: m} },
	func(m Meta) Record { return &Schema{Meta: m} },
	func(m Meta) Record { return &Dataset{Meta: m} },
	func(m Meta) Record { return &ImportJob{Meta: m} },
	func(m Meta) Record { return &ExportJob{Meta: m} },
	func(m Meta) Record { return &EventTracker{Meta: m} },
	func(m Meta) Record { return &Solution{Meta: m} },
	func(m Meta) Record { return &SolutionVersion{Meta: m} },
	func(m Meta) Record { return &Campaign{Meta: m} },
	func(m Meta) Record { return &Filter{Meta: m} },
	func(m Meta) Record { return &Recommender{Meta: m} },
	func(m Meta) Record { return &RecommenderVersion{SolutionVersion{Meta: m}} },
	func(m Meta) Record { return &BatchInferenceJob{Meta: m} },
	func(m Meta) Record { return &BatchSegmentJob{Meta: m} },
	func(m Meta) Record { return &DeletionJob{Meta: m} },
	func(m Meta) Record { return &MetricAttribution{Meta: m} },
}

// TestUpdateKeepsTheLifecycle tries every change of status of every kind.
func TestUpdateKeepsTheLifecycle(t *testing.T) {
	db := open(t, nil)
	for _, of := range kinds {
		for _, from := range statuses {
			for _, to := range statuses {
				r := of(Meta{ARN: fmt.Sprintf("%s/%s/%s", of(Meta{}).Kind(), from, to), Status: from})
				update(t, db, func(tx *store.Tx) error { return Create(tx, r) })
				r.Common().Status = to
				err := db.Update(t.Context(), func(tx *store.Tx) error { return Update(tx, r) })
				want := error(nil)
				if !moves(r.Kind(), from, to) {
					want = ErrMove
				}
				if !errors.Is(err, want) {
					t.Errorf("a %s from %q to %q: %v, want %v", r.Kind(), from, to, err, want)
				}
			}
		}
	}
}

// moves is May as a person reads the table.
func moves(k Kind, from, to Status) bool {
	for _, l := range Lifecycles() {
		for _, of := range l.Kinds {
			for _, m := range l.Moves {
				if of == k && m.From == from && m.To == to {
					return true
				}
			}
		}
	}
	return from == to
}

// TestLivesAreWhole: every kind with an ARN of the account has one life, which
// begins, comes back from every status to none, and names each move once.
func TestLivesAreWhole(t *testing.T) {
	lives := map[Kind]int{KindRecommenderVersion: 0}
	for _, f := range arnForms {
		if !f.owned {
			lives[f.kind] = 0
		}
	}
	for _, l := range Lifecycles() {
		for _, k := range l.Kinds {
			if _, known := lives[k]; !known {
				t.Errorf("the life of the unknown kind %s", k)
			}
			lives[k]++
		}
		for i, m := range l.Moves {
			if m.When == "" || slices.ContainsFunc(l.Moves[:i], func(o Move) bool { return o.From == m.From && o.To == m.To }) {
				t.Errorf("%v: the move from %q to %q has no reason or stands twice", l.Kinds, m.From, m.To)
			}
			if !slices.Contains(statuses, m.From) || !slices.Contains(statuses, m.To) {
				t.Errorf("%v: the move from %q to %q has a status that is not in this test", l.Kinds, m.From, m.To)
			}
		}
		for _, s := range l.Kinds[0].Statuses() {
			if !reaches(l, Absent, s) || !reaches(l, s, Absent) {
				t.Errorf("%v: no way to %q, or none from it to the end", l.Kinds, s)
			}
			if s.Transitional() && slices.ContainsFunc(l.Moves, func(m Move) bool { return m.From == s && m.To == Absent }) {
				t.Errorf("%v: deleted while %s", l.Kinds, s)
			}
		}
	}
	for k, n := range lives {
		if n != 1 {
			t.Errorf("%s has %d lives", k, n)
		}
	}
}

// reaches says whether moves lead from one status to another.
func reaches(l Lifecycle, from, to Status) bool {
	seen := map[Status]bool{}
	next := []Status{from}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		for _, m := range l.Moves {
			if m.From != at {
				continue
			}
			if m.To == to {
				return true
			}
			if !seen[m.To] && m.To != Absent {
				seen[m.To] = true
				next = append(next, m.To)
			}
		}
	}
	return false
}

// TestEveryKindIsFound: what Find does not know could not be deleted or tagged.
func TestEveryKindIsFound(t *testing.T) {
	db := open(t, nil)
	for _, of := range kinds {
		r := of(Meta{ARN: string(of(Meta{}).Kind())})
		update(t, db, func(tx *store.Tx) error { return Create(tx, r) })
		err := db.View(t.Context(), func(tx *store.Tx) error {
			got, err := Find(tx, r.Common().ARN)
			if err == nil && !reflect.DeepEqual(got, r) {
				t.Errorf("%s is found as %+v", r.Kind(), got)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

const lifecyclePage = "../docs/lifecycle.md"

// TestLifecyclePage compares docs/lifecycle.md with the tables; USHER_UPDATE=1
// writes it.
func TestLifecyclePage(t *testing.T) {
	want := page()
	if os.Getenv("USHER_UPDATE") != "" {
		if err := os.WriteFile(lifecyclePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(lifecyclePage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/lifecycle.md is not what the tables say: run USHER_UPDATE=1 go test ./catalog -run TestLifecyclePage")
	}
}

// page writes docs/lifecycle.md.
func page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, l := range Lifecycles() {
		fmt.Fprintf(&b, "\n### %s\n\n", names(l.Kinds))
		diagram(&b, l)
		b.WriteString("| from | to | when |\n|---|---|---|\n")
		for _, m := range l.Moves {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", shown(m.From), shown(m.To), m.When)
		}
	}
	b.WriteString("\n## What a delete waits for\n\nA delete is ResourceInUseException, naming what stands in the way, while there is:\n\n| delete of | blocked by |\n|---|---|\n")
	table(&b, relations)
	b.WriteString("\nWork under way on the resource itself blocks its delete too, and so does a\ncampaign that is being changed to a version of the solution.\n")
	b.WriteString("\n## What goes with it\n\n| delete of | deletes |\n|---|---|\n")
	table(&b, owned)
	b.WriteString(pageFoot)
	return b.String()
}

// diagram draws a life that is more than being there.
func diagram(b *strings.Builder, l Lifecycle) {
	if len(l.Moves) <= 2 {
		return
	}
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	node := func(s Status) string {
		if s == Absent {
			return "[*]"
		}
		return strings.ReplaceAll(string(s), " ", "_")
	}
	for _, m := range l.Moves {
		fmt.Fprintf(b, "    %s --> %s\n", node(m.From), node(m.To))
	}
	b.WriteString("```\n\n")
}

// table writes relations, a row for each kind that has some.
func table(b *strings.Builder, of map[Kind][]relation) {
	for _, f := range arnForms {
		var cells []string
		for _, rel := range of[f.kind] {
			cell := plural(rel.kind) + " " + rel.link.words
			if rel.statuses != nil {
				cell += " under work"
			}
			cells = append(cells, cell)
		}
		if len(cells) > 0 {
			fmt.Fprintf(b, "| %s | %s |\n", f.kind.words(), strings.Join(cells, "; "))
		}
	}
}

func names(kinds []Kind) string {
	var out []string
	for _, k := range kinds {
		out = append(out, plural(k))
	}
	text := strings.Join(out, ", ")
	return strings.ToUpper(text[:1]) + text[1:]
}

func plural(k Kind) string { return k.words() + "s" }

func shown(s Status) string {
	if s == Absent {
		return "–"
	}
	return string(s)
}

const pageHead = `# Lives of resources

This page is made from the tables in [catalog](../catalog) by its test, and the
same tables are what the server goes by: a change of status that is not here is
refused inside, by every worker and every call alike.

A resource is changed by revision: of two that change it at once one begins anew.
Long work is a job with a row of its own. It is claimed, goes on from its last
checkpoint after kill -9, and may run twice: its results, the resource's status
and the job's end are one transaction, and what a second run finds done it leaves.
A job that has died five times with the server is given up, and the resource is
failed with a failureReason that says so.

## Status

– is before the creation and after the delete. A status of work is entered when
work begins and left when it is done, never for show.
`

const pageFoot = `
## Updates

What answers keeps its status while it is updated, and answers as before. The
update has a status of its own, in latestCampaignUpdate or
latestRecommenderUpdate: CREATE PENDING, CREATE IN_PROGRESS, then ACTIVE or CREATE
FAILED with a failureReason. Updates of solutions (latestSolutionUpdate) and
datasets (latestDatasetUpdate) are ACTIVE when the call returns.

## Names

Names are unique in the account and region for each kind, as far as they stand in
ARNs: two solution versions, event trackers or datasets may have one name. A group
has one dataset of each type, one event tracker and one metric attribution. What
is deleted leaves its name free at once.
`
