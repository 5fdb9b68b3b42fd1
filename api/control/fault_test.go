package control

import (
	"fmt"
	"strings"
	"testing"

	"usher/catalog"
	"usher/recipe"
)

// refusal is a call that has to fail: the error's code, and parts of its message.
type refusal struct {
	op, input, code string
	parts           []string
}

func (r *rig) refuse(list []refusal) {
	r.Helper()
	for _, c := range list {
		r.refused(c.op, c.input, c.code, c.parts...)
	}
}

// kinds are the operations that take the ARN of one kind, with the member that
// holds it and what else they need.
var kinds = []struct {
	op, member, rest string
	kind             catalog.Kind
}{
	{"CreateBatchInferenceJob", "solutionVersionArn", batchRest, catalog.KindSolutionVersion},
	{"CreateBatchSegmentJob", "solutionVersionArn", batchRest, catalog.KindSolutionVersion},
	{"CreateCampaign", "solutionVersionArn", `, "name": "x"`, catalog.KindSolutionVersion},
	{"CreateDataDeletionJob", "datasetGroupArn", `, "jobName": "x", "dataSource": {"dataLocation": "s3://a/b"}` + role, catalog.KindDatasetGroup},
	{"CreateDataset", "datasetGroupArn", `, "name": "x", "datasetType": "Items", "schemaArn": "~schema/x"`, catalog.KindDatasetGroup},
	{"CreateDatasetExportJob", "datasetArn", `, "jobName": "x", "jobOutput": {"s3DataDestination": {"path": "s3://a/b/"}}` + role, catalog.KindDataset},
	{"CreateDatasetImportJob", "datasetArn", `, "jobName": "x", "dataSource": {"dataLocation": "s3://a/b"}`, catalog.KindDataset},
	{"CreateEventTracker", "datasetGroupArn", `, "name": "x"`, catalog.KindDatasetGroup},
	{"CreateFilter", "datasetGroupArn", `, "name": "x", "filterExpression": "x"`, catalog.KindDatasetGroup},
	{"CreateMetricAttribution", "datasetGroupArn", `, "name": "x", "metrics": [{"eventType": "a", "metricName": "b", "expression": "SAMPLECOUNT()"}], "metricsOutputConfig": {"roleArn": "arn:aws:iam::123456789012:role/p"}`, catalog.KindDatasetGroup},
	{"CreateRecommender", "datasetGroupArn", `, "name": "x", "recipeArn": "arn:aws:personalize:::recipe/aws-vod-top-picks"`, catalog.KindDatasetGroup},
	{"CreateRecommender", "recipeArn", `, "name": "x", "datasetGroupArn": "~dataset-group/x"`, catalog.KindRecipe},
	{"CreateSolution", "datasetGroupArn", `, "name": "x", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"`, catalog.KindDatasetGroup},
	{"CreateSolution", "recipeArn", `, "name": "x", "datasetGroupArn": "~dataset-group/x"`, catalog.KindRecipe},
	{"CreateSolutionVersion", "solutionArn", "", catalog.KindSolution},
	{"DeleteCampaign", "campaignArn", "", catalog.KindCampaign},
	{"DeleteDataset", "datasetArn", "", catalog.KindDataset},
	{"DeleteDatasetGroup", "datasetGroupArn", "", catalog.KindDatasetGroup},
	{"DeleteEventTracker", "eventTrackerArn", "", catalog.KindEventTracker},
	{"DeleteFilter", "filterArn", "", catalog.KindFilter},
	{"DeleteMetricAttribution", "metricAttributionArn", "", catalog.KindMetricAttribution},
	{"DeleteRecommender", "recommenderArn", "", catalog.KindRecommender},
	{"DeleteSchema", "schemaArn", "", catalog.KindSchema},
	{"DeleteSolution", "solutionArn", "", catalog.KindSolution},
	{"DescribeAlgorithm", "algorithmArn", "", catalog.KindAlgorithm},
	{"DescribeBatchInferenceJob", "batchInferenceJobArn", "", catalog.KindBatchInferenceJob},
	{"DescribeBatchSegmentJob", "batchSegmentJobArn", "", catalog.KindBatchSegmentJob},
	{"DescribeCampaign", "campaignArn", "", catalog.KindCampaign},
	{"DescribeDataDeletionJob", "dataDeletionJobArn", "", catalog.KindDataDeletionJob},
	{"DescribeDataset", "datasetArn", "", catalog.KindDataset},
	{"DescribeDatasetExportJob", "datasetExportJobArn", "", catalog.KindExportJob},
	{"DescribeDatasetGroup", "datasetGroupArn", "", catalog.KindDatasetGroup},
	{"DescribeDatasetImportJob", "datasetImportJobArn", "", catalog.KindImportJob},
	{"DescribeEventTracker", "eventTrackerArn", "", catalog.KindEventTracker},
	{"DescribeFeatureTransformation", "featureTransformationArn", "", catalog.KindFeatureTransformation},
	{"DescribeFilter", "filterArn", "", catalog.KindFilter},
	{"DescribeMetricAttribution", "metricAttributionArn", "", catalog.KindMetricAttribution},
	{"DescribeRecipe", "recipeArn", "", catalog.KindRecipe},
	{"DescribeRecommender", "recommenderArn", "", catalog.KindRecommender},
	{"DescribeSchema", "schemaArn", "", catalog.KindSchema},
	{"DescribeSolution", "solutionArn", "", catalog.KindSolution},
	{"DescribeSolutionVersion", "solutionVersionArn", "", catalog.KindSolutionVersion},
	{"GetSolutionMetrics", "solutionVersionArn", "", catalog.KindSolutionVersion},
	{"ListSolutionVersions", "solutionArn", "", catalog.KindSolution},
	{"StartRecommender", "recommenderArn", "", catalog.KindRecommender},
	{"StopRecommender", "recommenderArn", "", catalog.KindRecommender},
	{"StopSolutionVersionCreation", "solutionVersionArn", "", catalog.KindSolutionVersion},
	{"UpdateCampaign", "campaignArn", `, "minProvisionedTPS": 2`, catalog.KindCampaign},
	{"UpdateDataset", "datasetArn", `, "schemaArn": "~schema/x"`, catalog.KindDataset},
	{"UpdateMetricAttribution", "metricAttributionArn", "", catalog.KindMetricAttribution},
	{"UpdateRecommender", "recommenderArn", `, "recommenderConfig": {}`, catalog.KindRecommender},
	{"UpdateSolution", "solutionArn", `, "performAutoTraining": false`, catalog.KindSolution},
	// Lists by something that is not there are empty; the ARN is judged all the same.
	{"ListBatchInferenceJobs", "solutionVersionArn", "", catalog.KindSolutionVersion},
	{"ListBatchSegmentJobs", "solutionVersionArn", "", catalog.KindSolutionVersion},
	{"ListCampaigns", "solutionArn", "", catalog.KindSolution},
	{"ListDataDeletionJobs", "datasetGroupArn", "", catalog.KindDatasetGroup},
	{"ListDatasetExportJobs", "datasetArn", "", catalog.KindDataset},
	{"ListDatasetImportJobs", "datasetArn", "", catalog.KindDataset},
	{"ListDatasets", "datasetGroupArn", "", catalog.KindDatasetGroup},
	{"ListEventTrackers", "datasetGroupArn", "", catalog.KindDatasetGroup},
	{"ListFilters", "datasetGroupArn", "", catalog.KindDatasetGroup},
	{"ListMetricAttributionMetrics", "metricAttributionArn", "", catalog.KindMetricAttribution},
	{"ListMetricAttributions", "datasetGroupArn", "", catalog.KindDatasetGroup},
	{"ListRecommenders", "datasetGroupArn", "", catalog.KindDatasetGroup},
	{"ListSolutions", "datasetGroupArn", "", catalog.KindDatasetGroup},
}

