package control

import (
	"errors"
	"fmt"
	"strings"

	"usher/catalog"
	"usher/store"
)

// record ties a catalog struct to its pointer.
type record[T any] interface {
	*T
	catalog.Record
}

// nouns are the kinds as the names of operations have them.
var nouns = map[catalog.Kind]string{
	catalog.KindDatasetGroup:    "DatasetGroup",
	catalog.KindSchema:          "Schema",
	catalog.KindDataset:         "Dataset",
	catalog.KindImportJob:       "DatasetImportJob",
	catalog.KindExportJob:       "DatasetExportJob",
	catalog.KindEventTracker:    "EventTracker",
	catalog.KindSolution:        "Solution",
	catalog.KindSolutionVersion: "SolutionVersion",
	catalog.KindCampaign:        "Campaign",
	catalog.KindFilter:          "Filter",
	catalog.KindRecommender:     "Recommender",

	catalog.KindBatchInferenceJob: "BatchInferenceJob",
	catalog.KindBatchSegmentJob:   "BatchSegmentJob",
	catalog.KindDataDeletionJob:   "DataDeletionJob",
	catalog.KindMetricAttribution: "MetricAttribution",
}

// get reads the record that an ARN of the caller's names: get[catalog.Solution](tx, a, arn).
func get[T any, P record[T]](tx *store.Tx, a *API, arn string) (P, error) {
	if _, err := a.parse(arn, P(new(T)).Kind()); err != nil {
		return nil, err
	}
	r, err := catalog.Get[T, P](tx, arn)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, absent(arn)
	}
	return r, err
}

// getReady is get for a resource that something is to be made from: it must be ACTIVE.
func getReady[T any, P record[T]](tx *store.Tx, a *API, arn string) (P, error) {
	r, err := get[T, P](tx, a, arn)
	if err != nil {
		return nil, err
	}
	if err := ready(r); err != nil {
		return nil, err
	}
	return r, nil
}

// ready gives an error unless a resource is ACTIVE: wait, where it may become so.
func ready(r catalog.Record) error {
	m := r.Common()
	switch {
	case m.Status == catalog.Active:
		return nil
	case m.Status.Transitional():
		return inUse("Resource Arn %s is %s. Wait until Describe%s says ACTIVE.", m.ARN, m.Status, nouns[r.Kind()])
	case m.FailureReason != "":
		return invalid("Resource Arn %s is %s and will not become ACTIVE: %s", m.ARN, m.Status, m.FailureReason)
	}
	return invalid("Resource Arn %s is %s and will not become ACTIVE. Create another one.", m.ARN, m.Status)
}

// create stores a new record and sees to the quota.
func (a *API) create(tx *store.Tx, r catalog.Record, q quota) error {
	err := catalog.Create(tx, r)
	if errors.Is(err, catalog.ErrExists) {
		return exists(r.Common().ARN, "")
	}
	if err != nil {
		return err
	}
	return a.within(tx, r, q)
}

// busy says whether work is being done on a resource or on its update.
func busy(r catalog.Record) bool {
	if r, ok := r.(*catalog.Recommender); ok {
		return r.Busy()
	}
	if c, ok := r.(*catalog.Campaign); ok && c.LatestUpdate != nil && c.LatestUpdate.Status.Transitional() {
		return true
	}
	return r.Common().Status.Transitional()
}

// some joins the first few names of a list.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// takenARN says whether a resource has the ARN.
func takenARN(tx *store.Tx, arn string) (bool, error) {
	_, err := catalog.Find(tx, arn)
	if errors.Is(err, catalog.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
