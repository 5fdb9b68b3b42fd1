package serving

import (
	"context"
	"strings"

	"usher/catalog"
	"usher/history"
	"usher/recipe"
)

// A batch job is asked like a campaign, by its ARN: it answers with the version
// that it was created for, from its creation on.

// Explains says whether a recipe's answers tell why an item is among them
// (Item.Reason).
func Explains(spec recipe.Spec) bool { return explains(spec) }

// asksOnce says whether an ARN is of a batch job, which asks about each history once:
// what is made of it is not worth the memory of the campaigns' own.
func asksOnce(arn string) bool {
	return strings.Contains(arn, ":"+string(catalog.KindBatchInferenceJob)+"/")
}

// CatchUp returns when all is known that was said of the dataset group of a campaign or
// batch job before it was called: an import, for example, that was ACTIVE when the job
// was made.
func (s *Serving) CatchUp(ctx context.Context, arn string) error {
	g, err := s.Group(ctx, arn)
	if err != nil {
		return err
	}
	return g.CatchUp(ctx)
}

// Group gives what is known of the dataset group of a campaign or batch job.
func (s *Serving) Group(ctx context.Context, arn string) (*history.Group, error) {
	d, err := s.deployed(ctx, arn)
	if err != nil {
		return nil, err
	}
	return s.opt.History.Group(ctx, d.group)
}
