// Package ingest brings the customer's data into a group's log: CSV files as
// parts, live events and records one by one.
package ingest

import (
	"usher/dataset"
	"usher/job"
	"usher/store"
)

// ImportJob is the kind of the job that carries out a dataset import.
const ImportJob job.Kind = "import"

// Enqueue starts the import whose record (CREATE PENDING) is in the same transaction.
func Enqueue(tx *store.Tx, importARN string) error { return job.Enqueue(tx, ImportJob, importARN, nil) }

// Ingest writes to the logs.
type Ingest struct {
}

// SetSchema records in a group's log that a dataset has this schema from now on.
func (g *Ingest) SetSchema(tx *store.Tx, groupID string, s dataset.SchemaSet) error { panic("todo") }

// Clear records that a dataset was deleted with its data.
func (g *Ingest) Clear(tx *store.Tx, groupID string, t dataset.Type) error { panic("todo") }
