package catalog

import "encoding/json"

// BatchFiles is what batch jobs have in common: where the questions and the
// answers are, and how many results there are to each.
type BatchFiles struct {
	Input        string // s3://bucket/key or s3://bucket/folder/
	InputKMSKey  string
	Output       string // s3://bucket/folder/
	OutputKMSKey string
	RoleARN      string
	Filter       string // ARN; "" for none
	Results      int32  // 0: as many as AWS gives

	Questions int64 `json:",omitempty"` // that were answered, once it is ACTIVE
	Mistaken  int64 `json:",omitempty"` // of them, those whose answer is what is wrong with them
}

// Answered notes what came of the questions.
func (f *BatchFiles) Answered(questions, mistaken int64) {
	f.Questions, f.Mistaken = questions, mistaken
}

// BatchInferenceJob answers files of questions with a solution version, which is
// its Parent.
type BatchInferenceJob struct {
	Meta
	BatchFiles
	Mode     string          // BATCH_INFERENCE or THEME_GENERATION
	Config   json.RawMessage `json:",omitempty"` // batchInferenceJobConfig as given
	ItemName string          // with THEME_GENERATION: the column that has the items' names
}

// Kind implements Record.
func (*BatchInferenceJob) Kind() Kind { return KindBatchInferenceJob }

// BatchSegmentJob finds the users for items or attributes of items with a solution
// version, which is its Parent.
type BatchSegmentJob struct {
	Meta
	BatchFiles
}

// Kind implements Record.
func (*BatchSegmentJob) Kind() Kind { return KindBatchSegmentJob }