const (
	role      = `, "roleArn": "arn:aws:iam::123456789012:role/p"`
	batchRest = `, "jobName": "x", "jobInput": {"s3DataSource": {"path": "s3://a/in.json"}}, "jobOutput": {"s3DataDestination": {"path": "s3://a/out/"}}` + role
)

// TestARNs gives every operation ARNs that are no ARN, of another account,
// region, partition and kind, and one of something that is not there.
func TestARNs(t *testing.T) {
	r := newRig(t)
	arns := r.opt.ARNs
	foreign := func(partition, region, account string, kind catalog.Kind) string {
		other := catalog.ARNs{Partition: partition, Region: region, Account: account}
		return strings.NewReplacer("<name>", "x", "<id>", "0123abcd", "<dataset group>", "x", "<TYPE>", "ITEMS").Replace(other.Example(kind))
	}
	for _, k := range kinds {
		input := func(arn string) string { return fmt.Sprintf(`{%q: %q%s}`, k.member, arn, k.rest) }
		wrong := catalog.KindFilter
		if k.kind == wrong {
			wrong = catalog.KindSchema
		}
		r.refused(k.op, input("arn:aws:personalize:x"), "InvalidInput")
		r.refused(k.op, input("arn:aws:personalize:us-east-1:123456789012:thing/x"), "InvalidInput", "names no kind of resource")
		r.refused(k.op, input(foreign("aws", arns.Region, arns.Account, wrong)), "InvalidInput", "is of a "+strings.ReplaceAll(string(wrong), "-", " "))
		r.refused(k.op, input(foreign("aws-cn", arns.Region, arns.Account, k.kind)), "InvalidInput", `partition "aws-cn"`)
		owned := k.kind == catalog.KindRecipe || k.kind == catalog.KindAlgorithm || k.kind == catalog.KindFeatureTransformation
		if !owned {
			r.refused(k.op, input(foreign("aws", "eu-west-1", arns.Account, k.kind)), "InvalidInput", "-region eu-west-1")
			r.refused(k.op, input(foreign("aws", arns.Region, "999999999999", k.kind)), "InvalidInput", "-account 999999999999")
		}
		absent := foreign("aws", arns.Region, arns.Account, k.kind)
		if strings.HasPrefix(k.op, "List") && k.op != "ListSolutionVersions" {
			for member, v := range r.ok(k.op, input(absent)) {
				if list, ok := v.([]any); !ok || len(list) > 0 {
					r.Errorf("%s: %s is %v", k.op, member, v)
				}
			}
			r.refused(k.op, `{"nextToken": "bogus"}`, "InvalidNextToken", "nextToken")
			continue
		}
		r.refused(k.op, input(absent), "ResourceNotFound", "Resource Arn "+strings.Replace(absent, prefix, "~", 1)+" does not exist.")
	}
}

