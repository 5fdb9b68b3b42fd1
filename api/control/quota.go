package control

import (
	"fmt"

	"usher/catalog"
	"usher/store"
	wire "usher/wire/personalize"
)

// quota is how many records of a kind may be at once, as AWS has it: in all or
// in the record's group, whatever their status or only those under work.
type quota struct {
	most    int // 0: no quota
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
	pendingOrInProgress = []catalog.Status{catalog.Pending, catalog.InProgress}
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

// within gives an error when the record just created is one too many.
func (a *API) within(tx *store.Tx, r catalog.Record, q quota) error {
	if !a.opt.Quotas || a.opt.Fast || q.most == 0 {
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
	if err != nil || n <= q.most {
		return err
	}
	msg := fmt.Sprintf("More than %d resources with PENDING or IN_PROGRESS status.", q.most)
	if !q.pending {
		msg = fmt.Sprintf("Cannot create a %s. More than %d resources in ACTIVE state. Please delete some and try again.", quotaNouns[r.Kind()], q.most)
	}
	return &wire.LimitExceededException{Message: &msg}
}
