package catalog

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
	case KindEventTracker:
		return Get[EventTracker](tx, arn)
	case KindSolution:
		return Get[Solution](tx, arn)
	case KindSolutionVersion:
		return Get[SolutionVersion](tx, arn)
	case KindCampaign:
		return Get[Campaign](tx, arn)
	}
	return nil, fmt.Errorf("read %s: the database has a %q, which this usher does not know", arn, kind)
}

// Update stores a changed record and advances Revision and Updated. ErrConflict:
// it was changed or deleted since it was read.
func Update(tx *store.Tx, r Record) error {
	m := r.Common()
	body, err := json.Marshal(r)
	if err != nil {
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

// Query selects records for List. Empty fields select everything.
type Query struct {
	Group  string // only of this dataset group
	Parent string // only made from this
	Under  string // only made from something whose ARN lies below this: the campaigns of a solution
	After  string // only behind this position; "" from the start
	Limit  int    // at most so many; 0 for all
}

// List gives records newest first (creation time, then ID, so that pages are
// stable while records come and go), and the position after the last one, ""
// when there are no more. ErrPosition: After was not given by List.
func List[T any, P record[T]](tx *store.Tx, q Query) ([]P, string, error) {
	kind := P(new(T)).Kind()
	where, args, err := q.where(kind)
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", kind, err)
	}
	text := "select " + columns + " from resource where " + where + " order by created desc, id"
	if q.Limit > 0 {
		text += fmt.Sprintf(" limit %d", q.Limit+1) // one more tells whether there are more
	}
	rows, err := tx.Query(text, args...)
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", kind, err)
	}
	defer rows.Close()
	var out []P
	for rows.Next() {
		r := P(new(T))
		if err := scan(rows, r); err != nil {
			return nil, "", fmt.Errorf("list %s: %w", kind, err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("list %s: %w", kind, err)
	}
	if q.Limit == 0 || len(out) <= q.Limit {
		return out, "", nil
	}
	out = out[:q.Limit]
	return out, position(out[q.Limit-1].Common()), nil
}

// Count gives the number of records that a query selects (After and Limit are
// not looked at) and that have one of the statuses, any status when none is given.
func Count(tx *store.Tx, kind Kind, q Query, statuses ...Status) (int, error) {
	q.After = ""
	where, args, err := q.where(kind)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", kind, err)
	}
	for i, s := range statuses {
		args = append(args, s)
		where += [...]string{" or ", " and ("}[b2i(i == 0)] + fmt.Sprintf("status = $%d", len(args))
	}
	if len(statuses) > 0 {
		where += ")"
	}
	var n int
	if err := tx.QueryRow("select count(*) from resource where "+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", kind, err)
	}
	return n, nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// where gives the condition of a query, without Limit.
func (q Query) where(kind Kind) (string, []any, error) {
	text := "kind = $1"
	args := []any{kind}
	and := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		text += " and " + condition
	}
	if q.Group != "" {
		and("grp = ?", q.Group)
	}
	if q.Parent != "" {
		and("parent = ?", q.Parent)
	}
	if q.Under != "" {
		and("parent > ? and parent < ?", q.Under+"/", q.Under+"0") // "0" follows "/"
	}
	if q.After != "" {
		created, id, err := parsePosition(q.After)
		if err != nil {
			return "", nil, err
		}
		and("(created < ? or (created = ? and id > ?))", created, created, id)
	}
	return text, args, nil
}

// A position is the creation time and the ID of the last record that was given.
func position(m *Meta) string { return fmt.Sprintf("%d.%s", m.Created.UnixMicro(), m.ID) }

func parsePosition(s string) (created int64, id string, err error) {
	if n, err := fmt.Sscanf(s, "%d.%s", &created, &id); n != 2 || err != nil {
		return 0, "", fmt.Errorf("%q: %w", s, ErrPosition)
	}
	return created, id, nil
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
