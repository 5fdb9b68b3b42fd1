// Package serving holds the live models and the path of a request: campaign →
// model, history, filter, ranking, numbers back to ids.
package serving

import (
	"usher/job"
	"usher/store"
)

// DeployJob is the kind of the job that makes a campaign, or its update, answer.
const DeployJob job.Kind = "deploy"

// Enqueue starts the deployment of a campaign whose record (CREATE PENDING), or
// whose LatestUpdate (CREATE PENDING), is in the same transaction.
func Enqueue(tx *store.Tx, campaignARN string) error {
	return job.Enqueue(tx, DeployJob, campaignARN, nil)
}
