package control

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"usher/catalog"
	"usher/store"
	wire "usher/wire/personalize"
)

// quota is how many records of a kind may be at once, as AWS has it: in all or
// in the record's group, whatever their status or only those under work.
type quota struct {
	most    int // AWS's number; 0: no quota
	inGroup bool
	pending bool
}

// The quotas of the developer guide that concern one operation each,
// https://docs.aws.amazon.com/personalize/latest/dg/limits.html
var (
	unlimited           = quota{}
	quotaSchemas        = quota{most: 500}
	quotaDatasetGroups  = quota{most: 5}
	quotaImportJobs     = quota{most: 5, pending: true}
	quotaSolutions      = quota{most: 10, inGroup: true}
	quotaVersions       = quota{most: 20, pending: true}
	quotaCampaigns      = quota{most: 5, inGroup: true}
	quotaRecommenders   = quota{most: 5, inGroup: true}
	pendingOrInProgress = []catalog.Status{catalog.Pending, catalog.InProgress, catalog.DeletionPending, catalog.DeletionInProgress}
)

// quotaNouns are the kinds as they stand in AWS's texts.
var quotaNouns = map[catalog.Kind]string{
	catalog.KindSchema:       "schema",
	catalog.KindDatasetGroup: "dataset group",
	catalog.KindSolution:     "solution",
	catalog.KindCampaign:     "campaign",
	catalog.KindFilter:       "filter",
	catalog.KindRecommender:  "recommender",
}

// Names of quotas that are not those of a kind: of the columns that filters look at.
const (
	quotaFilterFields = "filter-fields"
	quotaGroupFields  = "dataset-group-filter-fields"
)

// quotaNames are the quotas that can be changed: kinds as in ARNs, and columns.
var quotaNames = []string{
	string(catalog.KindDatasetGroup), string(catalog.KindSchema), string(catalog.KindSolution), string(catalog.KindSolutionVersion),
	string(catalog.KindCampaign), string(catalog.KindRecommender), string(catalog.KindFilter), string(catalog.KindImportJob),
	string(catalog.KindExportJob), string(catalog.KindBatchInferenceJob), string(catalog.KindBatchSegmentJob), string(catalog.KindDataDeletionJob),
	quotaFilterFields, quotaGroupFields,
}

// Quotas say which quotas hold. The zero value has none.
type Quotas struct {
	AWS     bool           // those of AWS
	Changed map[string]int // by name, other numbers than AWS's; 0 lifts one
}

// ParseQuotas reads a file of quotas, a JSON object of names and numbers. Those
// that it does not name are AWS's.
func ParseQuotas(text []byte) (Quotas, error) {
	q := Quotas{AWS: true}
	if err := json.Unmarshal(text, &q.Changed); err != nil {
		return Quotas{}, fmt.Errorf("read quotas: not a JSON object of numbers: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(q.Changed)) {
		switch {
		case !slices.Contains(quotaNames, name):
			return Quotas{}, fmt.Errorf("read quotas: %q is no quota; there are %s", name, strings.Join(quotaNames, ", "))
		case q.Changed[name] < 0:
			return Quotas{}, fmt.Errorf("read quotas: %q is %d; give how many there may be, or 0 for any number", name, q.Changed[name])
		}
	}
	return q, nil
}

// most gives the number of a quota, AWS's unless it was changed; 0: it does not hold.
func (a *API) most(name string, aws int) int {
	if !a.opt.Quotas.AWS || a.opt.Fast {
		return 0
	}
	if n, ok := a.opt.Quotas.Changed[name]; ok {
		return n
	}
	return aws
}

// within gives an error when the record just created is one too many.
func (a *API) within(tx *store.Tx, r catalog.Record, q quota) error {
	most := a.most(string(r.Kind()), q.most)
	if most == 0 {
		return nil
	}
	var query catalog.Query
	if q.inGroup {
		query.Group = r.Common().Group
	}
	var statuses []catalog.Status
	if q.pending {
		statuses = pendingOrInProgress
	}
	n, err := catalog.Count(tx, r.Kind(), query, statuses...)
	if err != nil || n <= most {
		return err
	}
	msg := fmt.Sprintf("More than %d resources with PENDING or IN_PROGRESS status.", most)
	if !q.pending {
		msg = fmt.Sprintf("Cannot create a %s. More than %d resources in ACTIVE state. Please delete some and try again.", quotaNouns[r.Kind()], most)
	}
	return &wire.LimitExceededException{Message: &msg}
}
