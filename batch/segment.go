package batch

import (
	"context"
	"fmt"

	"usher/catalog"
	"usher/job"
	"usher/recipe"
	"usher/serving"
	"usher/store"
)

// SegmentJob is the kind of the job that carries out a batch segment job.
const SegmentJob job.Kind = "segment"

// AWS's quotas of the questions of a segment job's file.
const (
	itemsMost      = 500
	attributesMost = 10
)

// EnqueueSegment starts the batch segment job whose record (CREATE PENDING) is in the
// same transaction.
func EnqueueSegment(tx *store.Tx, arn string) error { return job.Enqueue(tx, SegmentJob, arn, nil) }

// Segmenter gives the worker for jobs of kind SegmentJob.
func (b *Batch) Segmenter() job.Worker {
	return answering[catalog.BatchSegmentJob, *catalog.BatchSegmentJob]{b, b.segments}
}

// segments prepares a batch segment job.
func (b *Batch) segments(ctx context.Context, j *catalog.BatchSegmentJob) (*lines, error) {
	name, err := b.opt.Serving.Recipe(ctx, j.ARN)
	if err != nil {
		return nil, err
	}
	spec, ok := recipe.SpecOf(name)
	if !ok {
		return nil, job.Permanent(fmt.Errorf("batch segments %s: no recipe %q in the table", j.ARN, name))
	}
	s := &segmenting{asks: b.opt.Serving, job: j.ARN, results: int(j.Results), filter: j.Filter}
	l := newLines(j.BatchFiles, s.answer)
	if b.opt.Quotas {
		l.lineLimit = attributesMost
		if spec.NeedsItem {
			l.lineLimit = itemsMost
		}
	}
	return l, nil
}

// segmenting answers the questions of a segment job.
type segmenting struct {
	asks    *serving.Serving
	job     string // ARN
	results int
	filter  string
}

// answer appends the line that answers a question.
func (s *segmenting) answer(ctx context.Context, question, to []byte) ([]byte, bool, error) {
	q, err := parseQuestion(question)
	var users []string
	if err == nil {
		err = filterable(s.filter, q)
	}
	if err == nil {
		users, err = s.asks.Segment(ctx, serving.Segment{Job: s.job, Item: string(q.Item), Attributes: q.Attributes, Results: s.results,
			Filter: serving.Filtering{ARN: s.filter, Values: q.FilterValues}})
	}
	if text, ok := mistake(err); ok {
		return appendMistake(to, question, text), true, nil
	}
	if err != nil {
		return nil, false, err
	}
	to = append(appendInput(to, question), `,"output":{"usersList":[`...)
	for i, u := range users {
		to = appendText(comma(to, i), u)
	}
	return append(to, `]},"error":null}`...), false, nil
}

// filterable gives an error when a question has values for a filter that its job
// does not have.
func filterable(filter string, q *question) error {
	if filter == "" && len(q.FilterValues) > 0 {
		return customer("filterValues are given, but the job has no filterArn. Leave them out, or create the job with a filter.")
	}
	return nil
}
