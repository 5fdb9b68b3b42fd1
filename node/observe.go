package node

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/job"
	"usher/store"
)

// answered is a kind of answer of the APIs, and answeredSeries what counts it.
type (
	answered struct {
		service, operation string
		status             int
		code               string
	}
	answeredSeries struct {
		requests *metrics.Counter
		seconds  *metrics.Summary
	}
)

// observe counts the answers of the APIs by service, operation and status. Names
// of series are written once: that costs more than counting.
func observe(set *metrics.Set) func(service, operation string, status int, code string, seconds float64) {
	var known sync.Map // answered → answeredSeries; operations and codes are ours, so there are few
	return func(service, operation string, status int, code string, seconds float64) {
		a := answered{service, operation, status, code}
		v, ok := known.Load(a)
		if !ok {
			v, _ = known.LoadOrStore(a, answeredSeries{
				set.GetOrCreateCounter(fmt.Sprintf(`usher_requests_total{service=%q,operation=%q,status=%q,error=%q}`, service, operation, strconv.Itoa(status), code)),
				set.GetOrCreateSummary(fmt.Sprintf(`usher_request_seconds{service=%q,operation=%q}`, service, operation)),
			})
		}
		v.(answeredSeries).requests.Inc()
		v.(answeredSeries).seconds.Update(seconds)
	}
}

// outcome is how a job ended, under CloudWatch's names.
type outcome struct {
	name, labels string
	seconds      float64
	failed, over bool
}

// counted counts the jobs of a worker when they are over: requests, errors and
// execution time, in the names of CloudWatch's AWS/Personalize namespace.
func counted(w job.Worker, db *store.DB, set *metrics.Set, read func(tx *store.Tx, arn string) (outcome, error)) job.Worker {
	return &countedWorker{w, db, set, read}
}

type countedWorker struct {
	job.Worker
	db   *store.DB
	set  *metrics.Set
	read func(tx *store.Tx, arn string) (outcome, error)
}

// Run implements job.Worker.
func (c *countedWorker) Run(ctx context.Context, t *job.Task) error {
	err := c.Worker.Run(ctx, t)
	var o outcome
	// The job's own result is what counts; what cannot be read is not counted.
	if rerr := c.db.View(context.WithoutCancel(ctx), func(tx *store.Tx) (err error) { o, err = c.read(tx, t.Key); return err }); rerr != nil || !o.over {
		return err
	}
	c.set.GetOrCreateCounter(o.name + "Requests" + o.labels).Inc()
	if o.failed {
		c.set.GetOrCreateCounter(o.name + "Error" + o.labels).Inc()
	}
	c.set.GetOrCreateSummary(o.name + "ExecutionTime" + o.labels).Update(o.seconds)
	return err
}

func ended(m *catalog.Meta) outcome {
	return outcome{over: !m.Status.Transitional(), failed: m.Status == catalog.Failed, seconds: m.Updated.Sub(m.Created).Seconds()}
}

func importRecord(tx *store.Tx, arn string) (outcome, error) {
	j, err := catalog.Get[catalog.ImportJob](tx, arn)
	if err != nil {
		return outcome{}, err
	}
	o := ended(&j.Meta)
	o.name, o.labels = "DatasetImportJob", fmt.Sprintf(`{DatasetGroupArn=%q,DatasetArn=%q}`, j.Group, j.Parent)
	return o, nil
}

func versionRecord(tx *store.Tx, arn string) (outcome, error) {
	v, err := catalog.Find(tx, arn)
	if err != nil {
		return outcome{}, err
	}
	o := ended(v.Common())
	o.name, o.labels = "SolutionTrainingJob", fmt.Sprintf(`{SolutionArn=%q}`, v.Common().Parent)
	if v.Kind() == catalog.KindRecommenderVersion {
		o.name, o.labels = "RecommenderTrainingJob", fmt.Sprintf(`{RecommenderArn=%q}`, v.Common().Parent)
	}
	return o, nil
}
