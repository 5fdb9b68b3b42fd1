package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	role     = "arn:aws:iam::000000000000:role/personalize"
	interest = `{"type":"record","name":"Interactions","namespace":"com.amazonaws.personalize.schema","fields":[{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},{"name":"EVENT_TYPE","type":"string"}%s],"version":"1.0"}`
	items    = `{"type":"record","name":"Items","namespace":"com.amazonaws.personalize.schema","fields":[{"name":"ITEM_ID","type":"string"},{"name":"GENRE","type":["null","string"],"categorical":true},{"name":"PRICE","type":"float"}%s],"version":"1.0"}`
	users    = `{"type":"record","name":"Users","namespace":"com.amazonaws.personalize.schema","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":["null","int"]}],"version":"1.0"}`
	actions  = `{"type":"record","name":"Actions","namespace":"com.amazonaws.personalize.schema","fields":[{"name":"ACTION_ID","type":"string"},{"name":"VALUE","type":["null","long"]}],"version":"1.0"}`
	actioned = `{"type":"record","name":"ActionInteractions","namespace":"com.amazonaws.personalize.schema","fields":[{"name":"USER_ID","type":"string"},{"name":"ACTION_ID","type":"string"},{"name":"EVENT_TYPE","type":"string"},{"name":"TIMESTAMP","type":"long"}],"version":"1.0"}`
)

// events are of two tastes, so that a training finds something.
func events() string {
	var b strings.Builder
	b.WriteString("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE\n")
	for u := range 40 {
		for k := range 12 {
			fmt.Fprintf(&b, "u%d,i%d,%d,%s,tv\n", u, 2*((u+k)%15)+u%2, 1_700_000_000+1000*k+u, []string{"Watch", "Click"}[k%2])
		}
	}
	return b.String()
}

// TestEveryOperation walks through the life of everything that the APIs know.
// Before each call all inputs that differ from its own by a mistake have to be
// refused: then the call itself has to succeed, so none of them has done a thing.
func TestEveryOperation(t *testing.T) {
	v := newVisit(t)
	v.upload("data", "")
	v.upload("data/events.csv", events())
	v.upload("data/items.csv", "ITEM_ID,GENRE,PRICE\ni1,a|b,3\ni2,a,9.5\n")
	v.upload("data/questions.json", `{"userId": "u1"}`)
	v.upload("data/segments.json", `{"itemId": "i1"}`)
	v.upload("data/gone.csv", "USER_ID\nu39\n")
	v.groups()
	v.data()
	version := v.solutions()
	campaign := v.campaigns(version)
	v.recommenders()
	v.answers(campaign)
	v.tags()
	v.jobs(version)
	v.others(campaign)
	v.end(campaign, version)
	if t.Failed() {
		return
	}
	var never, refused []string
	for op := range v.ops {
		if !v.met[op] {
			never = append(never, op)
		} else if !v.done[op] {
			refused = append(refused, op)
		}
	}
	slices.Sort(refused)
	if len(v.ops) != 79 || len(never) > 0 {
		t.Errorf("%d operations, never called: %v", len(v.ops), never)
	}
	if extra := slices.DeleteFunc(slices.Clone(refused), func(op string) bool { return slices.Contains(notYet, op) }); len(extra) > 0 {
		t.Errorf("refused, and not known as missing: %v", extra)
	}
	if want := promisedRefusals(t); v.refusals <= want { // inputs that are not walked would show
		t.Errorf("only %d refusals, and docs/compatibility.md says more than %d", v.refusals, want)
	}
	t.Logf("%d refusals and %d answers judged; %d operations succeeded, not yet: %v", v.refusals, v.answered, len(v.done), refused)
}

// notYet are the operations that may be refused with a good input, because the
// capability is of a later version (docs/compatibility.md).
var notYet = []string{
	"GetActionRecommendations",
}

