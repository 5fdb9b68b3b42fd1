package catalog

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"usher/store"
)

// record ties a struct to its pointer, which is the Record.
type record[T any] interface {
	*T
	Record
}

// Create stores a new record. ErrExists: the ARN is taken.
func Create(tx *store.Tx, r Record) error {
	m := r.Common()
	var taken int
	if err := tx.QueryRow("select count(*) from resource where arn = $1", m.ARN).Scan(&taken); err != nil {
		return fmt.Errorf("create %s: %w", m.ARN, err)
	}
	if taken > 0 {
		return fmt.Errorf("create %s: %w", m.ARN, ErrExists)
	}
	// The clock may stand still or go back; the order of creation may not.
	var last int64
	err := tx.QueryRow("select coalesce(max(created), 0) from resource where kind = $1", r.Kind()).Scan(&last)
	if err != nil {
		return fmt.Errorf("create %s: %w", m.ARN, err)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("create %s: %w", m.ARN, err)
	}
	created := max(tx.Now().UnixMicro(), last+1)
	id := NewID()
	_, err = tx.Exec(`insert into resource(arn, id, kind, name, grp, parent, status, created, updated, revision, body)
		values($1, $2, $3, $4, $5, $6, $7, $8, $8, 1, $9)`,
		m.ARN, id, r.Kind(), m.Name, m.Group, m.Parent, m.Status, created, string(body))
	if err != nil {
		return fmt.Errorf("create %s: %w", m.ARN, err)
	}
	m.ID, m.Revision = id, 1
	m.Created = time.UnixMicro(created).UTC()
	m.Updated = m.Created
	tx.Notify(Topic, m.ARN)
	return nil
}

// NewID gives 16 random hex digits. They name things only: no model and no
// answer depends on them, so they need no seed.
func NewID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never gives an error
	return hex.EncodeToString(b[:])
}

// Get reads the record of that ARN and type: catalog.Get[catalog.Solution](tx, arn).
// ErrNotFound: no record of that type has the ARN.
func Get[T any, P record[T]](tx *store.Tx, arn string) (P, error) {
	r := P(new(T))
	row := tx.QueryRow("select "+columns+" from resource where arn = $1 and kind = $2", arn, r.Kind())
	if err := scan(row, r); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNotFound
		}
		return nil, fmt.Errorf("read %s %s: %w", r.Kind(), arn, err)
	}
	return r, nil
}

// Find reads the record of that ARN, whatever its type. ErrNotFound: no record
// has the ARN.
func Find(tx *store.Tx, arn string) (Record, error) {
	var kind Kind
	err := tx.QueryRow("select kind from resource where arn = $1", arn).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", arn, err)
	}
	switch kind {
	case KindDatasetGroup:
		return Get[DatasetGroup](tx, arn)
	case KindSchema:
		return Get[Schema](tx, arn)
	case KindDataset:
		return Get[Dataset](tx, arn)
	case KindImportJob:
		return Get[ImportJob](tx, arn)
	case KindExportJob:
		return Get[ExportJob](tx, arn)
	case KindEventTracker:
		return Get[EventTracker](tx, arn)
	case KindSolution:
		return Get[Solution](tx, arn)
	case KindSolutionVersion:
		return Get[SolutionVersion](tx, arn)
	case KindCampaign:
		return Get[Campaign](tx, arn)
	case KindFilter:
		return Get[Filter](tx, arn)
	case KindRecommender:
		return Get[Recommender](tx, arn)
	case KindRecommenderVersion:
		return Get[RecommenderVersion](tx, arn)
	case KindBatchInferenceJob:
		return Get[BatchInferenceJob](tx, arn)
	case KindDataDeletionJob:
		return Get[DeletionJob](tx, arn)
	case KindBatchSegmentJob:
		return Get[BatchSegmentJob](tx, arn)
	case KindMetricAttribution:
		return Get[MetricAttribution](tx, arn)
	case KindAttributionCounts:
		return Get[AttributionCounts](tx, arn)
	}
	return nil, fmt.Errorf("read %s: the database has a %q, which this usher does not know", arn, kind)
}

// Update stores a changed record and advances Revision and Updated. ErrConflict:
// it was changed or deleted since it was read. ErrMove: its kind's lifecycle does
// not have the change of status.
func Update(tx *store.Tx, r Record) error {
	m := r.Common()
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("update %s: %w", m.ARN, err)
	}
	if err := checkMove(tx, r); err != nil {
		return fmt.Errorf("update %s: %w", m.ARN, err)
	}
	updated := max(tx.Now().UnixMicro(), m.Updated.UnixMicro())
	// The ID, not the ARN: an ARN may have been given to a new resource since.
	n, err := tx.Exec(`update resource set name = $1, grp = $2, parent = $3, status = $4, updated = $5,
		revision = revision + 1, body = $6 where id = $7 and revision = $8`,
		m.Name, m.Group, m.Parent, m.Status, updated, string(body), m.ID, m.Revision)
	if err == nil && n == 0 {
		err = ErrConflict
	}
	if err != nil {
		return fmt.Errorf("update %s: %w", m.ARN, err)
	}
	m.Revision++
	m.Updated = time.UnixMicro(updated).UTC()
	tx.Notify(Topic, m.ARN)
	return nil
}

// checkMove gives an error unless a record may get the status that it has now.
func checkMove(tx *store.Tx, r Record) error {
	m := r.Common()
	var from Status
	err := tx.QueryRow("select status from resource where id = $1 and revision = $2", m.ID, m.Revision).Scan(&from)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrConflict
	case err != nil:
		return err
	case !r.Kind().May(from, m.Status):
		return fmt.Errorf("a %s from %q to %q: %w", r.Kind().words(), from, m.Status, ErrMove)
	}
	return nil
}

// Fail publishes that the work on a resource failed, with a reason for its owner.
func Fail[T any, P record[T]](tx *store.Tx, arn, reason string) error {
	r, err := Get[T, P](tx, arn)
	if err != nil {
		return err
	}
	m := r.Common()
	m.Status, m.FailureReason = Failed, reason
	return Update(tx, r)
}

// Delete removes a record of the revision that was read. ErrConflict: it was
// changed or deleted since.
func Delete(tx *store.Tx, r Record) error {
	m := r.Common()
	n, err := tx.Exec("delete from resource where id = $1 and revision = $2", m.ID, m.Revision)
	if err == nil && n == 0 {
		err = ErrConflict
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", m.ARN, err)
	}
	tx.Notify(Topic, m.ARN)
	return nil
}

const columns = "arn, id, name, grp, parent, status, created, updated, revision, body"

func scan(row interface{ Scan(...any) error }, r Record) error {
	m := r.Common()
	var created, updated int64
	var body string
	err := row.Scan(&m.ARN, &m.ID, &m.Name, &m.Group, &m.Parent, &m.Status, &created, &updated, &m.Revision, &body)
	if err != nil {
		return err
	}
	m.Created, m.Updated = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	if err := json.Unmarshal([]byte(body), r); err != nil {
		return fmt.Errorf("record %s is damaged: %w", m.ARN, err)
	}
	return nil
}
