package catalog

import (
	"slices"
	"strings"

	"usher/store"
)

// working are the statuses of work that is under way.
var working = []Status{Pending, InProgress, Stopping, DeletionPending, DeletionInProgress}

// relations says what blocks the delete of a resource: records of a kind that
// are linked to it by a column, all of them or those under work.
var relations = map[Kind][]relation{
	KindSchema: {{KindDataset, byParent, nil}},
	KindDataset: {
		{KindImportJob, byParent, working},
		{KindExportJob, byParent, working},
		{KindSolutionVersion, bySameGroup, working},
		{KindRecommender, bySameGroup, working},
		{KindDataDeletionJob, bySameGroup, working},
	},
	KindDatasetGroup: {
		{KindDataset, byGroup, nil},
		{KindEventTracker, byGroup, nil},
		{KindSolution, byGroup, nil},
		{KindCampaign, byGroup, nil},
		{KindFilter, byGroup, nil},
		{KindRecommender, byGroup, nil},
		{KindMetricAttribution, byGroup, nil},
		{KindDataDeletionJob, byGroup, working},
	},
	KindFilter: {
		{KindBatchInferenceJob, bySameGroup, working},
		{KindBatchSegmentJob, bySameGroup, working},
	},
	KindSolution: {
		{KindSolutionVersion, byParent, working},
		{KindCampaign, byParentUnder, nil},
		{KindBatchInferenceJob, byParentUnder, working},
		{KindBatchSegmentJob, byParentUnder, working},
	},
}

type relation struct {
	kind     Kind
	link     link
	statuses []Status // nil: all
}

// link says which column ties records to the resource.
type link struct {
	words string // for docs/lifecycle.md
	query func(m *Meta) Query
}

var (
	byParent      = link{"of it", func(m *Meta) Query { return Query{Parent: m.ARN} }}
	byParentUnder = link{"of its versions", func(m *Meta) Query { return Query{Under: m.ARN} }}
	byGroup       = link{"in it", func(m *Meta) Query { return Query{Group: m.ARN} }}
	bySameGroup   = link{"of its dataset group", func(m *Meta) Query { return Query{Group: m.Group} }}
)

// Blockers gives the ARNs of the resources that must be gone or done before r
// may be deleted, r itself while work on it is under way. None: it may.
func Blockers(tx *store.Tx, r Record) ([]string, error) {
	m := r.Common()
	var out []string
	if m.Status.Transitional() || updating(r) {
		out = append(out, m.ARN)
	}
	for _, rel := range relations[r.Kind()] {
		arns, err := linked(tx, rel.kind, rel.link.query(m), rel.statuses)
		if err != nil {
			return nil, err
		}
		out = append(out, arns...)
	}
	if r.Kind() == KindSolution { // campaigns that are about to change to one of its versions
		campaigns, _, err := List[Campaign](tx, Query{Group: m.Group})
		if err != nil {
			return nil, err
		}
		for _, c := range campaigns {
			u := c.LatestUpdate
			if u != nil && u.Status.Transitional() && strings.HasPrefix(u.Version, m.ARN+"/") && !slices.Contains(out, c.ARN) {
				out = append(out, c.ARN)
			}
		}
	}
	return out, nil
}

// updating says whether a resource that answers is being changed.
func updating(r Record) bool {
	switch r := r.(type) {
	case *Campaign:
		return r.LatestUpdate != nil && r.LatestUpdate.Status.Transitional()
	case *Recommender:
		return r.LatestUpdate != nil && r.LatestUpdate.Status.Transitional()
	}
	return false
}

// linked gives the ARNs of the records that a query selects, oldest first.
func linked(tx *store.Tx, kind Kind, q Query, statuses []Status) ([]string, error) {
	where, args, err := q.where(kind)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query("select arn, status from resource where "+where+" order by created, id", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var arn string
		var s Status
		if err := rows.Scan(&arn, &s); err != nil {
			return nil, err
		}
		if statuses == nil || slices.Contains(statuses, s) {
			out = append(out, arn)
		}
	}
	return out, rows.Err()
}

// owned says which records have no life without the resource: they go with it.
var owned = map[Kind][]relation{
	KindDatasetGroup: {{KindDataDeletionJob, byGroup, nil}},
	KindDataset:      {{KindImportJob, byParent, nil}, {KindExportJob, byParent, nil}},
	KindSolution: {
		{KindSolutionVersion, byParent, nil},
		{KindBatchInferenceJob, byParentUnder, nil},
		{KindBatchSegmentJob, byParentUnder, nil},
	},
	KindRecommender:       {{KindRecommenderVersion, byParent, nil}},
	KindMetricAttribution: {{KindAttributionCounts, byParent, nil}},
}

// Owned says whether resources of a kind have no delete of their own: they go
// with another one.
func Owned(k Kind) bool {
	for _, list := range owned {
		if slices.ContainsFunc(list, func(rel relation) bool { return rel.kind == k }) {
			return true
		}
	}
	return false
}

// Members gives what is in a dataset group, in an order in which it can be
// deleted: what is made from another before that, what goes with another too.
// Versions of recommenders, which nobody is told of, are left out.
func Members(tx *store.Tx, g *DatasetGroup) ([]Record, error) {
	var out []Record
	for _, kind := range memberOrder {
		arns, err := linked(tx, kind, byGroup.query(&g.Meta), nil)
		if err != nil {
			return nil, err
		}
		for _, arn := range arns {
			r, err := Find(tx, arn)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// memberOrder is the kinds that can be in a group, blockers before what they block.
var memberOrder = []Kind{
	KindBatchInferenceJob, KindBatchSegmentJob, KindImportJob, KindExportJob, KindDataDeletionJob,
	KindCampaign, KindRecommender, KindFilter, KindMetricAttribution, KindEventTracker, KindSolutionVersion, KindSolution, KindDataset,
}

// DeleteAll deletes a record and those that have no life without it: jobs, and
// the versions of a solution or recommender. Ask Blockers first.
func DeleteAll(tx *store.Tx, r Record) error {
	for _, rel := range owned[r.Kind()] {
		arns, err := linked(tx, rel.kind, rel.link.query(r.Common()), rel.statuses)
		if err != nil {
			return err
		}
		for _, arn := range arns {
			child, err := Find(tx, arn)
			if err != nil {
				return err
			}
			if err := Delete(tx, child); err != nil {
				return err
			}
		}
	}
	return Delete(tx, r)
}