func (v *visit) groups() {
	v.try("CreateDatasetGroup", in{"name": "shop", "tags": []any{in{"tagKey": "a", "tagValue": "b"}}})
	v.try("CreateDatasetGroup", in{"name": "films", "domain": "VIDEO_ON_DEMAND"})
	v.try("DescribeDatasetGroup", in{"datasetGroupArn": arn("dataset-group/shop")})
	next := v.try("ListDatasetGroups", in{"maxResults": 1})["nextToken"]
	v.try("ListDatasetGroups", in{"maxResults": 1, "nextToken": next})
}

func (v *visit) data() {
	for _, s := range []struct{ name, group, kind, text string }{
		{"events", "shop", "Interactions", fmt.Sprintf(interest, "")},
		{"items", "shop", "Items", fmt.Sprintf(items, "")},
		{"users", "shop", "Users", users},
		{"actions", "shop", "Actions", actions},
		{"actioned", "shop", "Action_Interactions", actioned},
		{"watched", "films", "Interactions", fmt.Sprintf(interest, `,{"name":"DEVICE","type":["null","string"],"categorical":true}`)},
	} {
		create := in{"name": s.name, "schema": s.text}
		if s.group == "films" {
			create["domain"] = "VIDEO_ON_DEMAND"
		}
		v.try("CreateSchema", create)
		v.try("CreateDataset", in{"name": s.name, "datasetType": s.kind, "datasetGroupArn": arn("dataset-group/" + s.group), "schemaArn": arn("schema/" + s.name)})
	}
	v.try("DescribeSchema", in{"schemaArn": arn("schema/events")})
	v.try("ListSchemas", in{"maxResults": 2})
	v.try("DescribeDataset", in{"datasetArn": arn("dataset/shop/INTERACTIONS")})
	v.try("ListDatasets", in{"datasetGroupArn": arn("dataset-group/shop"), "maxResults": 5})
	for _, j := range []struct{ name, dataset, file string }{
		{"events", "shop/INTERACTIONS", "events"}, {"items", "shop/ITEMS", "items"}, {"watched", "films/INTERACTIONS", "events"},
	} {
		v.try("CreateDatasetImportJob", in{"jobName": j.name, "datasetArn": arn("dataset/" + j.dataset), "dataSource": in{"dataLocation": "s3://data/" + j.file + ".csv"}, "roleArn": role, "importMode": "FULL"})
		describe := in{"datasetImportJobArn": arn("dataset-import-job/" + j.name)}
		v.until("ACTIVE", "DescribeDatasetImportJob", describe, "datasetImportJob", "status")
		v.probe("DescribeDatasetImportJob", describe)
	}
	v.try("ListDatasetImportJobs", in{"datasetArn": arn("dataset/shop/INTERACTIONS")})
	v.try("CreateSchema", in{"name": "wider", "schema": fmt.Sprintf(items, `,{"name":"YEAR","type":["null","int"]}`)})
	v.try("UpdateDataset", in{"datasetArn": arn("dataset/shop/ITEMS"), "schemaArn": arn("schema/wider")})
	v.ok("DescribeDataset", in{"datasetArn": arn("dataset/shop/ITEMS")})

	tracker := v.try("CreateEventTracker", in{"name": "t", "datasetGroupArn": arn("dataset-group/shop")})
	v.try("DescribeEventTracker", in{"eventTrackerArn": tracker["eventTrackerArn"]})
	v.try("ListEventTrackers", in{"datasetGroupArn": arn("dataset-group/shop")})
	v.try("PutEvents", in{"trackingId": tracker["trackingId"], "sessionId": "s", "userId": "u1", "eventList": []any{
		in{"eventType": "Click", "itemId": "i1", "sentAt": time.Unix(1_700_100_000, 0).Unix(), "eventId": "e1"}}})
	v.try("PutItems", in{"datasetArn": arn("dataset/shop/ITEMS"), "items": []any{in{"itemId": "new", "properties": `{"genre": "c", "price": 1}`}}})
	v.try("PutUsers", in{"datasetArn": arn("dataset/shop/USERS"), "users": []any{in{"userId": "u1", "properties": `{"age": 30}`}}})
}

