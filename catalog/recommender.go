package catalog

import (
	"encoding/json"
	"time"
)

// The kinds of recommenders. A version has no ARN that anybody is told.
const (
	KindRecommender        Kind = "recommender"
	KindRecommenderVersion Kind = "recommender-version"
)

// The statuses that only recommenders have. Stopping is done at once.
const (
	StartPending    Status = "START PENDING"
	StartInProgress Status = "START IN_PROGRESS"
	Inactive        Status = "INACTIVE"
)

// Recommender serves a use case of a domain. Parent is the ARN of the version
// that answers, "" until the first one does.
type Recommender struct {
	Meta
	Recipe       string
	Config       json.RawMessage `json:",omitempty"` // recommenderConfig as given
	Next         string          // ARN of the version that is being trained or deployed; "" when none is
	Trained      time.Time       // when its last training was asked for
	LatestUpdate *RecommenderUpdate
}

// RecommenderUpdate is a change of a recommender that is being carried out, or
// the last one. The old state answers until it is ACTIVE.
type RecommenderUpdate struct {
	Config        json.RawMessage `json:",omitempty"`
	Status        Status
	FailureReason string
	Created       time.Time
	Updated       time.Time
}

// Busy says whether work is under way that the recommender's customer asked for:
// its creation, start or update. A training by schedule is none.
func (r *Recommender) Busy() bool {
	return r.Status.Transitional() || updating(r)
}

// RecommenderVersion is what was trained for a recommender, its Parent.
type RecommenderVersion struct{ SolutionVersion }

// Kind implements Record.
func (*Recommender) Kind() Kind { return KindRecommender }

// Kind implements Record.
func (*RecommenderVersion) Kind() Kind { return KindRecommenderVersion }

// Training gives what is trained with what and what came of it, of a solution's
// version or a recommender's.
func (v *SolutionVersion) Training() *SolutionVersion { return v }