// TestDatasetGroupRefusals and the tests below provoke the errors of one kind.
func TestDatasetGroupRefusals(t *testing.T) {
	r := newRig(t)
	r.ok("CreateDatasetGroup", `{"name": "shop", "domain": "ECOMMERCE", "roleArn": "arn:aws:iam::123456789012:role/p", "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"}`)
	d := r.ok("DescribeDatasetGroup", `{"datasetGroupArn": "~dataset-group/shop"}`)
	r.same(d, "ECOMMERCE", "datasetGroup", "domain")
	r.same(d, "arn:aws:kms:us-east-1:123456789012:key/k", "datasetGroup", "kmsKeyArn")
	r.refuse([]refusal{
		{"CreateDatasetGroup", `{"name": "shop"}`, "ResourceAlreadyExists", []string{"Another resource with Arn ~dataset-group/shop already exists."}},
		{"CreateDatasetGroup", `{"name": "a", "roleArn": "arn:aws:iam::123456789012:role/p"}`, "InvalidInput", []string{"roleArn", "kmsKeyArn", "or neither"}},
		{"CreateDatasetGroup", `{"name": "a", "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"}`, "InvalidInput", []string{"kmsKeyArn", "without roleArn"}},
		{"CreateDatasetGroup", `{"name": "a b"}`, "InvalidInput", []string{"1 validation error detected"}},
	})
	r.setStatus("~dataset-group/shop", catalog.DeletePending)
	r.refuse([]refusal{
		{"DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/shop"}`, "ResourceInUse", []string{"Work is under way on ~dataset-group/shop"}},
		{"CreateEventTracker", `{"name": "x", "datasetGroupArn": "~dataset-group/shop"}`, "ResourceInUse", []string{"is DELETE PENDING", "DescribeDatasetGroup"}},
		{"CreateSolution", `{"name": "x", "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`, "ResourceInUse", nil},
		{"CreateFilter", `{"name": "x", "datasetGroupArn": "~dataset-group/shop", "filterExpression": "x"}`, "ResourceInUse", nil},
		{"CreateDataset", `{"name": "x", "datasetType": "Items", "schemaArn": "~schema/x", "datasetGroupArn": "~dataset-group/shop"}`, "ResourceInUse", nil},
	})
	r.setStatus("~dataset-group/shop", catalog.Failed)
	r.refused("CreateEventTracker", `{"name": "x", "datasetGroupArn": "~dataset-group/shop"}`, "InvalidInput", "CREATE FAILED", "the reason")
}

func TestSchemaRefusals(t *testing.T) {
	r := newRig(t)
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "s", "schema": %s}`, interactionsText))
	r.refuse([]refusal{
		{"CreateSchema", fmt.Sprintf(`{"name": "s", "schema": %s}`, plainText), "ResourceAlreadyExists", []string{"Another resource with Arn ~schema/s already exists."}},
		{"CreateSchema", `{"name": "t", "schema": "{"}`, "InvalidInput", []string{"not a JSON object"}},
		{"CreateSchema", fmt.Sprintf(`{"name": "t", "schema": %s}`, schemaText("Interactions", "USER_ID string")), "InvalidInput", []string{"ITEM_ID"}},
		{"CreateSchema", fmt.Sprintf(`{"name": "t", "domain": "ECOMMERCE", "schema": %s}`, plainText), "InvalidInput", []string{"EVENT_TYPE"}},
		{"CreateSchema", fmt.Sprintf(`{"name": "t", "domain": "SHOES", "schema": %s}`, plainText), "InvalidInput", []string{"domain"}},
	})
	r.refused("DescribeSchema", `{"schemaArn": "~schema/t"}`, "ResourceNotFound") // nothing half-made
}

func TestDatasetRefusals(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	r.ok("CreateDatasetGroup", `{"name": "films", "domain": "VIDEO_ON_DEMAND"}`)
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "items", "schema": %s}`, itemsText))
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "films", "domain": "VIDEO_ON_DEMAND", "schema": %s}`, interactionsText))
	create := func(kind, schema, group string) string {
		return fmt.Sprintf(`{"name": "d", "datasetType": %q, "schemaArn": "~schema/%s", "datasetGroupArn": "~dataset-group/%s"}`, kind, schema, group)
	}
	r.refuse([]refusal{
		{"CreateDataset", create("interactions", "shop-interactions", "shop"), "ResourceAlreadyExists", []string{"Another resource with Arn ~dataset/shop/INTERACTIONS already exists."}},
		{"CreateDataset", create("Clicks", "items", "shop"), "InvalidInput", []string{`"Clicks"`, "Interactions, Items, Users, Actions or Action_Interactions"}},
		{"CreateDataset", create("Actions", "items", "shop"), "InvalidInput", []string{"~schema/items", "ITEMS", "ACTIONS"}},
		{"CreateDataset", create("Action_Interactions", "items", "shop"), "InvalidInput", []string{"ITEMS", "ACTION_INTERACTIONS"}},
		{"CreateDataset", create("Users", "items", "shop"), "InvalidInput", []string{"~schema/items", "ITEMS", "USERS"}},
		{"CreateDataset", create("Items", "items", "films"), "InvalidInput", []string{"no domain (custom)", "VIDEO_ON_DEMAND"}},
		{"CreateDataset", create("Interactions", "films", "shop"), "InvalidInput", []string{"VIDEO_ON_DEMAND", "no domain (custom)"}},
		{"CreateDataset", create("Items", "absent", "shop"), "ResourceNotFound", []string{"~schema/absent"}},
	})
	if s := r.schemaInLog("shop", "ITEMS"); s != nil {
		t.Errorf("a refused dataset has the schema %v in the log", s)
	}
	r.setStatus("~dataset/shop/INTERACTIONS", catalog.InProgress)
	r.refused("CreateDatasetImportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}}`, "ResourceInUse", "DescribeDataset says ACTIVE")
}