// solutions gives the ARN of a version that is ACTIVE.
func (v *visit) solutions() (version string) {
	v.try("CreateSolution", in{"name": "popular", "datasetGroupArn": arn("dataset-group/shop"), "recipeArn": "arn:aws:personalize:::recipe/aws-popularity-count", "eventType": "click", "performAutoTraining": false})
	v.try("CreateSolution", in{"name": "related", "datasetGroupArn": arn("dataset-group/shop"), "recipeArn": "arn:aws:personalize:::recipe/aws-sims",
		"solutionConfig": in{"algorithmHyperParameters": in{"popularity_discount_factor": "0.3"}, "autoTrainingConfig": in{"schedulingExpression": "rate(3 days)"}}})
	v.try("CreateSolution", in{"name": "personal", "datasetGroupArn": arn("dataset-group/shop"), "recipeArn": "arn:aws:personalize:::recipe/aws-user-personalization-v2"})
	for _, name := range []string{"related", "popular"} {
		version = v.try("CreateSolutionVersion", in{"solutionArn": arn("solution/" + name), "name": "first", "trainingMode": "FULL"})["solutionVersionArn"].(string)
		describe := in{"solutionVersionArn": version}
		v.until("ACTIVE", "DescribeSolutionVersion", describe, "solutionVersion", "status")
		v.probe("DescribeSolutionVersion", describe)
	}
	v.try("GetSolutionMetrics", in{"solutionVersionArn": version})
	v.try("UpdateSolution", in{"solutionArn": arn("solution/popular"), "performAutoTraining": true, "solutionUpdateConfig": in{"autoTrainingConfig": in{"schedulingExpression": "rate(1 day)"}}})
	v.try("DescribeSolution", in{"solutionArn": arn("solution/popular")})
	v.ok("DescribeSolution", in{"solutionArn": arn("solution/related")})
	v.try("ListSolutions", in{"datasetGroupArn": arn("dataset-group/shop"), "maxResults": 1})
	v.try("ListSolutionVersions", in{"solutionArn": arn("solution/popular")})

	v.probe("StopSolutionVersionCreation", in{"solutionVersionArn": version})
	stopped := in{"solutionVersionArn": v.ok("CreateSolutionVersion", in{"solutionArn": arn("solution/personal")})["solutionVersionArn"]}
	v.ok("StopSolutionVersionCreation", stopped)
	v.until("CREATE STOPPED", "DescribeSolutionVersion", stopped, "solutionVersion", "status")
	return version
}

func (v *visit) campaigns(version string) (campaign string) {
	campaign = v.try("CreateCampaign", in{"name": "c", "solutionVersionArn": version, "minProvisionedTPS": 1})["campaignArn"].(string)
	describe := in{"campaignArn": campaign}
	v.until("ACTIVE", "DescribeCampaign", describe, "campaign", "status")
	v.try("UpdateCampaign", in{"campaignArn": campaign, "solutionVersionArn": arn("solution/related/$LATEST"), "minProvisionedTPS": 2, "campaignConfig": in{"syncWithLatestSolutionVersion": true}})
	v.until("ACTIVE", "DescribeCampaign", describe, "campaign", "latestCampaignUpdate", "status")
	v.probe("DescribeCampaign", describe)
	v.try("ListCampaigns", in{"solutionArn": arn("solution/related")})
	return campaign
}

