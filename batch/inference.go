package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"usher/catalog"
	"usher/job"
	"usher/recipe"
	"usher/serving"
	"usher/store"
)

// InferenceJob is the kind of the job that carries out a batch inference.
const InferenceJob job.Kind = "inference"

// EnqueueInference starts the batch inference whose record (CREATE PENDING) is in
// the same transaction.
func EnqueueInference(tx *store.Tx, arn string) error {
	return job.Enqueue(tx, InferenceJob, arn, nil)
}

// Inferrer gives the worker for jobs of kind InferenceJob.
func (b *Batch) Inferrer() job.Worker {
	return answering[catalog.BatchInferenceJob, *catalog.BatchInferenceJob]{b, b.inference}
}

// filed is a record of a job that answers files.
type filed[T any] interface {
	*T
	catalog.Record
	Answered(questions, mistaken int64)
}

// answering is the worker of the jobs that answer files of questions. prepare
// gives the part that depends on the kind.
type answering[T any, P filed[T]] struct {
	*Batch
	prepare func(ctx context.Context, r P) (*lines, error)
}

// Run implements job.Worker.
func (a answering[T, P]) Run(ctx context.Context, t *job.Task) error {
	var r P
	err := t.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = catalog.Get[T, P](tx, t.Key); err != nil {
			return err
		}
		r.Common().Status = catalog.InProgress
		return catalog.Update(tx, r)
	})
	if notFound(err) { // deleted with its solution: nothing is left to do
		return t.Finish(ctx, func(*store.Tx) error { return nil })
	}
	if err != nil {
		return err
	}
	var l *lines
	if err = a.opt.Serving.CatchUp(ctx, t.Key); err == nil {
		l, err = a.prepare(ctx, r)
	}
	if err == nil {
		l.Batch, l.task, l.chunks = a.Batch, t, chunksOf(r.Common())
		err = l.run(ctx)
	}
	if err != nil && context.Cause(ctx) == nil {
		return a.failed(ctx, t, r, err)
	}
	if err != nil {
		return err
	}
	if err := t.Finish(ctx, func(tx *store.Tx) error { return settle[T, P](tx, t.Key, l.state) }); err != nil {
		return err
	}
	a.opt.Log.Info("batch job finished", "job", t.Key, "files", len(l.files), "lines", l.state.Lines, "mistaken", l.state.Failed)
	return nil
}

// failed settles a job that its customer can mend; all other errors are tried again.
func (a answering[T, P]) failed(ctx context.Context, t *job.Task, r P, err error) error {
	var c *customerError
	var inv *serving.Invalid
	if !errors.As(err, &c) && !errors.As(err, &inv) {
		return err
	}
	ferr := t.Finish(ctx, func(tx *store.Tx) error { return catalog.Fail[T, P](tx, t.Key, err.Error()) })
	return errors.Join(ferr, a.eraseChunks(ctx, chunksOf(r.Common())))
}

// settle publishes that a job is done, and what came of it.
func settle[T any, P filed[T]](tx *store.Tx, arn string, s linesState) error {
	r, err := catalog.Get[T, P](tx, arn)
	if err != nil {
		return err
	}
	r.Common().Status = catalog.Active
	r.Answered(s.Lines, s.Failed)
	return catalog.Update(tx, r)
}

// Abandon implements job.Worker. Files that are finished stay: they are whole.
func (a answering[T, P]) Abandon(tx *store.Tx, key string, _ json.RawMessage, cause error) error {
	r, err := catalog.Get[T, P](tx, key)
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.eraseChunks(context.Background(), chunksOf(r.Common())); err != nil {
		a.opt.Log.Warn("erase what a batch job left", "job", key, "error", err)
	}
	return catalog.Fail[T, P](tx, key, "The batch job was given up: "+cause.Error())
}

// chunksOf is the beginning of the names of a job's chunks.
func chunksOf(m *catalog.Meta) string { return "batch/" + m.ID + "/" }

// eraseChunks deletes the chunks that are left of a job.
func (b *Batch) eraseChunks(ctx context.Context, prefix string) error {
	for info, err := range b.opt.Blobs.List(ctx, prefix) {
		if err != nil {
			return err
		}
		if err := b.opt.Blobs.Delete(ctx, info.Name); err != nil {
			return err
		}
	}
	return nil
}

