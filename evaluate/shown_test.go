package evaluate

import (
	"context"
	"testing"

	"usher/dataset"
	"usher/recipe"
	"usher/recipe/popularity"
)

// attentive asks each question what its user was shown.
type attentive struct {
	popularity.Recipe
	t     *testing.T
	data  *dataset.Snapshot
	shown *int
}

func (a attentive) Train(ctx context.Context, in recipe.Input) (recipe.Model, error) {
	m, err := a.Recipe.Train(ctx, in)
	return attentiveModel{m, a}, err
}

type attentiveModel struct {
	recipe.Model
	attentive
}

func (m attentiveModel) Recommend(ctx context.Context, q *recipe.Query, k int, allow dataset.Set, dst []recipe.Scored) ([]recipe.Scored, error) {
	asked := m.data.History(q.User)[len(q.History)].Time // for what happened then
	for _, x := range q.Shown() {
		*m.shown++
		if x.Time >= asked || x.Item != dataset.Index(q.User%30) {
			m.t.Errorf("user %d is asked at %d, and was shown item %d at %d", q.User, asked, x.Item, x.Time)
		}
	}
	return m.Model.Recommend(ctx, q, k, allow, dst)
}

// TestQuestionsKnowWhatWasShownBefore: not what was shown with what is asked for.
func TestQuestionsKnowWhatWasShownBefore(t *testing.T) {
	data := ring(60, 30, 5)
	data.Shown = &dataset.Shown{Start: []int64{0}}
	for u := range data.UserIDs {
		for _, e := range data.History(dataset.Index(u)) {
			data.Shown.List = append(data.Shown.List, dataset.Exposure{Time: e.Time, Item: dataset.Index(u % 30)})
		}
		data.Shown.Start = append(data.Shown.Start, int64(len(data.Shown.List)))
	}
	shown := 0
	_, err := Run(context.Background(), data, Options{Recipes: []recipe.Recipe{attentive{t: t, data: data, shown: &shown}}, Protocol: NextItem, Seed: 5, Now: clock()})
	if err != nil || shown != 60*4 {
		t.Errorf("%d were shown, want four to each of 60 users; %v", shown, err)
	}
}
