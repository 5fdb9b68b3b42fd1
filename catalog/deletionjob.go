package catalog

// DeletionJob deletes users from a dataset group. Parent is the group.
type DeletionJob struct {
	Meta
	Location string // s3://… of the CSV files with the users; "" when they were named in the call
	RoleARN  string
	Deleted  int64          // events and records that were deleted
	Offset   uint64         // of the group's log: up to here nothing of the users counts any more; 0: not yet
	Report   *DeletionProof `json:",omitempty"` // once it is COMPLETED
}

// DeletionProof says where the users or items were and are no more. It names none.
type DeletionProof struct {
	Users    int       `json:"users"`           // that were asked for
	Items    int       `json:"items,omitempty"` // likewise
	Known    int       `json:"known"`           // of them that there was something of
	Events   int64     `json:"events"`
	Records  int64     `json:"records"`
	Parts    Rewritten `json:"parts"`              // files of bulk data
	Segments Rewritten `json:"segments"`           // files of the log
	Models   Rewritten `json:"models"`             // that keep users
	Versions []string  `json:"versions,omitempty"` // ARNs of solution versions that were trained when the users were there
	Objects  []string  `json:"objects,omitempty"`  // locations in the customer's buckets, which are left as they are
}

// Rewritten counts files that were looked into and those that were replaced.
type Rewritten struct {
	Searched int `json:"searched"`
	Replaced int `json:"replaced"`
}

// Kind implements Record.
func (*DeletionJob) Kind() Kind { return KindDataDeletionJob }

// Fail says that the deletion failed, with a reason for its owner.
func (j *DeletionJob) Fail(reason string) { j.Status, j.FailureReason = DeletionFailed, reason }
