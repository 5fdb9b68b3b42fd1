// Package catalog keeps the records of all resources: dataset groups, schemas,
// datasets, jobs, solutions, campaigns.
//
// A record is a Go struct with an embedded Meta. It is stored as one row: the
// columns that queries need (ARN, kind, group, parent, status, times) and the
// rest as JSON. Records change only by revision (I5): Update compares the
// revision that was read and gives ErrConflict when somebody else was faster.
// All functions run inside a store.Tx, so that several records, jobs and log
// entries change together. Every change notifies the store topic Topic with
// the record's ARN.
//
// The rules are tables here: how the status of a kind may change (Lifecycles,
// which Update enforces), what ARNs look like and so which names are unique, who
// blocks whose delete and who goes with whom. What an operation means is written
// in api/control.
package catalog

import (
	"encoding/json"
	"errors"
	"time"
)

// Topic is the store topic on which every change of a record is announced; the
// key is the ARN.
const Topic = "catalog"

// Errors of this room. They are wrapped with the ARN.
var (
	ErrNotFound = errors.New("catalog: not found")
	ErrExists   = errors.New("catalog: already exists")
	ErrConflict = errors.New("catalog: changed by somebody else")
	ErrPosition = errors.New("catalog: not a position in a list")
	ErrMove     = errors.New("catalog: not a move of the lifecycle")
)

// Kind is a resource kind, spelled as in ARNs.
type Kind string

// The kinds.
const (
	KindDatasetGroup    Kind = "dataset-group"
	KindSchema          Kind = "schema"
	KindDataset         Kind = "dataset"
	KindImportJob       Kind = "dataset-import-job"
	KindExportJob       Kind = "dataset-export-job"
	KindEventTracker    Kind = "event-tracker"
	KindSolution        Kind = "solution"
	KindSolutionVersion Kind = "solution-version" // ARN: solution/<name>/<id>
	KindCampaign        Kind = "campaign"
	KindFilter          Kind = "filter"

	KindBatchInferenceJob Kind = "batch-inference-job"
	KindBatchSegmentJob   Kind = "batch-segment-job"
	KindDataDeletionJob   Kind = "data-deletion-job"
	KindMetricAttribution Kind = "metric-attribution"

	// Kinds that belong to the service: their ARNs have no region and account.
	KindRecipe                Kind = "recipe"
	KindAlgorithm             Kind = "algorithm"
	KindFeatureTransformation Kind = "feature-transformation"
)

// Status is the life of a resource, in AWS's spelling.
type Status string

// The statuses.
const (
	Pending          Status = "CREATE PENDING"
	InProgress       Status = "CREATE IN_PROGRESS"
	Active           Status = "ACTIVE"
	Failed           Status = "CREATE FAILED"
	Stopping         Status = "CREATE STOPPING"
	Stopped          Status = "CREATE STOPPED"
	DeletePending    Status = "DELETE PENDING"
	DeleteInProgress Status = "DELETE IN_PROGRESS"
)

// Transitional says whether work is being done that changes the status.
func (s Status) Transitional() bool {
	switch s {
	case Pending, InProgress, Stopping, StartPending, StartInProgress, DeletePending, DeleteInProgress, DeletionPending, DeletionInProgress:
		return true
	}
	return false
}

// Meta is what all records have. Create fills ID, Created, Updated and
// Revision; the caller gives the rest. What has a column of its own is not
// written into the JSON.
type Meta struct {
	ARN           string            `json:"-"`
	ID            string            `json:"-"` // 16 hex digits, never given twice; names a group's log and blobs
	Name          string            `json:"-"`
	Group         string            `json:"-"` // ARN of the dataset group; "" for groups and schemas
	Parent        string            `json:"-"` // ARN of what it was made from: an import's dataset, a version's solution, a campaign's version
	Status        Status            `json:"-"` // "" for schemas
	FailureReason string            `json:",omitempty"`
	Created       time.Time         `json:"-"` // of microseconds; two records of a kind never have the same
	Updated       time.Time         `json:"-"`
	Revision      int64             `json:"-"`
	Tags          map[string]string `json:",omitempty"`
}