func (v *visit) recommenders() {
	create := in{"name": "top", "datasetGroupArn": arn("dataset-group/films"), "recipeArn": "arn:aws:personalize:::recipe/aws-vod-most-popular", "recommenderConfig": in{"minRecommendationRequestsPerSecond": 2}}
	v.try("CreateRecommender", create)
	top := in{"recommenderArn": arn("recommender/top")}
	v.until("ACTIVE", "DescribeRecommender", top, "recommender", "status")
	v.probe("DescribeRecommender", top)
	v.try("ListRecommenders", in{"datasetGroupArn": arn("dataset-group/films"), "maxResults": 3})
	v.try("UpdateRecommender", in{"recommenderArn": arn("recommender/top"), "recommenderConfig": in{"trainingDataConfig": in{"excludedDatasetColumns": in{"INTERACTIONS": []any{"DEVICE"}}}}})
	v.until("ACTIVE", "DescribeRecommender", top, "recommender", "latestRecommenderUpdate", "status")
	v.try("StopRecommender", top)
	v.ok("DescribeRecommender", top)
	v.try("StartRecommender", top)
	v.until("ACTIVE", "DescribeRecommender", top, "recommender", "status")
}

func (v *visit) answers(campaign string) {
	for _, input := range []in{
		{"campaignArn": campaign, "itemId": "i3", "numResults": 5},
		{"recommenderArn": arn("recommender/top"), "userId": "u3", "numResults": 5},
	} {
		if got := v.try("GetRecommendations", input)["itemList"].([]any); len(got) != 5 {
			v.Errorf("%v: %d items", input, len(got))
		}
	}
	v.ok("CreateFilter", in{"name": "seen", "datasetGroupArn": arn("dataset-group/films"), "filterExpression": `EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Watch")`})
	v.try("GetRecommendations", in{"recommenderArn": arn("recommender/top"), "userId": "u3", "filterArn": arn("filter/seen")})
	v.ok("DeleteFilter", in{"filterArn": arn("filter/seen")})
	v.ranking()
	v.later("GetActionRecommendations", in{"campaignArn": campaign, "userId": "u1"})
	v.try("DescribeRecipe", in{"recipeArn": "arn:aws:personalize:::recipe/aws-trending-now"})
	v.try("ListRecipes", in{"domain": "ECOMMERCE", "maxResults": 2})
	for next := any(nil); ; {
		input := in{"maxResults": 7}
		if next != nil {
			input["nextToken"] = next
		}
		out := v.ok("ListRecipes", input)
		for _, r := range out["recipes"].([]any) {
			recipe := v.ok("DescribeRecipe", in{"recipeArn": at(r, "recipeArn")})["recipe"]
			v.ok("DescribeAlgorithm", in{"algorithmArn": at(recipe, "algorithmArn")})
			if t := at(recipe, "featureTransformationArn"); t != nil {
				v.ok("DescribeFeatureTransformation", in{"featureTransformationArn": t})
			}
		}
		if next = out["nextToken"]; next == nil {
			break
		}
	}
	v.try("DescribeAlgorithm", in{"algorithmArn": "arn:aws:personalize:::algorithm/aws-sims"})
	v.try("DescribeFeatureTransformation", in{"featureTransformationArn": "arn:aws:personalize:::feature-transformation/sims"})
}

func (v *visit) ranking() {
	v.ok("CreateSolution", in{"name": "rank", "datasetGroupArn": arn("dataset-group/shop"), "recipeArn": "arn:aws:personalize:::recipe/aws-personalized-ranking",
		"solutionConfig": in{"optimizationObjective": in{"itemAttribute": "PRICE", "objectiveSensitivity": "MEDIUM"}}})
	version := in{"solutionVersionArn": v.ok("CreateSolutionVersion", in{"solutionArn": arn("solution/rank")})["solutionVersionArn"]}
	v.until("ACTIVE", "DescribeSolutionVersion", version, "solutionVersion", "status")
	if of := at(v.ok("DescribeSolution", in{"solutionArn": arn("solution/rank")}), "solution", "solutionConfig", "optimizationObjective", "objectiveSensitivity"); of != "MEDIUM" {
		v.Errorf("the sensitivity is %v", of)
	}
	v.ok("GetSolutionMetrics", version)
	v.ok("CreateCampaign", in{"name": "rank", "solutionVersionArn": version["solutionVersionArn"]})
	v.until("ACTIVE", "DescribeCampaign", in{"campaignArn": arn("campaign/rank")}, "campaign", "status")
	list := []any{"i1", "i2", "never seen"}
	if got := v.try("GetPersonalizedRanking", in{"campaignArn": arn("campaign/rank"), "userId": "u1", "inputList": list})["personalizedRanking"].([]any); len(got) != len(list) {
		v.Errorf("%d of %d items are ranked", len(got), len(list))
	}
	v.ok("DeleteCampaign", in{"campaignArn": arn("campaign/rank")})
	v.ok("DeleteSolution", in{"solutionArn": arn("solution/rank")})
}

