package serving

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"usher/catalog"
	"usher/dataset"
)

// TestShownIsWhatWasAnswered: of an answer the first items, for its own group, without
// what was deleted since.
func TestShownIsWhatWasAnswered(t *testing.T) {
	w := exploringWorld(t)
	c := &catalog.Campaign{Meta: catalog.Meta{ARN: "campaign/shown", Group: "group", Parent: "v1/1", Status: catalog.Active}}
	w.Create(c)
	a, err := w.s.Recommend(t.Context(), Request{Campaign: c.ARN, User: "zoe", Results: 40})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, i := range a.Items[:rememberedItems] {
		want = append(want, i.ID)
	}
	if got, err := w.s.Shown(t.Context(), w.Record.ID, a.ID); err != nil || !slices.Equal(got, want) {
		t.Errorf("shown %v, %v, want %v", got, err, want)
	}
	for group, id := range map[string]string{w.Record.ID: "RID-other", "another": a.ID} {
		if got, err := w.s.Shown(t.Context(), group, id); err != nil || len(got) > 0 {
			t.Errorf("answer %s of group %s: %v, %v", id, group, got, err)
		}
	}
	w.append(dataset.Change{Forgotten: &dataset.Forgotten{Items: want[:1]}})
	if got, err := w.s.Shown(t.Context(), w.Record.ID, a.ID); err != nil || !slices.Equal(got, want[1:]) {
		t.Errorf("after a deletion %v, %v, want %v", got, err, want[1:])
	}
}

// TestAnswersOfJobsAreNotRemembered: nobody was shown what a batch job writes.
func TestAnswersOfJobsAreNotRemembered(t *testing.T) {
	w := newWorld(t)
	w.version("v", "aws-user-personalization-v2", "v")
	j := &catalog.BatchInferenceJob{Meta: catalog.Meta{ARN: "arn:aws:personalize:us-east-1:000000000000:batch-inference-job/j", Group: "group", Parent: "v", Status: catalog.Pending}}
	w.Create(j)
	for want, arn := range []string{j.ARN, w.campaign("v").ARN} { // the answers' ids are equal here
		a, err := w.s.Recommend(t.Context(), Request{Campaign: arn, User: "ann", Results: 1})
		if err != nil || len(a.Items) != 1 {
			t.Fatal(a, err)
		}
		if got, err := w.s.Shown(t.Context(), w.Record.ID, a.ID); err != nil || len(got) != want {
			t.Errorf("of an answer of %s is remembered %v, %v", arn, got, err)
		}
	}
}

// TestTheOldestAnswersAreForgotten: there are never more than rememberedMost.
func TestTheOldestAnswersAreForgotten(t *testing.T) {
	r := newRemembered()
	const many = 3 * rememberedMost
	for i := range many {
		r.put("g", fmt.Sprint(i), []Item{{number: uint32(i%7) + 1}})
	}
	kept := 0
	for i := range many {
		if got := r.get("g", fmt.Sprint(i)); got != nil {
			kept++
			if got[0] != dataset.Index(i%7) {
				t.Fatalf("answer %d is %v", i, got)
			}
		}
	}
	if kept != rememberedMost || r.get("g", fmt.Sprint(many-1)) == nil || r.get("g", "0") != nil {
		t.Errorf("%d are kept, want %d, the newest", kept, rememberedMost)
	}
}

// TestImpressionsGuideExploration: a new item that users were shown and did not choose
// is explored less than one that nobody was shown.
func TestImpressionsGuideExploration(t *testing.T) {
	w := exploringWorld(t)
	now := int64(1_700_000_000)
	for i := range 20 {
		w.item(fmt.Sprint("new", i), now-day)
	}
	for n := range 30 {
		x := &dataset.Interaction{User: fmt.Sprint("user", n), Item: "old1", Time: now}
		for i := range 10 {
			x.Impression = append(x.Impression, fmt.Sprint("new", i))
		}
		w.append(dataset.Change{Interaction: x})
	}
	c := &catalog.Campaign{Meta: catalog.Meta{ARN: "campaign/impressions", Group: "group", Parent: "v1/1", Status: catalog.Active},
		Config: json.RawMessage(`{"itemExplorationConfig":{"explorationWeight":"0.2"}}`)}
	w.Create(c)
	var ignored, fresh float64
	for id, share := range w.shares(c.ARN, "zoe", 60, 5) {
		var n int
		if _, err := fmt.Sscanf(id, "new%d", &n); err != nil {
			continue
		}
		if n < 10 {
			ignored += share
		} else {
			fresh += share
		}
	}
	if fresh < .1 || ignored > .5*fresh {
		t.Errorf("what was ignored has %.3f of the places, what nobody was shown %.3f", ignored, fresh)
	}
}
