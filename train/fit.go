package train

import (
	"context"
	"fmt"
	"io"
	"maps"

	"usher/dataset"
	"usher/eval"
	"usher/internal/seed"
	"usher/recipe"
)

// work goes from the checkpoint to the model. What is chosen and measured by
// the first fit, on the training users, is known to the second, on everything.
func (c *child) work(ctx context.Context) error {
	r := byName(c.opt.Recipes)[c.req.Recipe]
	if r == nil {
		return &permanent{fmt.Errorf("this usher has no recipe %q", c.req.Recipe)}
	}
	c.report(stageStart, 0, "reading the data")
	data, err := c.read(ctx)
	if err != nil {
		return err
	}
	if !c.at.Refit {
		if err := c.evaluate(ctx, r, data); err != nil {
			return err
		}
		c.at.Refit, c.at.Fit = true, ""
		if err := c.save(ctx); err != nil {
			return err
		}
	}
	m, err := c.fit(ctx, r, data, stageRefit)
	if err != nil {
		return err
	}
	c.report(stageSave, 0, "")
	if err := writeBlob(ctx, c.opt.Blobs, c.req.Model, m.Save); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	if err := c.readBack(ctx, r); err != nil {
		return err
	}
	c.at.Model = c.req.Model
	return nil
}

// readBack loads the model that was written, so that a version is ACTIVE only if a
// campaign can have it.
func (c *child) readBack(ctx context.Context, r recipe.Recipe) error {
	f, err := c.opt.Blobs.Open(ctx, c.req.Model)
	if err != nil {
		return fmt.Errorf("read the model back: %w", err)
	}
	defer f.Close()
	if _, err := r.Load(f, f.Size()); err != nil {
		return &permanent{fmt.Errorf("the model that was written cannot be read: %w", err)}
	}
	return nil
}

// read gives the frozen data.
func (c *child) read(ctx context.Context) (*dataset.Snapshot, error) {
	f, err := c.opt.Blobs.Open(ctx, c.at.Snapshot)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return dataset.ReadSnapshot(&stoppableReader{ctx, f}, f.Size())
}

// evaluate trains without the test users and measures how well what they did
// next is found. Data without test users, or with nobody else, give no metrics.
func (c *child) evaluate(ctx context.Context, r recipe.Recipe, data *dataset.Snapshot) error {
	if r.Spec().Type == recipe.UserSegmentation { // it recommends nothing: it has measures of its own alone
		c.at.Metrics = map[string]float64{}
		return c.measureOwn(ctx, r, data)
	}
	from := seed.Seed(c.req.Seed).Branch("evaluation")
	part, cases := eval.Split(data, from)
	if len(cases) == 0 || len(part.Events) == 0 {
		return nil
	}
	if err := c.tune(ctx, r, part, from); err != nil {
		return err
	}
	m, err := c.fit(ctx, r, part, stageTrain)
	if err != nil {
		return err
	}
	if chooser, ok := m.(recipe.Chooser); ok {
		c.at.Choices = chooser.Choices()
	}
	a := asking{model: m, spec: r.Spec(), weights: recipe.EventWeights(data.EventTypes, c.req.Events), objective: c.req.Objective, workers: c.req.Workers, progress: func(done float64) {
		c.report(stageMeasure, done, fmt.Sprintf("%d test users", min(len(cases), casesMax)))
	}}
	if c.at.Metrics, err = a.measure(ctx, data, sample(cases, from)); err != nil {
		return err
	}
	return c.measureOwn(ctx, r, data)
}

// measureOwn takes the measures that only this recipe has.
func (c *child) measureOwn(ctx context.Context, r recipe.Recipe, data *dataset.Snapshot) error {
	measurer, ok := r.(recipe.Measurer)
	if !ok {
		return nil
	}
	own, err := measurer.Measure(ctx, recipe.Input{Data: data, Params: c.params(), Seed: seed.Seed(c.req.Seed), Workers: c.req.Workers})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return &permanent{err}
	}
	maps.Copy(c.at.Metrics, own)
	return nil
}

// params are the hyperparameters to train with: those that were found before
// those that were given.
func (c *child) params() recipe.Params {
	p := maps.Clone(c.req.Params)
	if p == nil && len(c.at.Tuned) > 0 {
		p = recipe.Params{}
	}
	maps.Copy(p, c.at.Tuned)
	return p
}

// fit trains one model.
func (c *child) fit(ctx context.Context, r recipe.Recipe, data *dataset.Snapshot, s stage) (recipe.Model, error) {
	return c.fitWith(ctx, r, data, s, c.params())
}

func (c *child) fitWith(ctx context.Context, r recipe.Recipe, data *dataset.Snapshot, s stage, p recipe.Params) (recipe.Model, error) {
	c.memory.Store(0)
	c.report(s, 0, "")
	cp := &fitCheckpoint{child: c, ctx: ctx}
	m, err := r.Train(ctx, recipe.Input{
		Data: data, Params: p, Weights: recipe.EventWeights(data.EventTypes, c.req.Events),
		Seed: seed.Seed(c.req.Seed), Workers: c.req.Workers, Tuned: c.at.Choices, Objective: c.objective(s),
		Checkpoint: cp, Progress: func(done float64, note string) { c.report(s, done, note) },
		Needs: c.memory.Store,
	})
	switch {
	case err == nil:
		return m, nil
	case context.Cause(ctx) != nil || cp.err != nil:
		return nil, err
	}
	return nil, &permanent{err}
}

// objective gives what a fit is to bring besides relevance. A search looks for the
// most relevant answers: what they are worth is weighed afterwards.
func (c *child) objective(s stage) *recipe.Objective {
	if s == stageSearch {
		return nil
	}
	return c.req.Objective
}

// stoppableReader gives an error once ctx is done.
type stoppableReader struct {
	ctx context.Context
	r   io.ReaderAt
}

func (s *stoppableReader) ReadAt(b []byte, at int64) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	return s.r.ReadAt(b, at)
}