// Record is a pointer to one of the record structs.
type Record interface {
	Kind() Kind
	Common() *Meta
}

// Common gives the embedded Meta.
func (m *Meta) Common() *Meta { return m }

// DatasetGroup holds everything else.
type DatasetGroup struct {
	Meta
	Domain    string // "", "ECOMMERCE" or "VIDEO_ON_DEMAND"
	RoleARN   string
	KMSKeyARN string
}

// Schema is a dataset's Avro text.
type Schema struct {
	Meta
	Domain string
	Text   string // verbatim
}

// Dataset is one of a group's datasets. Parent is its schema.
type Dataset struct {
	Meta
	Type       string // dataset.Type
	TrackingID string // of ACTION_INTERACTIONS only

	LatestUpdate *DatasetUpdate `json:",omitempty"`
}

// ImportJob is one bulk import. Parent is its dataset.
type ImportJob struct {
	Meta
	Location       string // s3://…
	RoleARN        string
	Mode           string // FULL or INCREMENTAL
	PublishMetrics bool

	MaxBadRows int64         // so many bad rows are left out
	DryRun     bool          // files are judged, nothing is imported
	Report     *ImportReport // nil until the files were read
}

// EventTracker gives a group its tracking id. Parent is the group.
type EventTracker struct {
	Meta
	AccountID  string
	TrackingID string
}

// Solution says what to train. Parent is the group.
type Solution struct {
	Meta
	Recipe                   string // name, for example aws-sims
	EventType                string
	PerformHPO               bool
	PerformAutoML            bool
	PerformAutoTraining      bool
	PerformIncrementalUpdate bool
	Config                   json.RawMessage   `json:",omitempty"` // solutionConfig as given, for Describe
	Params                   map[string]string // algorithm and feature parameters, checked, defaults filled in
	EventValueThreshold      *float64
	LatestUpdate             *SolutionUpdate `json:",omitempty"`
}

// SolutionVersion is one trained result. Parent is its solution; what it was
// trained with is copied here and never changes.
type SolutionVersion struct {
	Meta
	Recipe                   string
	EventType                string
	PerformHPO               bool
	PerformAutoML            bool
	PerformIncrementalUpdate bool
	TrainingMode             string          // FULL, UPDATE, AUTOTRAIN
	TrainingType             string          // MANUAL, AUTOMATIC
	Config                   json.RawMessage `json:",omitempty"`
	Params                   map[string]string
	Tuned                    map[string]string `json:",omitempty"` // hyperparameters that HPO found; they go before Params
	EventValueThreshold      *float64
	Seed                     uint64
	Offset                   uint64             // the log up to here was learnt
	Model                    string             // blob
	Metrics                  map[string]float64 // by AWS's keys
	Chosen                   []string           `json:",omitempty"` // what the training chose by itself, in words
	TrainingHours            float64
}

// Campaign serves a solution version. Parent is the version that answers.
type Campaign struct {
	Meta
	Requested    string // solutionVersionArn as given; may end in /$LATEST
	MinTPS       int32
	Config       json.RawMessage `json:",omitempty"` // campaignConfig as given
	LatestUpdate *CampaignUpdate
}

// CampaignUpdate is a change of a campaign that is being carried out, or the
// last one. The old state answers until it is ACTIVE.
type CampaignUpdate struct {
	Version       string // ARN
	Requested     string
	MinTPS        int32
	Config        json.RawMessage `json:",omitempty"`
	Status        Status
	FailureReason string
	Created       time.Time
	Updated       time.Time
}

func (*DatasetGroup) Kind() Kind    { return KindDatasetGroup }
func (*Schema) Kind() Kind          { return KindSchema }
func (*Dataset) Kind() Kind         { return KindDataset }
func (*ImportJob) Kind() Kind       { return KindImportJob }
func (*EventTracker) Kind() Kind    { return KindEventTracker }
func (*Solution) Kind() Kind        { return KindSolution }
func (*SolutionVersion) Kind() Kind { return KindSolutionVersion }
func (*Campaign) Kind() Kind        { return KindCampaign }