func (v *visit) tags() {
	tag := in{"resourceArn": arn("recommender/top"), "tags": []any{in{"tagKey": "team", "tagValue": "a"}}}
	v.try("TagResource", tag)
	v.try("ListTagsForResource", in{"resourceArn": arn("recommender/top")})
	v.try("UntagResource", in{"resourceArn": arn("recommender/top"), "tagKeys": []any{"team"}})
	if left := v.ok("ListTagsForResource", in{"resourceArn": arn("recommender/top")}); len(left["tags"].([]any)) != 0 {
		v.Errorf("tags that were taken off are left: %v", left)
	}
}

// jobs are those that read and write buckets.
func (v *visit) jobs(version string) {
	v.try("CreateDatasetExportJob", in{"jobName": "out", "datasetArn": arn("dataset/shop/INTERACTIONS"), "ingestionMode": "ALL", "roleArn": role, "jobOutput": in{"s3DataDestination": in{"path": "s3://data/out/"}}})
	describe := in{"datasetExportJobArn": arn("dataset-export-job/out")}
	v.until("ACTIVE", "DescribeDatasetExportJob", describe, "datasetExportJob", "status")
	v.probe("DescribeDatasetExportJob", describe)
	v.try("ListDatasetExportJobs", in{"datasetArn": arn("dataset/shop/INTERACTIONS")})

	segments := v.segments()
	v.batch("BatchInferenceJob", "batchInferenceJob", version, "questions")
	v.batch("BatchSegmentJob", "batchSegmentJob", segments, "segments")

	v.try("CreateDataDeletionJob", in{"jobName": "gone", "datasetGroupArn": arn("dataset-group/shop"), "dataSource": in{"dataLocation": "s3://data/gone.csv"}, "roleArn": role})
	deletion := in{"dataDeletionJobArn": arn("data-deletion-job/gone")}
	v.until("COMPLETED", "DescribeDataDeletionJob", deletion, "dataDeletionJob", "status")
	v.probe("DescribeDataDeletionJob", deletion)
	v.try("ListDataDeletionJobs", in{"datasetGroupArn": arn("dataset-group/shop")})
}

// batch has a batch job of a kind done.
func (v *visit) batch(kind, member, version, questions string) {
	job := v.try("Create"+kind, in{"jobName": "j", "solutionVersionArn": version, "roleArn": role,
		"jobInput": in{"s3DataSource": in{"path": "s3://data/" + questions + ".json"}}, "jobOutput": in{"s3DataDestination": in{"path": "s3://data/batch/"}}})
	v.until("ACTIVE", "Describe"+kind, job, member, "status")
	v.probe("Describe"+kind, job)
	v.try("List"+kind+"s", in{"solutionVersionArn": version})
}

// segments gives a version that makes user segments.
func (v *visit) segments() string {
	v.ok("CreateSolution", in{"name": "segments", "datasetGroupArn": arn("dataset-group/shop"), "recipeArn": "arn:aws:personalize:::recipe/aws-item-affinity"})
	version := v.ok("CreateSolutionVersion", in{"solutionArn": arn("solution/segments")})["solutionVersionArn"].(string)
	v.until("ACTIVE", "DescribeSolutionVersion", in{"solutionVersionArn": version}, "solutionVersion", "status")
	return version
}

