package train

import (
	"fmt"

	"usher/catalog"
	"usher/recipe"
	"usher/store"
)

// NewVersion gives a version of a solution that is to be trained by the
// solution's settings. The caller gives it its ARN and stores it.
func NewVersion(s *catalog.Solution) *catalog.SolutionVersion {
	return &catalog.SolutionVersion{
		Meta:   catalog.Meta{Group: s.Group, Parent: s.ARN, Status: catalog.Pending},
		Recipe: s.Recipe, EventType: s.EventType, PerformHPO: s.PerformHPO, PerformAutoML: s.PerformAutoML,
		PerformIncrementalUpdate: s.PerformIncrementalUpdate, TrainingMode: "FULL", TrainingType: "MANUAL",
		Config: s.Config, Params: s.Params, EventValueThreshold: s.EventValueThreshold, Seed: Seed,
	}
}

// Retrain starts the training of a recommender, whose Next it becomes. The caller
// stores r in the same transaction. A training that is under way is not started
// again.
func Retrain(tx *store.Tx, r *catalog.Recommender) error {
	if r.Next != "" {
		return nil
	}
	spec, ok := recipe.SpecOf(r.Recipe)
	if !ok {
		return fmt.Errorf("train recommender %s: no recipe %q in the table", r.ARN, r.Recipe)
	}
	v := &catalog.RecommenderVersion{SolutionVersion: catalog.SolutionVersion{
		Meta:   catalog.Meta{ARN: r.ARN + "/" + catalog.NewID(), Group: r.Group, Parent: r.ARN, Status: catalog.Pending},
		Recipe: r.Recipe, EventType: spec.Learns, Config: r.Config, TrainingMode: "FULL", TrainingType: "AUTOMATIC", Seed: Seed,
	}}
	if err := catalog.Create(tx, v); err != nil {
		return err
	}
	r.Next, r.Trained = v.ARN, tx.Now().UTC()
	return Enqueue(tx, v.ARN)
}
