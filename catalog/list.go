package catalog

import (
	"fmt"
	"strings"

	"usher/store"
)

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
	if len(statuses) > 0 {
		marks := make([]string, len(statuses))
		for i, s := range statuses {
			args = append(args, s)
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		where += " and status in (" + strings.Join(marks, ", ") + ")"
	}
	var n int
	if err := tx.QueryRow("select count(*) from resource where "+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", kind, err)
	}
	return n, nil
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
