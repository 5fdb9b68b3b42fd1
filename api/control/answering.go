package control

import (
	"context"
	"time"

	"usher/batch"
	"usher/catalog"
	"usher/job"
	"usher/store"
)

// AnsweringJob is a batch inference or segment job with what AWS does not tell: how far
// it is, and how many lines it answered.
type AnsweringJob struct {
	ARN           string          `json:"arn"`
	Status        catalog.Status  `json:"status"`
	FailureReason string          `json:"failureReason,omitempty"`
	Created       time.Time       `json:"creationDateTime"`
	Updated       time.Time       `json:"lastUpdatedDateTime"`
	Progress      *batch.Progress `json:"progress,omitempty"` // while it is under way
	Report        *AnsweredLines  `json:"report,omitempty"`   // once it is ACTIVE
}

// AnsweredLines counts the lines of a job's files.
type AnsweredLines struct {
	Lines    int64 `json:"lines"`
	Mistaken int64 `json:"mistaken"` // of them, those whose answer is what is wrong with them
}

// DescribeBatchInference shows how the batch inference of that name is going.
func (a *API) DescribeBatchInference(ctx context.Context, name string) (*AnsweringJob, error) {
	return read(ctx, a, func(tx *store.Tx) (*AnsweringJob, error) {
		j, err := get[catalog.BatchInferenceJob](tx, a, a.opt.ARNs.Of(catalog.KindBatchInferenceJob, name))
		if err != nil {
			return nil, err
		}
		return answeringJob(tx, batch.InferenceJob, &j.Meta, &j.BatchFiles)
	})
}

// DescribeBatchSegment shows how the batch segment job of that name is going.
func (a *API) DescribeBatchSegment(ctx context.Context, name string) (*AnsweringJob, error) {
	return read(ctx, a, func(tx *store.Tx) (*AnsweringJob, error) {
		j, err := get[catalog.BatchSegmentJob](tx, a, a.opt.ARNs.Of(catalog.KindBatchSegmentJob, name))
		if err != nil {
			return nil, err
		}
		return answeringJob(tx, batch.SegmentJob, &j.Meta, &j.BatchFiles)
	})
}

func answeringJob(tx *store.Tx, kind job.Kind, m *catalog.Meta, f *catalog.BatchFiles) (out *AnsweringJob, err error) {
	out = &AnsweringJob{ARN: m.ARN, Status: m.Status, FailureReason: m.FailureReason, Created: m.Created, Updated: m.Updated}
	if m.Status == catalog.Active {
		out.Report = &AnsweredLines{f.Questions, f.Mistaken}
	}
	out.Progress, err = batch.ProgressOf(tx, kind, m.ARN)
	return out, err
}