func (v *visit) others(campaign string) {
	filter := v.try("CreateFilter", in{"name": "f", "datasetGroupArn": arn("dataset-group/shop"), "filterExpression": `INCLUDE ItemID WHERE Items.GENRE IN ("a")`})
	v.try("DescribeFilter", in{"filterArn": filter["filterArn"]})
	v.try("ListFilters", in{"datasetGroupArn": arn("dataset-group/shop")})
	v.try("DeleteFilter", in{"filterArn": filter["filterArn"]})

	config := in{"roleArn": role, "s3DataDestination": in{"path": "s3://data/metrics/"}}
	v.try("CreateMetricAttribution", in{"name": "m", "datasetGroupArn": arn("dataset-group/shop"), "metricsOutputConfig": config, "metrics": []any{in{"eventType": "Click", "metricName": "clicks", "expression": "SAMPLECOUNT()"}}})
	m := in{"metricAttributionArn": arn("metric-attribution/m")}
	v.try("DescribeMetricAttribution", m)
	v.try("ListMetricAttributions", in{"datasetGroupArn": arn("dataset-group/shop")})
	v.try("ListMetricAttributionMetrics", m)
	v.try("UpdateMetricAttribution", in{"metricAttributionArn": m["metricAttributionArn"], "metricsOutputConfig": config})
	v.try("DeleteMetricAttribution", m)

	v.try("PutActions", in{"datasetArn": arn("dataset/shop/ACTIONS"), "actions": []any{in{"actionId": "a", "properties": `{"value": 1}`}}})
	d := v.ok("DescribeDataset", in{"datasetArn": arn("dataset/shop/ACTION_INTERACTIONS")})
	v.try("PutActionInteractions", in{"trackingId": at(d, "dataset", "trackingId"), "actionInteractions": []any{in{"actionId": "a", "sessionId": "s", "timestamp": 1_700_000_000, "eventType": "TAKEN", "userId": "u1"}}})
}

// end deletes everything, in the order of dependence.
func (v *visit) end(campaign, version string) {
	trackers := v.ok("ListEventTrackers", in{})["eventTrackers"].([]any)
	for _, d := range []struct {
		op, member string
		arns       []string
	}{
		{"DeleteCampaign", "campaignArn", []string{campaign}},
		{"DeleteRecommender", "recommenderArn", []string{arn("recommender/top")}},
		{"DeleteSolution", "solutionArn", []string{arn("solution/popular"), arn("solution/related"), arn("solution/personal"), arn("solution/segments")}},
		{"DeleteEventTracker", "eventTrackerArn", []string{at(trackers[0], "eventTrackerArn").(string)}},
		{"DeleteDataset", "datasetArn", []string{arn("dataset/shop/INTERACTIONS"), arn("dataset/shop/ITEMS"), arn("dataset/shop/USERS"), arn("dataset/shop/ACTIONS"), arn("dataset/shop/ACTION_INTERACTIONS"), arn("dataset/films/INTERACTIONS")}},
		{"DeleteSchema", "schemaArn", []string{arn("schema/events"), arn("schema/items"), arn("schema/users"), arn("schema/actions"), arn("schema/actioned"), arn("schema/watched"), arn("schema/wider")}},
		{"DeleteDatasetGroup", "datasetGroupArn", []string{arn("dataset-group/shop"), arn("dataset-group/films")}},
	} {
		for n, a := range d.arns {
			if n == 0 {
				v.probe(d.op, in{d.member: a})
			}
			v.ok(d.op, in{d.member: a})
			c := v.ops[d.op]
			status, body := v.post(c, in{d.member: a})
			if f := v.refusal(c, "a second time", status, body); f.Type != "ResourceNotFoundException" {
				v.Errorf("%s of what is gone: %s %s", d.op, f.Type, f.Message)
			}
		}
	}
	for _, list := range []string{"DatasetGroups", "Schemas", "Datasets", "Solutions", "SolutionVersions", "Campaigns", "Recommenders", "EventTrackers", "DatasetImportJobs"} {
		for member, left := range v.ok("List"+list, in{}) {
			if l, ok := left.([]any); ok && len(l) > 0 {
				v.Errorf("%s of List%s are left: %v", member, list, left)
			}
		}
	}
}