// inference prepares a batch inference.
func (b *Batch) inference(ctx context.Context, j *catalog.BatchInferenceJob) (*lines, error) {
	name, err := b.opt.Serving.Recipe(ctx, j.ARN)
	if err != nil {
		return nil, err
	}
	spec, ok := recipe.SpecOf(name)
	if !ok {
		return nil, job.Permanent(fmt.Errorf("batch inference %s: no recipe %q in the table", j.ARN, name))
	}
	i := &inference{asks: b.opt.Serving, job: j.ARN, results: int(j.Results), filter: j.Filter, spec: spec}
	l := newLines(j.BatchFiles, i.answer)
	if b.opt.Quotas {
		l.lineLimit = questionsMost
	}
	if j.ItemName == "" {
		return l, nil
	}
	group, err := b.opt.Serving.Group(ctx, j.ARN)
	if err != nil {
		return nil, err
	}
	i.themes = newLabeller(group, j.ItemName)
	i.themes.ask, i.themes.log = b.opt.Theme, b.opt.Log
	if b.opt.Quotas {
		l.lineLimit = themesMost
	}
	return l, nil
}

// newLines gives the run of a job over its files.
func newLines(f catalog.BatchFiles, answer func(ctx context.Context, question, to []byte) ([]byte, bool, error)) *lines {
	return &lines{
		input:  strings.TrimPrefix(f.Input, "s3://"),
		output: strings.TrimSuffix(strings.TrimPrefix(f.Output, "s3://"), "/") + "/",
		answer: answer,
	}
}

// inference answers the questions of a job.
type inference struct {
	asks    *serving.Serving
	job     string // ARN, which serving answers like a campaign
	results int
	filter  string
	spec    recipe.Spec
	themes  *labeller // nil: no themes
}

// answer appends the line that answers a question.
func (i *inference) answer(ctx context.Context, question, to []byte) ([]byte, bool, error) {
	q, err := parseQuestion(question)
	var a *serving.Answer
	if err == nil {
		a, err = i.ask(ctx, q)
	}
	if text, ok := mistake(err); ok {
		return appendMistake(to, question, text), true, nil
	}
	if err != nil {
		return nil, false, err
	}
	to = appendInput(to, question)
	to = append(to, `,"output":{`...)
	if i.themes == nil {
		to = appendItems(to, a.Items, i.spec)
	} else {
		items, t := i.themes.arrange(a.Items)
		t.text = i.themes.better(ctx, t.text, items)
		to = appendTheme(appendItems(to, items, i.spec), t)
	}
	return append(to, `},"error":null}`...), false, nil
}

// ask has a question answered.
func (i *inference) ask(ctx context.Context, q *question) (*serving.Answer, error) {
	if err := filterable(i.filter, q); err != nil {
		return nil, err
	}
	f := serving.Filtering{ARN: i.filter, Values: q.FilterValues}
	if i.spec.Type != recipe.PersonalizedRanking {
		return i.asks.Recommend(ctx, serving.Request{Campaign: i.job, User: string(q.User), Item: string(q.Item), Results: i.results, Context: q.Context, Filter: f})
	}
	list, err := i.list(q)
	if err != nil {
		return nil, err
	}
	return i.asks.Rank(ctx, serving.Ranking{Campaign: i.job, User: string(q.User), Items: list, Context: q.Context, Filter: f})
}

// rankedMost is how many items a line can have ranked, as a request can.
const rankedMost = 500

// list gives the items of a line that is to be ranked.
func (i *inference) list(q *question) ([]string, error) {
	switch n := len(q.Items); {
	case n == 0:
		return nil, customer("itemList is missing. The recipe %s ranks a list of yours: give the ids of the items.", i.spec.Name)
	case n > rankedMost:
		return nil, customer("itemList has %d items. At most %d can be ranked in a line.", n, rankedMost)
	}
	list := make([]string, len(q.Items))
	for k, id := range q.Items {
		if id == "" {
			return nil, customer("itemList has no id at place %d. Give the ids of items.", k+1)
		}
		list[k] = string(id)
	}
	return list, nil
}

// mistake gives the text of an error that is about the question.
func mistake(err error) (string, bool) {
	var c *customerError
	var inv *serving.Invalid
	var no *serving.NoFilter
	if errors.As(err, &c) || errors.As(err, &inv) || errors.As(err, &no) {
		return err.Error(), true
	}
	return "", false
}