func TestImportRefusals(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	create := func(name, location, rest string) string {
		return fmt.Sprintf(`{"jobName": %q, "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": %q}%s}`, name, location, rest)
	}
	r.refuse([]refusal{
		{"CreateDatasetImportJob", create("j", "https://data/x.csv", ""), "InvalidInput", []string{"Invalid Data location.", "https://data/x.csv", "s3://bucket/key"}},
		{"CreateDatasetImportJob", create("j", "s3:///x.csv", ""), "InvalidInput", []string{"Invalid Data location."}},
		{"CreateDatasetImportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {}}`, "InvalidInput", []string{"dataLocation is missing"}},
		{"CreateDatasetImportJob", create("j", "s3://a/b", `, "publishAttributionMetricsToS3": true`), "InvalidInput", []string{"metric attribution"}},
		{"CreateDatasetImportJob", create("j", "s3://a/b", `, "importMode": "INCREMENTAL"`), "InvalidInput", []string{"FULL first"}},
	})
	r.ok("CreateDatasetImportJob", create("j", "s3://a", ""))
	r.refused("CreateDatasetImportJob", create("j", "s3://a/b", ""), "ResourceAlreadyExists", "Another resource with Arn ~dataset-import-job/j already exists.")
	r.refused("CreateDatasetImportJob", create("k", "s3://a/b", `, "importMode": "INCREMENTAL"`), "InvalidInput", "FULL first")
	r.setStatus("~dataset-import-job/j", catalog.Failed)
	r.refused("CreateDatasetImportJob", create("k", "s3://a/b", `, "importMode": "INCREMENTAL"`), "InvalidInput", "FULL first")
	r.setStatus("~dataset-import-job/j", catalog.Active)
	r.ok("CreateDatasetImportJob", create("k", "s3://a/b", `, "importMode": "INCREMENTAL"`))
	r.same(r.ok("DescribeDatasetImportJob", `{"datasetImportJobArn": "~dataset-import-job/k"}`), "INCREMENTAL", "datasetImportJob", "importMode")
}

func TestEventTrackerRefusals(t *testing.T) {
	r := newRig(t)
	r.ok("CreateDatasetGroup", `{"name": "shop"}`)
	first := r.ok("CreateEventTracker", `{"name": "live", "datasetGroupArn": "~dataset-group/shop"}`)
	arn := first["eventTrackerArn"].(string)
	r.refused("CreateEventTracker", `{"name": "other", "datasetGroupArn": "~dataset-group/shop"}`, "ResourceAlreadyExists", "Another resource with Arn "+arn+" already exists.", "one event tracker")
	r.ok("DeleteEventTracker", fmt.Sprintf(`{"eventTrackerArn": %q}`, arn))
	second := r.ok("CreateEventTracker", `{"name": "live", "datasetGroupArn": "~dataset-group/shop"}`)
	if second["trackingId"] == first["trackingId"] || second["eventTrackerArn"] == arn {
		t.Errorf("a new tracker has the ids of the old: %v %v", first, second)
	}
}

func TestSolutionRefusals(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	r.group("plain", plainText)
	r.ok("CreateDatasetGroup", `{"name": "empty"}`)
	const v2, sims = "aws-user-personalization-v2", "aws-sims"
	create := func(group, recipe, rest string) string {
		return fmt.Sprintf(`{"name": "x", "datasetGroupArn": "~dataset-group/%s", "recipeArn": "arn:aws:personalize:::recipe/%s"%s}`, group, recipe, rest)
	}
	config := func(c string) string { return `, "solutionConfig": {` + c + `}` }
	ranges := func(list string) string {
		return config(`"hpoConfig": {"algorithmHyperParameterRanges": {` + list + `}}`)
	}
	events := func(list string) string {
		return config(`"eventsConfig": {"eventParametersList": [` + list + `]}`)
	}
	for _, c := range []struct {
		input string
		parts []string
	}{
		{`{"name": "x", "datasetGroupArn": "~dataset-group/shop"}`, []string{"recipeArn is missing"}},
		{`{"name": "x", "datasetGroupArn": "~dataset-group/shop", "performAutoML": true}`, []string{"performAutoML", "recipeArn"}},
		{create("shop", v2, `, "performHPO": true`), []string{"performHPO"}},
		{create("shop", sims, `, "performHPO": true`+ranges(`"integerHyperParameterRanges": [{"name": "bptt", "minValue": 2, "maxValue": 3}]`)), []string{"bptt", "min_cointeraction_count (integer)"}},
		{create("shop", sims, `, "performHPO": true`+ranges(`"integerHyperParameterRanges": [{"name": "min_cointeraction_count", "minValue": 2, "maxValue": 30}]`)), []string{"2 to 30", "within 0 to 10"}},
		{create("shop", sims, `, "performHPO": true`+ranges(`"integerHyperParameterRanges": [{"name": "min_cointeraction_count", "minValue": 2}]`)), []string{"needs minValue and maxValue"}},
		{create("shop", sims, `, "performHPO": true`+ranges(`"integerHyperParameterRanges": [{"name": "popularity_discount_factor", "minValue": 0, "maxValue": 1}]`)), []string{"popularity_discount_factor is continuous"}},
		{create("shop", sims, `, "performHPO": true`+ranges(`"categoricalHyperParameterRanges": [{"name": "min_cointeraction_count", "values": ["1"]}]`)), []string{"min_cointeraction_count is integer"}},
		{create("shop", sims, `, "performHPO": true`+ranges(`"continuousHyperParameterRanges": [{"name": "popularity_discount_factor", "minValue": 0, "maxValue": 1}, {"name": "training.popularity_discount_factor", "minValue": 0, "maxValue": 1}]`)), []string{"has a range already"}},
		{create("shop", v2, `, "performIncrementalUpdate": true`), []string{"performIncrementalUpdate", "aws-semantic-similarity"}},
		{create("shop", "aws-hrnn", ""), []string{"aws-hrnn", "legacy", "Use aws-popularity-count, aws-sims, aws-user-personalization-v2."}},
		{create("shop", "aws-trending-now", ""), []string{"aws-trending-now", "aws-popularity-count, aws-sims, aws-user-personalization-v2"}},
		{create("shop", "aws-vod-top-picks", ""), []string{"aws-vod-top-picks", "VIDEO_ON_DEMAND", "recommenders"}},
		{create("shop", sims, config(`"algorithmHyperParameters": {"popularity_discount_factor": "2"}`)), []string{"solutionConfig.algorithmHyperParameters", "popularity_discount_factor", `"2"`, "from 0 to 1"}},
		{create("shop", sims, config(`"algorithmHyperParameters": {"hidden_dimension": "2"}`)), []string{"hidden_dimension", "min_cointeraction_count"}},
		{create("shop", sims, config(`"featureTransformationParameters": {"max_user_history_length_percentile": "x"}`)), []string{"featureTransformationParameters", "max_user_history_length_percentile"}},
		{create("shop", sims, config(`"featureTransformationParameters": {"min_user_history_length_percentile": "0.9", "max_user_history_length_percentile": "0.1"}`)), []string{"min_user_history_length_percentile", `"0.9" is above max_user_history_length_percentile, which is "0.1"`}},
		{create("plain", v2, `, "eventType": "click"`), []string{"eventType", "EVENT_TYPE"}},
		{create("empty", v2, `, "eventType": "click"`), []string{"eventType", "no Interactions dataset"}},
		{create("shop", v2, config(`"eventValueThreshold": "1"`)), []string{"eventValueThreshold", "give eventType"}},
		{create("shop", v2, `, "eventType": "click"`+config(`"eventValueThreshold": "much"`)), []string{`"much" is not a number`}},
		{create("shop", v2, `, "eventType": "click"`+config(`"eventValueThreshold": "NaN"`)), []string{`"NaN" is not a number`}},
		{create("shop", sims, events(`{"eventType": "click", "weight": 1}`)), []string{"eventsConfig", "aws-sims"}},
		{create("shop", v2, `, "eventType": "click"`+events(`{"eventType": "click", "weight": 1}`)), []string{"eventsConfig and eventType"}},
		{create("plain", v2, events(`{"eventType": "click"}`)), []string{"EVENT_TYPE"}},
		{create("shop", v2, events(`{"eventType": "click"}, {"eventType": "click"}`)), []string{"eventParametersList.2.member", `"click"`}},
		{create("shop", v2, events(`{"weight": 0.5}`)), []string{"eventParametersList.1.member.eventType is missing"}},
		{create("shop", v2, events(`{"eventType": "a", "weight": 1.5}`)), []string{"validation error"}},
		{create("shop", v2, config(`"autoMLConfig": {"metricName": "x"}`)), []string{"autoMLConfig"}},
		{create("shop", v2, config(`"hpoConfig": {"hpoObjective": {"type": "max"}}`)), []string{"hpoObjective"}},
		{create("shop", v2, config(`"hpoConfig": {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "41"}}`)), []string{"maxNumberOfTrainingJobs", `"41"`, "1 to 40"}},
		{create("shop", v2, config(`"hpoConfig": {"hpoResourceConfig": {"maxParallelTrainingJobs": "many"}}`)), []string{"maxParallelTrainingJobs", `"many"`, "1 to 10"}},
		{create("shop", v2, config(`"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["GENRE"]}}`)), []string{"excludedDatasetColumns.ITEMS", "no dataset of type ITEMS"}},
		{create("shop", v2, config(`"trainingDataConfig": {"includedDatasetColumns": {"INTERACTIONS": ["GENRE"]}}`)), []string{"includedDatasetColumns.INTERACTIONS", `no column "GENRE"`}},
		{create("shop", v2, config(`"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["EVENT_TYPE"]}}`)), []string{"EVENT_TYPE cannot be excluded"}},
		{create("shop", v2, config(`"trainingDataConfig": {"excludedDatasetColumns": {"SHOES": ["A"]}}`)), []string{`"SHOES"`, "INTERACTIONS, ITEMS or USERS"}},
		{create("shop", v2, config(`"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}`)), []string{"rate(31 days)", "1 to 30"}},
		{create("shop", v2, config(`"autoTrainingConfig": {"schedulingExpression": "rate(0 days)"}`)), []string{"rate(0 days)"}},
		{create("shop", v2, `, "performAutoTraining": false`+config(`"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}`)), []string{"performAutoTraining is false"}},
	} {
		r.refused("CreateSolution", c.input, "InvalidInput", c.parts...)
	}
	r.refused("CreateSolution", create("shop", "aws-unheard-of", ""), "ResourceNotFound", "Resource Arn arn:aws:personalize:::recipe/aws-unheard-of does not exist.")
	r.refused("DescribeSolution", `{"solutionArn": "~solution/x"}`, "ResourceNotFound") // nothing half-made
	r.ok("CreateSolution", create("shop", v2, ""))
	r.refused("CreateSolution", create("shop", sims, ""), "ResourceAlreadyExists", "Another resource with Arn ~solution/x already exists.")
	r.refuse([]refusal{
		{"UpdateSolution", `{"solutionArn": "~solution/x"}`, "InvalidInput", []string{"Nothing is given"}},
		{"UpdateSolution", `{"solutionArn": "~solution/x", "performIncrementalUpdate": true}`, "InvalidInput", []string{"aws-semantic-similarity"}},
		{"UpdateSolution", `{"solutionArn": "~solution/x", "performAutoTraining": false, "solutionUpdateConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(1 day)"}}}`, "InvalidInput", []string{"solutionUpdateConfig", "performAutoTraining is false"}},
		{"UpdateSolution", `{"solutionArn": "~solution/x", "solutionUpdateConfig": {"eventsConfig": {"eventParametersList": [{"weight": 1}]}}}`, "InvalidInput", []string{"solutionUpdateConfig.eventsConfig.eventParametersList.1"}},
	})
	r.same(r.ok("DescribeSolution", `{"solutionArn": "~solution/x"}`), nil, "solution", "latestSolutionUpdate")
	r.setStatus("~solution/x", catalog.Pending)
	r.refuse([]refusal{
		{"CreateSolutionVersion", `{"solutionArn": "~solution/x"}`, "ResourceInUse", []string{"CREATE PENDING"}},
		{"UpdateSolution", `{"solutionArn": "~solution/x", "performAutoTraining": false}`, "ResourceInUse", nil},
		{"DeleteSolution", `{"solutionArn": "~solution/x"}`, "ResourceInUse", []string{"DescribeSolution"}},
	})
}

func TestSolutionVersionRefusals(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	r.solution("x", "aws-sims")
	v := r.ok("CreateSolutionVersion", `{"solutionArn": "~solution/x", "name": "spring"}`)["solutionVersionArn"].(string)
	r.refuse([]refusal{
		{"CreateSolutionVersion", `{"solutionArn": "~solution/x", "trainingMode": "UPDATE"}`, "InvalidInput", []string{"UPDATE", "aws-sims", "FULL"}},
		{"CreateSolutionVersion", `{"solutionArn": "~solution/x", "trainingMode": "AUTOTRAIN"}`, "InvalidInput", []string{"AUTOTRAIN"}},
		{"CreateSolutionVersion", `{"solutionArn": "~solution/x", "name": "spring"}`, "ResourceAlreadyExists", []string{"Another resource with Arn " + v + " already exists.", "spring"}},
	})
	metrics := fmt.Sprintf(`{"solutionVersionArn": %q}`, v)
	r.refused("GetSolutionMetrics", metrics, "ResourceInUse", "DescribeSolutionVersion")
	r.setStatus(v, catalog.Failed)
	r.refused("GetSolutionMetrics", metrics, "InvalidInput", "CREATE FAILED", "the reason")
	r.same(r.ok("DescribeSolutionVersion", metrics), "the reason", "solutionVersion", "failureReason")
	for _, s := range []catalog.Status{catalog.Failed, catalog.Stopped, catalog.Active} {
		r.setStatus(v, s)
		r.refused("StopSolutionVersionCreation", metrics, "InvalidInput", string(s))
	}
	r.setStatus(v, catalog.Stopping)
	r.refused("StopSolutionVersionCreation", metrics, "ResourceInUse", "being stopped already")
}

func TestCampaignRefusals(t *testing.T) {
	r := newRig(t, allRecipes)
	r.group("shop", interactionsText)
	v2 := r.solution("v", "aws-user-personalization-v2")
	v1 := r.solution("u", "aws-user-personalization")
	none := r.solution("none", "aws-sims")
	create := func(version, rest string) string {
		return fmt.Sprintf(`{"name": "c", "solutionVersionArn": %q%s}`, version, rest)
	}
	config := func(c string) string { return `, "campaignConfig": {` + c + `}` }
	r.refused("CreateCampaign", create(none+"/$LATEST", ""), "InvalidInput", none, "CreateSolutionVersion")
	pending := r.version(none, catalog.Pending)
	r.refused("CreateCampaign", create(none+"/$LATEST", ""), "ResourceInUse", pending, "CREATE PENDING")
	r.refused("CreateCampaign", create(pending, ""), "ResourceInUse", "CREATE PENDING")
	r.setStatus(pending, catalog.Stopped)
	r.refused("CreateCampaign", create(pending, ""), "InvalidInput", "CREATE STOPPED", "Create another one")
	r.refused("CreateCampaign", create("~solution/absent/$LATEST", ""), "ResourceNotFound", "Resource Arn ~solution/absent does not exist.")
	segments := r.version(r.solution("s", "aws-item-affinity"), catalog.Active)
	a, b := r.version(v2, catalog.Active), r.version(v1, catalog.Active)
	r.refuse([]refusal{
		{"CreateCampaign", create(segments, ""), "InvalidInput", []string{"aws-item-affinity", "CreateBatchSegmentJob"}},
		{"CreateCampaign", create(a, config(`"syncWithLatestSolutionVersion": true`)), "InvalidInput", []string{"syncWithLatestSolutionVersion", v2 + "/$LATEST"}},
		{"CreateCampaign", create(a, config(`"itemExplorationConfig": {"explorationWeight": "0.3"}`)), "InvalidInput", []string{"itemExplorationConfig", "aws-user-personalization-v2"}},
		{"CreateCampaign", create(b, config(`"itemExplorationConfig": {"explorationWeight": "1.5"}`)), "InvalidInput", []string{"explorationWeight", `"1.5"`}},
		{"CreateCampaign", create(b, config(`"itemExplorationConfig": {"explorationItemAgeCutOff": "0"}`)), "InvalidInput", []string{"explorationItemAgeCutOff"}},
		{"CreateCampaign", create(b, config(`"itemExplorationConfig": {"weight": "0"}`)), "InvalidInput", []string{`"weight"`}},
		{"CreateCampaign", create(a, config(`"rankingInfluence": {"POPULARITY": 0.5}`)), "InvalidInput", []string{"rankingInfluence"}},
		{"CreateCampaign", create(a, config(`"enableMetadataWithRecommendations": true`)), "InvalidInput", []string{"Items dataset"}},
		{"CreateCampaign", create(a, `, "minProvisionedTPS": 0`), "InvalidInput", []string{"minProvisionedTPS"}},
	})
	c := r.campaign("c", b, catalog.Pending)
	r.refused("CreateCampaign", create(a, ""), "ResourceAlreadyExists", "Another resource with Arn ~campaign/c already exists.")
	r.refused("UpdateCampaign", fmt.Sprintf(`{"campaignArn": %q}`, c), "InvalidInput", "Nothing is given")
	r.refused("UpdateCampaign", fmt.Sprintf(`{"campaignArn": %q, "minProvisionedTPS": 2}`, c), "ResourceInUse", "DescribeCampaign")
	r.refused("DeleteCampaign", fmt.Sprintf(`{"campaignArn": %q}`, c), "ResourceInUse", "DescribeCampaign")
	r.setStatus(c, catalog.Active)
	r.group("other", interactionsText)
	r.ok("CreateSolution", `{"name": "o", "datasetGroupArn": "~dataset-group/other", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`)
	foreign := r.version("~solution/o", catalog.Active)
	update := func(rest string) string { return fmt.Sprintf(`{"campaignArn": %q, %s}`, c, rest) }
	r.refuse([]refusal{
		{"UpdateCampaign", update(fmt.Sprintf(`"solutionVersionArn": %q`, foreign)), "InvalidInput", []string{"another dataset group"}},
		{"UpdateCampaign", update(fmt.Sprintf(`"solutionVersionArn": %q`, pending)), "InvalidInput", []string{"CREATE STOPPED"}},
		{"UpdateCampaign", update(`"solutionVersionArn": "~solution/u/00000000"`), "ResourceNotFound", nil},
		{"UpdateCampaign", update(`"campaignConfig": {"syncWithLatestSolutionVersion": true}`), "InvalidInput", []string{"syncWithLatestSolutionVersion"}},
		{"UpdateCampaign", update(`"campaignConfig": {"rankingInfluence": {"FRESHNESS": 1}}`), "InvalidInput", []string{"rankingInfluence"}},
	})
	r.same(r.ok("DescribeCampaign", fmt.Sprintf(`{"campaignArn": %q}`, c)), nil, "campaign", "latestCampaignUpdate")
	// A configuration that stays has to fit to the version that is new.
	r.ok("UpdateCampaign", update(`"campaignConfig": {"itemExplorationConfig": {"explorationWeight": "0.1"}}`))
	r.set(c, func(x catalog.Record) { settle(x, "ACTIVE") })
	r.refused("UpdateCampaign", update(fmt.Sprintf(`"solutionVersionArn": %q`, a)), "InvalidInput", "itemExplorationConfig")
}

// TestLater has every capability that is not there say so, once its input is right.
func TestLater(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	r.ok("CreateDatasetGroup", `{"name": "films", "domain": "VIDEO_ON_DEMAND"}`)
	v := r.version(r.solution("x", "aws-sims"), catalog.Active)
	batch := func(rest string) string {
		return fmt.Sprintf(`{"jobName": "j", "solutionVersionArn": %q%s%s}`, v, role, rest)
	}
	paths := func(in, out string) string {
		return fmt.Sprintf(`, "jobInput": {"s3DataSource": {"path": %q}}, "jobOutput": {"s3DataDestination": {"path": %q}}`, in, out)
	}
	good := paths("s3://a/in.json", "s3://a/out/")
	const double = `, "tags": [{"tagKey": "a", "tagValue": "b"}, {"tagKey": "a", "tagValue": "c"}]`
	r.refuse([]refusal{
		{"CreateFilter", `{"name": "f", "datasetGroupArn": "~dataset-group/shop", "filterExpression": "INCLUDE ItemID WHERE Items.A IN (\"b\")"}`, "InvalidInput", []string{"Could not create filter. Invalid Expression", "no dataset of type ITEMS"}},
		{"CreateFilter", `{"name": "f", "datasetGroupArn": "~dataset-group/shop", "filterExpression": "x"` + double + `}`, "InvalidInput", []string{`"a" is given twice`}},
		{"CreateRecommender", `{"name": "r", "datasetGroupArn": "~dataset-group/films", "recipeArn": "arn:aws:personalize:::recipe/aws-vod-top-picks"` + double + `}`, "InvalidInput", []string{"given twice"}},
		{"CreateRecommender", `{"name": "r", "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/aws-vod-top-picks"}`, "InvalidInput", []string{"domain dataset groups"}},
		{"CreateRecommender", `{"name": "r", "datasetGroupArn": "~dataset-group/films", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`, "InvalidInput", []string{"aws-sims", "VIDEO_ON_DEMAND"}},
		{"CreateBatchInferenceJob", batch(paths("https://a/in.json", "s3://a/out/")), "InvalidInput", []string{"Invalid S3 input path"}},
		{"CreateBatchInferenceJob", batch(paths("s3://a/in.json", "https://a/out/")), "InvalidInput", []string{"Invalid S3 output path"}},
		{"CreateBatchInferenceJob", batch(paths("s3://a/b/", "s3://a/b/")), "InvalidInput", []string{"Invalid S3 output path", "same"}},
		{"CreateBatchInferenceJob", batch(good + `, "filterArn": "~filter/f"`), "ResourceNotFound", []string{"~filter/f"}},
		{"CreateBatchInferenceJob", batch(good + double), "InvalidInput", []string{"given twice"}},
		{"CreateBatchSegmentJob", batch(good), "InvalidInput", []string{"aws-sims", "aws-item-affinity"}},
		{"CreateBatchSegmentJob", batch(good + `, "filterArn": "~schema/f"`), "InvalidInput", []string{"is of a schema"}},
		{"CreateDatasetExportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "jobOutput": {"s3DataDestination": {"path": "s3:///b/"}}` + role + `}`, "InvalidInput", []string{"Invalid S3 output path"}},
		{"CreateDatasetExportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "jobOutput": {"s3DataDestination": {"path": "s3://a/b/"}}` + role + double + `}`, "InvalidInput", []string{"given twice"}},
		{"CreateDataDeletionJob", `{"jobName": "j", "datasetGroupArn": "~dataset-group/shop", "dataSource": {"dataLocation": "http://a/b.csv"}` + role + `}`, "InvalidInput", []string{"Invalid Data location."}},
		{"CreateDataDeletionJob", `{"jobName": "j", "datasetGroupArn": "~dataset-group/shop", "dataSource": {"dataLocation": "s3://a/b.csv"}` + role + double + `}`, "InvalidInput", []string{"given twice"}},
		{"CreateMetricAttribution", metricAttribution(`{"eventType": "a", "metricName": "b", "expression": "SAMPLECOUNT()"}`, "http://a/b/"), "InvalidInput", []string{"Invalid S3 output path"}},
		{"CreateMetricAttribution", metricAttribution("", "s3://a/b/"), "InvalidInput", []string{"metrics is empty"}},
		{"UpdateMetricAttribution", `{}`, "InvalidInput", []string{"metricAttributionArn is missing"}},
	})
}

func metricAttribution(metrics, path string) string {
	return fmt.Sprintf(`{"name": "m", "datasetGroupArn": "~dataset-group/shop", "metrics": [%s], "metricsOutputConfig": {"s3DataDestination": {"path": %q}%s}}`, metrics, path, role)
}

// TestRecipes goes through the whole table.
func TestRecipes(t *testing.T) {
	r := newRig(t)
	table := recipe.Table()
	for _, s := range table {
		d := r.ok("DescribeRecipe", fmt.Sprintf(`{"recipeArn": %q}`, recipe.ARN(s.Name)))
		r.same(d, s.Name, "recipe", "name")
		r.same(d, string(s.Type), "recipe", "recipeType")
		r.same(d, "ACTIVE", "recipe", "status")
		r.same(d, 1560124800, "recipe", "creationDateTime")
		a := r.ok("DescribeAlgorithm", fmt.Sprintf(`{"algorithmArn": %q}`, at(d, "recipe", "algorithmArn")))
		r.same(a, s.Algorithm, "algorithm", "name")
		if f := at(d, "recipe", "featureTransformationArn"); f != nil {
			ft := r.ok("DescribeFeatureTransformation", fmt.Sprintf(`{"featureTransformationArn": %q}`, f))
			r.same(ft, s.Transformation, "featureTransformation", "name")
		}
	}
	all := r.ok("ListRecipes", `{"recipeProvider": "SERVICE"}`)
	if n := len(all["recipes"].([]any)); n != len(table) {
		t.Errorf("%d recipes are listed, want %d", n, len(table))
	}
	for i, s := range table {
		got := all["recipes"].([]any)[i]
		r.same(got, s.Name, "name")
		if s.Domain == "" {
			r.same(got, nil, "domain")
		} else {
			r.same(got, s.Domain, "domain")
		}
	}
}
