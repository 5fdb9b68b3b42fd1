package catalog

import (
	"encoding/json"
	"time"
)

// SolutionUpdate is the last change of a solution: what was given. It takes
// effect at once.
type SolutionUpdate struct {
	PerformAutoTraining      *bool           `json:",omitempty"`
	PerformIncrementalUpdate *bool           `json:",omitempty"`
	Config                   json.RawMessage `json:",omitempty"` // solutionUpdateConfig as given
	Status                   Status
	Created                  time.Time
	Updated                  time.Time
}

// DatasetUpdate is the last change of a dataset's schema. It takes effect at once.
type DatasetUpdate struct {
	Schema  string // ARN
	Status  Status
	Created time.Time
	Updated time.Time
}
