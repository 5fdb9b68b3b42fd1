package control

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
)

// life is a kind of resource with its calls: what shows, deletes and makes
// something from one. make gives the ARN of a new one.
type life struct {
	kind     catalog.Kind
	make     func(r *rig) string
	describe string // the name in operations
	member   string // the name in inputs and answers
	deletes  bool   // there is a Delete
	from     string // an operation that needs one that is ACTIVE; "" for none
	input    string // its input, with %q for the ARN
}

func shop(r *rig) { r.group("shop", interactionsText) }

// made calls a Create and gives the ARN that it answers.
func (r *rig) made(op, input string) string {
	r.Helper()
	for member, v := range r.ok(op, input) {
		if strings.HasSuffix(member, "Arn") {
			return v.(string)
		}
	}
	r.Fatalf("%s gives no ARN", op)
	return ""
}

// paths are those of a batch job, and its role.
const paths = `"jobInput": {"s3DataSource": {"path": "s3://a/in.json"}}, "jobOutput": {"s3DataDestination": {"path": "s3://a/out/"}}, "roleArn": "arn:aws:iam::123456789012:role/p"`

var lives = []life{
	{catalog.KindDatasetGroup, func(r *rig) string { return r.made("CreateDatasetGroup", `{"name": "g"}`) },
		"DatasetGroup", "datasetGroup", true, "CreateEventTracker", `{"name": "t", "datasetGroupArn": %q}`},
	{catalog.KindDataset, func(r *rig) string { shop(r); return "~dataset/shop/INTERACTIONS" },
		"Dataset", "dataset", true, "CreateDatasetImportJob", `{"jobName": "j", "datasetArn": %q, "dataSource": {"dataLocation": "s3://a/b"}}`},
	{catalog.KindImportJob, func(r *rig) string {
		shop(r)
		return r.made("CreateDatasetImportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}}`)
	}, "DatasetImportJob", "datasetImportJob", false, "", ""},
	{catalog.KindExportJob, func(r *rig) string {
		shop(r)
		return r.made("CreateDatasetExportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "roleArn": "arn:aws:iam::123456789012:role/p", "jobOutput": {"s3DataDestination": {"path": "s3://a/b/"}}}`)
	}, "DatasetExportJob", "datasetExportJob", false, "", ""},
	{catalog.KindEventTracker, func(r *rig) string {
		shop(r)
		return r.made("CreateEventTracker", `{"name": "t", "datasetGroupArn": "~dataset-group/shop"}`)
	}, "EventTracker", "eventTracker", true, "", ""},
	{catalog.KindFilter, func(r *rig) string {
		shop(r)
		return r.made("CreateFilter", `{"name": "f", "datasetGroupArn": "~dataset-group/shop", "filterExpression": "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (\"a\")"}`)
	}, "Filter", "filter", true, "", ""},
	{catalog.KindSolution, func(r *rig) string { shop(r); return r.solution("s", "aws-sims") },
		"Solution", "solution", true, "CreateSolutionVersion", `{"solutionArn": %q}`},
	{catalog.KindSolutionVersion, func(r *rig) string { shop(r); return r.version(r.solution("s", "aws-sims"), catalog.Pending) },
		"SolutionVersion", "solutionVersion", false, "CreateCampaign", `{"name": "c", "solutionVersionArn": %q}`},
	{catalog.KindCampaign, func(r *rig) string {
		shop(r)
		return r.campaign("c", r.version(r.solution("s", "aws-sims"), catalog.Active), catalog.Pending)
	}, "Campaign", "campaign", true, "", ""},
	{catalog.KindBatchInferenceJob, func(r *rig) string {
		shop(r)
		v := r.version(r.solution("s", "aws-sims"), catalog.Active)
		return r.made("CreateBatchInferenceJob", fmt.Sprintf(`{"jobName": "j", "solutionVersionArn": %q, `+paths+`}`, v))
	}, "BatchInferenceJob", "batchInferenceJob", false, "", ""},
	{catalog.KindBatchSegmentJob, func(r *rig) string {
		shop(r)
		v := r.version(r.solution("s", "aws-item-affinity"), catalog.Active)
		return r.made("CreateBatchSegmentJob", fmt.Sprintf(`{"jobName": "j", "solutionVersionArn": %q, `+paths+`}`, v))
	}, "BatchSegmentJob", "batchSegmentJob", false, "", ""},
	{catalog.KindDataDeletionJob, func(r *rig) string {
		shop(r)
		return r.made("CreateDataDeletionJob", `{"jobName": "j", "datasetGroupArn": "~dataset-group/shop", "dataSource": {"dataLocation": "s3://a/b"}, "roleArn": "arn:aws:iam::123456789012:role/p"}`)
	}, "DataDeletionJob", "dataDeletionJob", false, "", ""},
	{catalog.KindMetricAttribution, func(r *rig) string {
		shop(r)
		return r.made("CreateMetricAttribution", `{"name": "m", "datasetGroupArn": "~dataset-group/shop", "metrics": [{"eventType": "a", "metricName": "n", "expression": "SAMPLECOUNT()"}], "metricsOutputConfig": {"roleArn": "arn:aws:iam::123456789012:role/p"}}`)
	}, "MetricAttribution", "metricAttribution", true, "", ""},
	{catalog.KindRecommender, func(r *rig) string {
		return r.made("CreateRecommender", recommender("one", "aws-vod-most-popular", ""))
	},
		"Recommender", "recommender", true, "StopRecommender", `{"recommenderArn": %q}`},
}

// TestEveryState brings a resource of each kind into each status of its
// lifecycle and tries what can be done with one: what may be done follows from
// the table.
func TestEveryState(t *testing.T) {
	for _, l := range lives {
		for _, s := range l.kind.Statuses() {
			for name, try := range map[string]func(l life, r *rig, arn string, s catalog.Status){"show": life.shows, "use": life.used, "delete": life.deleted} {
				if name == "use" && l.from == "" || name == "delete" && !l.deletes {
					continue
				}
				t.Run(fmt.Sprint(l.describe, " ", s, " ", name), func(t *testing.T) {
					r := newRig(t, allRecipes)
					if l.kind == catalog.KindRecommender {
						r = cinema(t)
					}
					arn := l.make(r)
					r.setStatus(arn, s)
					try(l, r, arn, s)
				})
			}
		}
	}
}

// this is the input of Describe and Delete.
func (l life) this(arn string) string { return fmt.Sprintf(`{"%sArn": %q}`, l.member, arn) }

// shows: a resource is described, listed and tagged in each status.
func (l life) shows(r *rig, arn string, s catalog.Status) {
	d := r.ok("Describe"+l.describe, l.this(arn))
	r.same(d, string(s), l.member, "status")
	if shown := at(d, l.member, "failureReason") != nil; shown != (s == catalog.Failed) {
		r.Errorf("failureReason is shown: %v", shown)
	}
	list := l.member + "s"
	if l.kind == catalog.KindFilter {
		list = "Filters"
	}
	if got := r.pages("List"+l.describe+"s", list, l.member+"Arn", "", 10, nil); !slices.Contains(got, arn) {
		r.Errorf("the list has %v, not %s", got, arn)
	}
	tag := fmt.Sprintf(`{"resourceArn": %q, "tags": [{"tagKey": "a", "tagValue": "b"}]}`, arn)
	if slices.Contains(taggable, l.kind) {
		r.ok("TagResource", tag)
	} else {
		r.refused("TagResource", tag, "InvalidInput", "cannot have tags")
	}
}

// used: something is made only of what is ACTIVE. What may become so is to be
// waited for, any other never will.
func (l life) used(r *rig, arn string, s catalog.Status) {
	input := fmt.Sprintf(l.input, arn)
	switch {
	case s == catalog.Active:
		r.ok(l.from, input)
	case s.Transitional():
		r.refused(l.from, input, "ResourceInUse", arn, "Wait until Describe"+l.describe)
	default:
		r.refused(l.from, input, "InvalidInput", arn, string(s))
	}
}

// deleted: what may end in its status is gone at once, and gone for a second call.
func (l life) deleted(r *rig, arn string, s catalog.Status) {
	switch {
	case l.kind.May(s, catalog.Absent):
		r.ok("Delete"+l.describe, l.this(arn))
		r.refused("Describe"+l.describe, l.this(arn), "ResourceNotFound", "does not exist")
		r.refused("Delete"+l.describe, l.this(arn), "ResourceNotFound", "does not exist")
	default:
		r.refused("Delete"+l.describe, l.this(arn), "ResourceInUse", arn, "wait for its end")
	}
}
