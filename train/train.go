// Package train makes solution versions.
package train

import (
	"usher/job"
	"usher/store"
)

// Job is the kind of the job that trains a solution version.
const Job job.Kind = "train"

// Enqueue starts the training of a version whose record (CREATE PENDING) is in the same transaction.
func Enqueue(tx *store.Tx, versionARN string) error { return job.Enqueue(tx, Job, versionARN, nil) }
