package catalog

import "slices"

// The statuses of data deletion jobs, which have a set of their own.
const (
	DeletionPending    Status = "PENDING"
	DeletionInProgress Status = "IN_PROGRESS"
	DeletionCompleted  Status = "COMPLETED"
	DeletionFailed     Status = "FAILED"
)

// Absent is the status of what is not there: every life begins and ends with it.
const Absent Status = ""

// A Lifecycle is the life of the resources of some kinds: how their status may
// change. Update refuses every other change, so no worker and no call can put a
// record where nobody expects it. docs/lifecycle.md is made of the same table.
type Lifecycle struct {
	Kinds []Kind
	Moves []Move
}

// Move is one change of a status.
type Move struct {
	From, To Status
	When     string // for docs/lifecycle.md
}

// instant is the life of what is ready as soon as it is created.
var instant = []Move{
	{Absent, Active, "it is created"},
	{Active, Absent, "it is deleted"},
}

// working life of a job: it cannot be deleted, and goes with what it belongs to.
var jobMoves = []Move{
	{Absent, Pending, "it is created"},
	{Pending, InProgress, "a worker has taken it"},
	{Pending, Failed, "it cannot begin, or it was begun five times and the server died each time"},
	{InProgress, Active, "the work is done; its results and this status are one transaction"},
	{InProgress, Failed, "the work cannot be done: failureReason says why"},
}

// trainingMoves is the life of what is trained.
var trainingMoves = append(slices.Clone(jobMoves),
	Move{Absent, Active, "it is created with trainingMode UPDATE"},
	Move{Pending, Stopped, "StopSolutionVersionCreation before a worker took it"},
	Move{Pending, Stopping, "StopSolutionVersionCreation in the moment when a worker takes it"},
	Move{InProgress, Stopping, "StopSolutionVersionCreation while it is trained"},
	Move{InProgress, Stopped, "StopSolutionVersionCreation while its training waits to go on after a restart"},
	Move{Stopping, Stopped, "the training has ended"},
	Move{Stopping, Failed, "the training failed before the stop reached it"},
	Move{Active, Absent, "its solution is deleted"},
	Move{Failed, Absent, "its solution is deleted"},
	Move{Stopped, Absent, "its solution is deleted"},
)

var lifecycles = []Lifecycle{
	{[]Kind{KindDatasetGroup, KindDataset, KindEventTracker, KindFilter, KindSolution, KindMetricAttribution}, instant},
	{[]Kind{KindImportJob, KindExportJob, KindBatchInferenceJob, KindBatchSegmentJob}, append(slices.Clone(jobMoves),
		Move{Active, Absent, "what it belongs to is deleted"},
		Move{Failed, Absent, "what it belongs to is deleted"},
	)},
	{[]Kind{KindDataDeletionJob}, []Move{
		{Absent, DeletionPending, "it is created"},
		{DeletionPending, DeletionInProgress, "a worker has taken it"},
		{DeletionPending, DeletionFailed, "it cannot begin, or it was begun five times and the server died each time"},
		{DeletionInProgress, DeletionCompleted, "nothing of the users is left"},
		{DeletionInProgress, DeletionFailed, "the work cannot be done: failureReason says why"},
		{DeletionCompleted, Absent, "its dataset group is deleted"},
		{DeletionFailed, Absent, "its dataset group is deleted"},
	}},
	{[]Kind{KindSolutionVersion, KindRecommenderVersion}, trainingMoves},
	{[]Kind{KindCampaign}, []Move{
		{Absent, Pending, "it is created"},
		{Pending, InProgress, "a worker loads the model"},
		{Pending, Failed, "it cannot begin, or it was begun five times and the server died each time"},
		{InProgress, Active, "the model is loaded and answers"},
		{InProgress, Failed, "the model cannot be loaded: failureReason says why"},
		{Failed, Pending, "UpdateCampaign: it is created anew"},
		{Active, Absent, "it is deleted"},
		{Failed, Absent, "it is deleted"},
	}},
	{[]Kind{KindRecommender}, []Move{
		{Absent, Pending, "it is created"},
		{Pending, InProgress, "its first training has begun"},
		{Pending, Failed, "the training cannot begin, or it was begun five times and the server died each time"},
		{InProgress, Active, "the trained model is loaded and answers"},
		{InProgress, Failed, "the training failed or the model cannot be loaded: failureReason says why"},
		{Active, Inactive, "StopRecommender, at once"},
		{Inactive, StartPending, "StartRecommender"},
		{StartPending, StartInProgress, "a worker loads the model that it had"},
		{StartPending, Inactive, "the start was begun five times and the server died each time"},
		{StartInProgress, Active, "the model is loaded and answers"},
		{StartInProgress, Inactive, "the model cannot be loaded: failureReason says why"},
		{Active, Absent, "it is deleted"},
		{Inactive, Absent, "it is deleted"},
		{Failed, Absent, "it is deleted"},
	}},
	{[]Kind{KindSchema}, []Move{
		{Absent, Absent, "a schema has no status: it can be used from its creation to its delete"},
	}},
}

// Lifecycles gives the table of all kinds.
func Lifecycles() []Lifecycle { return lifecycles }

// May says whether a resource of the kind may change from one status to
// another. Staying is no change. A kind that is not in the table may all.
func (k Kind) May(from, to Status) bool {
	if from == to {
		return true
	}
	for _, l := range lifecycles {
		if slices.Contains(l.Kinds, k) {
			return slices.ContainsFunc(l.Moves, func(m Move) bool { return m.From == from && m.To == to })
		}
	}
	return true
}

// Statuses gives those that a resource of the kind can have, in the order of its life.
func (k Kind) Statuses() []Status {
	var out []Status
	for _, l := range lifecycles {
		if !slices.Contains(l.Kinds, k) {
			continue
		}
		for _, m := range l.Moves {
			if m.To != Absent && !slices.Contains(out, m.To) {
				out = append(out, m.To)
			}
		}
	}
	return out
}
