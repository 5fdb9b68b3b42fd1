package control

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/ingest"
	"usher/job"
	"usher/serving"
	"usher/store"
	"usher/train"
	wire "usher/wire/personalize"
)

// TestStop stops one training that runs and one that waits behind it.
func TestStop(t *testing.T) {
	r := newRig(t)
	stay := make(chan struct{})
	leave := sync.OnceFunc(func() { close(stay) })
	defer leave() // also when the test fails: the queue waits for its jobs
	r.workers[train.Job].leave = stay
	r.group("shop", interactionsText)
	s := r.solution("s", "aws-sims")
	running := r.version(s, catalog.Pending)
	if got := r.begun(train.Job); got != running {
		t.Fatalf("%s is trained, want %s", got, running)
	}
	r.setStatus(running, catalog.InProgress)
	waiting := r.version(s, catalog.Pending)
	stop := func(arn string) { r.ok("StopSolutionVersionCreation", fmt.Sprintf(`{"solutionVersionArn": %q}`, arn)) }
	stop(waiting)
	if got := r.status(waiting); got != catalog.Stopped {
		t.Errorf("a training that had not begun is %s", got)
	}
	r.refused("DeleteSolution", fmt.Sprintf(`{"solutionArn": %q}`, s), "ResourceInUse", running)

	changed := make(chan struct{}, 1)
	defer r.DB.Subscribe(catalog.Topic, func(string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	stop(running)
	if got := r.status(running); got != catalog.Stopping {
		t.Errorf("a training that is being stopped is %s", got)
	}
	r.refused("StopSolutionVersionCreation", fmt.Sprintf(`{"solutionVersionArn": %q}`, running), "ResourceInUse", "being stopped already")
	r.refused("DeleteSolution", fmt.Sprintf(`{"solutionArn": %q}`, s), "ResourceInUse", running)
	leave()
	for r.status(running) != catalog.Stopped {
		<-changed
	}
	d := r.ok("DescribeSolutionVersion", fmt.Sprintf(`{"solutionVersionArn": %q}`, running))
	r.same(d, "CREATE STOPPED", "solutionVersion", "status")
	r.same(d, nil, "solutionVersion", "failureReason")
	r.ok("DeleteSolution", fmt.Sprintf(`{"solutionArn": %q}`, s))
	r.refused("DescribeSolutionVersion", fmt.Sprintf(`{"solutionVersionArn": %q}`, waiting), "ResourceNotFound")
}

// TestJobs has each record that waits for work its job.
func TestJobs(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	v := r.version(r.solution("s", "aws-sims"), catalog.Pending)
	if got := r.begun(train.Job); got != v {
		t.Errorf("trained: %s, want %s", got, v)
	}
	r.finish(train.Job, v, func(c catalog.Record) { settle(c, "ACTIVE") })
	c := r.campaign("c", v, catalog.Pending)
	if got := r.begun(serving.DeployJob); got != c {
		t.Errorf("deployed: %s, want %s", got, c)
	}
	r.ok("CreateDatasetImportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}}`)
	if got := r.begun(ingest.ImportJob); got != "~dataset-import-job/j" {
		t.Errorf("imported: %s", got)
	}
	// What is refused leaves no job behind.
	r.refused("CreateDatasetImportJob", `{"jobName": "k", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}, "tags": [{"tagKey": "aws:", "tagValue": ""}]}`, "InvalidInput")
	r.View(func(tx *store.Tx) error {
		_, found, err := job.Find(tx, ingest.ImportJob, prefix+"dataset-import-job/k")
		if found {
			t.Error("a refused import has a job")
		}
		return err
	})
}

// TestCampaignCreatedAnew updates a campaign whose creation failed.
func TestCampaignCreatedAnew(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	s := r.solution("s", "aws-sims")
	old, next := r.version(s, catalog.Active), r.version(s, catalog.Active)
	c := r.campaign("c", old, catalog.Pending)
	r.begun(serving.DeployJob)
	r.finish(serving.DeployJob, c, func(x catalog.Record) { settle(x, "CREATE FAILED: no memory") })
	r.same(r.ok("DescribeCampaign", fmt.Sprintf(`{"campaignArn": %q}`, c)), "no memory", "campaign", "failureReason")
	r.ok("UpdateCampaign", fmt.Sprintf(`{"campaignArn": %q, "solutionVersionArn": %q, "minProvisionedTPS": 3}`, c, next))
	d := r.ok("DescribeCampaign", fmt.Sprintf(`{"campaignArn": %q}`, c))
	r.same(d, "CREATE PENDING", "campaign", "status")
	r.same(d, next, "campaign", "solutionVersionArn")
	r.same(d, 3, "campaign", "minProvisionedTPS")
	r.same(d, nil, "campaign", "failureReason")
	r.same(d, nil, "campaign", "latestCampaignUpdate")
	if got := r.begun(serving.DeployJob); got != c {
		t.Errorf("deployed: %s, want %s", got, c)
	}
}

// TestFailedUpdate leaves the old version in service.
func TestFailedUpdate(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	s := r.solution("s", "aws-sims")
	old, next := r.version(s, catalog.Active), r.version(s, catalog.Active)
	r.campaign("c", old, catalog.Pending)
	r.begun(serving.DeployJob)
	r.finish(serving.DeployJob, "~campaign/c", func(x catalog.Record) { settle(x, "ACTIVE") })
	r.ok("UpdateCampaign", `{"campaignArn": "~campaign/c", "solutionVersionArn": "`+s+`/$LATEST"}`)
	r.refused("UpdateCampaign", `{"campaignArn": "~campaign/c", "minProvisionedTPS": 2}`, "ResourceInUse", "latestCampaignUpdate")
	r.refused("DeleteCampaign", `{"campaignArn": "~campaign/c"}`, "ResourceInUse")
	r.begun(serving.DeployJob)
	r.finish(serving.DeployJob, "~campaign/c", func(x catalog.Record) { settle(x, "CREATE FAILED: no memory") })
	d := r.ok("DescribeCampaign", `{"campaignArn": "~campaign/c"}`)
	r.same(d, "ACTIVE", "campaign", "status")
	r.same(d, old, "campaign", "solutionVersionArn")
	r.same(d, next, "campaign", "latestCampaignUpdate", "solutionVersionArn")
	r.same(d, "CREATE FAILED", "campaign", "latestCampaignUpdate", "status")
	r.same(d, "no memory", "campaign", "latestCampaignUpdate", "failureReason")
	r.ok("DeleteCampaign", `{"campaignArn": "~campaign/c"}`)
}

// TestLog looks for what the calls write into the group's log.
func TestLog(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	if s := r.schemaInLog("shop", dataset.Interactions); s == nil || s.Column("EVENT_VALUE") < 0 {
		t.Errorf("after CreateDataset the log has the schema %v", s)
	}
	r.ok("DeleteDataset", `{"datasetArn": "~dataset/shop/INTERACTIONS"}`)
	if s := r.schemaInLog("shop", dataset.Interactions); s != nil {
		t.Errorf("after DeleteDataset the log has the schema %v", s)
	}
	// Another dataset of the type may have another schema.
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "plain", "schema": %s}`, plainText))
	r.ok("CreateDataset", `{"name": "d", "datasetType": "INTERACTIONS", "datasetGroupArn": "~dataset-group/shop", "schemaArn": "~schema/plain"}`)
	if s := r.schemaInLog("shop", dataset.Interactions); s == nil || s.Column("EVENT_VALUE") >= 0 {
		t.Errorf("after the second CreateDataset the log has the schema %v", s)
	}
	var group string
	r.View(func(tx *store.Tx) error {
		g, err := catalog.Get[catalog.DatasetGroup](tx, prefix+"dataset-group/shop")
		group = g.ID
		return err
	})
	r.ok("DeleteDataset", `{"datasetArn": "~dataset/shop/INTERACTIONS"}`)
	r.ok("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/shop"}`)
	logs := eventlog.New(r.DB)
	defer logs.Close()
	for rec, err := range logs.Log(group).Read(context.Background(), 0) {
		t.Errorf("the log of a deleted group has record %d (%v)", rec.Offset, err)
	}
}

// TestModelsGo has a deleted solution's models erased by a job.
func TestModelsGo(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	s := r.solution("s", "aws-sims")
	var prefixOfModels string
	r.View(func(tx *store.Tx) error {
		g, err := catalog.Get[catalog.DatasetGroup](tx, prefix+"dataset-group/shop")
		if err != nil {
			return err
		}
		x, err := catalog.Get[catalog.Solution](tx, strings.Replace(s, "~", prefix, 1))
		prefixOfModels = "models/" + g.ID + "/" + x.ID + "/"
		return err
	})
	r.ok("DeleteSolution", fmt.Sprintf(`{"solutionArn": %q}`, s))
	r.View(func(tx *store.Tx) error {
		_, found, err := job.Find(tx, ingest.EraseJob, prefixOfModels)
		if !found {
			t.Errorf("nothing erases %s", prefixOfModels)
		}
		return err
	})
}

// TestUpdateDataset replaces a schema.
func TestUpdateDataset(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	for name, s := range map[string]string{
		"items":    itemsText,
		"more":     schemaText("Items", "ITEM_ID string", "GENRE string categorical", `PRICE ["null", "float"]`, `BRAND ["null", "string"] categorical`),
		"fewer":    schemaText("Items", "ITEM_ID string", "GENRE string categorical"),
		"other":    schemaText("Items", "ITEM_ID string", "GENRE string categorical", `PRICE ["null", "double"]`),
		"plain":    schemaText("Items", "ITEM_ID string", "GENRE string", `PRICE ["null", "float"]`),
		"order":    schemaText("Items", "ITEM_ID string", `PRICE ["null", "float"]`, "GENRE string categorical"),
		"required": schemaText("Items", "ITEM_ID string", "GENRE string categorical", `PRICE ["null", "float"]`, "BRAND string categorical"),
		"users":    usersText,
		"clicks":   interactionsText,
	} {
		r.ok("CreateSchema", fmt.Sprintf(`{"name": %q, "schema": %s}`, name, s))
	}
	r.ok("CreateDataset", `{"name": "d", "datasetType": "Items", "datasetGroupArn": "~dataset-group/shop", "schemaArn": "~schema/items"}`)
	update := func(schema string) string {
		return fmt.Sprintf(`{"datasetArn": "~dataset/shop/ITEMS", "schemaArn": "~schema/%s"}`, schema)
	}
	r.refuse([]refusal{
		{"UpdateDataset", update("fewer"), "InvalidInput", []string{"lacks the field PRICE"}},
		{"UpdateDataset", update("other"), "InvalidInput", []string{"PRICE", "differs"}},
		{"UpdateDataset", update("plain"), "InvalidInput", []string{"GENRE", "differs"}},
		{"UpdateDataset", update("order"), "InvalidInput", []string{"place", "in their order"}},
		{"UpdateDataset", update("required"), "InvalidInput", []string{"BRAND", `["null", "string"]`}},
		{"UpdateDataset", update("users"), "InvalidInput", []string{"USERS"}},
		{"UpdateDataset", update("absent"), "ResourceNotFound", []string{"~schema/absent"}},
		{"UpdateDataset", `{"datasetArn": "~dataset/shop/INTERACTIONS", "schemaArn": "~schema/clicks"}`, "InvalidInput", []string{"INTERACTIONS cannot be replaced"}},
	})
	r.ok("CreateDatasetImportJob", `{"jobName": "j", "datasetArn": "~dataset/shop/ITEMS", "dataSource": {"dataLocation": "s3://a/b"}}`)
	r.refused("UpdateDataset", update("more"), "ResourceInUse", "~dataset-import-job/j", "DescribeDatasetImportJob")
	r.setStatus("~dataset-import-job/j", catalog.Active)
	describe := func() map[string]any { return r.ok("DescribeDataset", `{"datasetArn": "~dataset/shop/ITEMS"}`) }
	r.same(describe(), nil, "dataset", "latestDatasetUpdate")
	for range 2 { // the same again changes nothing
		r.same(r.ok("UpdateDataset", update("more")), "~dataset/shop/ITEMS", "datasetArn")
		d := describe()
		r.same(d, "~schema/more", "dataset", "schemaArn")
		r.same(d, "ACTIVE", "dataset", "latestDatasetUpdate", "status")
		r.same(d, "~schema/more", "dataset", "latestDatasetUpdate", "schemaArn")
	}
	if s := r.schemaInLog("shop", dataset.Items); s == nil || s.Column("BRAND") != 3 {
		t.Errorf("the log has the schema %v", s)
	}
	r.ok("DeleteSchema", `{"schemaArn": "~schema/items"}`) // nobody has it any more
	r.refused("DeleteSchema", `{"schemaArn": "~schema/more"}`, "ResourceInUse", "~dataset/shop/ITEMS")
	r.ok("DeleteDataset", `{"datasetArn": "~dataset/shop/ITEMS"}`)
	r.ok("CreateDataset", `{"name": "d", "datasetType": "Items", "datasetGroupArn": "~dataset-group/shop", "schemaArn": "~schema/more"}`)
	r.same(describe(), nil, "dataset", "latestDatasetUpdate")
}

// TestEverythingIsEchoed gives configurations with every member and compares
// what Describe shows.
func TestEverythingIsEchoed(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	config := `{"hpoConfig": {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "4", "maxParallelTrainingJobs": "2"}, "algorithmHyperParameterRanges": {"integerHyperParameterRanges": [{"name": "a", "minValue": -3, "maxValue": 7}], "continuousHyperParameterRanges": [{"name": "b", "minValue": 0.125, "maxValue": 1e21}], "categoricalHyperParameterRanges": [{"name": "c", "values": ["x", "<&>\u2028"]}]}},
		"algorithmHyperParameters": {"apply_recency_bias": "true"}, "featureTransformationParameters": {},
		"eventsConfig": {"eventParametersList": [{"eventType": "click", "eventValueThreshold": 0.1, "weight": 0.25}, {"eventType": "Click", "weight": 1}]},
		"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["EVENT_VALUE"]}, "includedDatasetColumns": {"interactions": ["EVENT_TYPE", "user_id"]}},
		"autoTrainingConfig": {"schedulingExpression": "rate(30 days)"}}`
	var want any
	if err := json.Unmarshal([]byte(config), &want); err != nil {
		t.Fatal(err)
	}
	r.ok("CreateSolution", `{"name": "s", "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/aws-user-personalization-v2", "solutionConfig": `+config+`}`)
	r.same(r.ok("DescribeSolution", `{"solutionArn": "~solution/s"}`), want, "solution", "solutionConfig")
	v := r.version("~solution/s", catalog.Active)
	r.same(r.ok("DescribeSolutionVersion", fmt.Sprintf(`{"solutionVersionArn": %q}`, v)), want, "solutionVersion", "solutionConfig")

	// What the shape has beyond this is refused by some rule; reading it back is
	// the same code for all members, so each of them must at least be found.
	shape := &wire.SolutionConfig{}
	fill(reflect.ValueOf(shape).Elem())
	back := &wire.SolutionConfig{}
	if err := fromJSON(shape.AppendJSON(nil), back); err != nil || !reflect.DeepEqual(shape, back) {
		t.Errorf("read back: %+v (%v), want %+v", back, err, shape)
	}
	campaign := &wire.CampaignConfig{}
	fill(reflect.ValueOf(campaign).Elem())
	again := &wire.CampaignConfig{}
	if err := fromJSON(campaign.AppendJSON(nil), again); err != nil || !reflect.DeepEqual(campaign, again) {
		t.Errorf("read back: %+v (%v), want %+v", again, err, campaign)
	}
	if err := fromJSON([]byte("{"), back); err == nil {
		t.Error("damaged JSON is read")
	}
}

// fill gives every member of a shape a value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		x := reflect.New(v.Type().Elem()).Elem()
		fill(x)
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), x)
	case reflect.String:
		v.SetString("é\"<")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32:
		v.SetInt(-7)
	case reflect.Float64:
		v.SetFloat(0.1)
	}
}

// TestVersionsAreAlike compares what two solutions with the same parameters
// hand to training: the same, so that the models are.
func TestVersionsAreAlike(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	var got []catalog.SolutionVersion
	for _, name := range []string{"one", "two"} {
		r.ok("CreateSolution", fmt.Sprintf(`{"name": %q, "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/aws-sims", "eventType": "click", "solutionConfig": {"eventValueThreshold": " 2.5", "algorithmHyperParameters": {"min_cointeraction_count": "7"}, "featureTransformationParameters": {"max_item_interaction_count_percentile": "1.0"}}}`, name))
		arn := r.version("~solution/"+name, catalog.Active)
		r.View(func(tx *store.Tx) error {
			v, err := catalog.Get[catalog.SolutionVersion](tx, strings.Replace(arn, "~", prefix, 1))
			if err == nil {
				v.Meta = catalog.Meta{}
				got = append(got, *v)
			}
			return err
		})
	}
	if !reflect.DeepEqual(got[0], got[1]) {
		t.Errorf("%+v\n%+v", got[0], got[1])
	}
	want := map[string]string{
		"popularity_discount_factor": "0.5", "min_cointeraction_count": "7",
		"min_user_history_length_percentile": "0.005", "max_user_history_length_percentile": "0.995",
		"min_item_interaction_count_percentile": "0.01", "max_item_interaction_count_percentile": "1.0",
	}
	v := got[0]
	if !reflect.DeepEqual(v.Params, want) || v.Seed == 0 || v.EventType != "click" || v.EventValueThreshold == nil || *v.EventValueThreshold != 2.5 ||
		v.Recipe != "aws-sims" || v.TrainingMode != "FULL" || v.TrainingType != "MANUAL" {
		t.Errorf("%+v", v)
	}
}

// TestUpdateSolution changes what later versions are trained with.
func TestUpdateSolution(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	s := r.solution("s", "aws-user-personalization-v2")
	before := r.version(s, catalog.Active)
	update := func(rest string) { r.ok("UpdateSolution", fmt.Sprintf(`{"solutionArn": %q, %s}`, s, rest)) }
	update(`"solutionUpdateConfig": {"eventsConfig": {"eventParametersList": [{"eventType": "buy", "weight": 1}]}, "autoTrainingConfig": {"schedulingExpression": "rate(1 day)"}}`)
	update(`"solutionUpdateConfig": {"eventsConfig": {"eventParametersList": [{"eventType": "click", "weight": 0.5}]}}`)
	d := r.ok("DescribeSolution", fmt.Sprintf(`{"solutionArn": %q}`, s))
	events := map[string]any{"eventParametersList": []any{map[string]any{"eventType": "click", "weight": 0.5}}}
	both := map[string]any{"eventsConfig": events, "autoTrainingConfig": map[string]any{"schedulingExpression": "rate(1 day)"}}
	r.same(d, both, "solution", "solutionConfig")
	r.same(d, map[string]any{"eventsConfig": events}, "solution", "latestSolutionUpdate", "solutionUpdateConfig")
	update(`"performAutoTraining": false, "performIncrementalUpdate": false`)
	d = r.ok("DescribeSolution", fmt.Sprintf(`{"solutionArn": %q}`, s))
	r.same(d, false, "solution", "performAutoTraining")
	r.same(d, false, "solution", "latestSolutionUpdate", "performAutoTraining")
	r.same(d, nil, "solution", "latestSolutionUpdate", "solutionUpdateConfig")
	r.same(d, before, "solution", "latestSolutionVersion", "solutionVersionArn")
	after := r.version(s, catalog.Pending)
	r.same(r.ok("DescribeSolutionVersion", fmt.Sprintf(`{"solutionVersionArn": %q}`, after)), both, "solutionVersion", "solutionConfig")
	r.same(r.ok("DescribeSolutionVersion", fmt.Sprintf(`{"solutionVersionArn": %q}`, before)), map[string]any{}, "solutionVersion", "solutionConfig")
	r.same(r.ok("DescribeSolution", fmt.Sprintf(`{"solutionArn": %q}`, s)), after, "solution", "latestSolutionVersion", "solutionVersionArn")
}

// TestMetadataCampaign needs an Items dataset.
func TestMetadataCampaign(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	v := r.version(r.solution("s", "aws-sims"), catalog.Active)
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "items", "schema": %s}`, itemsText))
	r.ok("CreateDataset", `{"name": "d", "datasetType": "Items", "datasetGroupArn": "~dataset-group/shop", "schemaArn": "~schema/items"}`)
	r.ok("CreateCampaign", fmt.Sprintf(`{"name": "c", "solutionVersionArn": %q, "campaignConfig": {"enableMetadataWithRecommendations": true}}`, v))
	d := r.ok("DescribeCampaign", `{"campaignArn": "~campaign/c"}`)
	r.same(d, map[string]any{"enableMetadataWithRecommendations": true}, "campaign", "campaignConfig")
}

// TestLatest takes the newest version that is ACTIVE.
func TestLatest(t *testing.T) {
	r := newRig(t)
	r.group("shop", interactionsText)
	s := r.solution("s", "aws-sims")
	r.version(s, catalog.Active)
	want := r.version(s, catalog.Active)
	r.version(s, catalog.Failed)
	r.version(s, catalog.Pending)
	r.campaign("c", s+"/$LATEST", catalog.Pending)
	r.same(r.ok("DescribeCampaign", `{"campaignArn": "~campaign/c"}`), want, "campaign", "solutionVersionArn")
}

// TestQuotas goes to every quota, which holds only when it is asked for.
func TestQuotas(t *testing.T) {
	for _, c := range []struct{ quotas, fast, enforced bool }{{true, false, true}, {true, true, false}, {false, false, false}} {
		r := newRig(t, func(o *Options) { o.Quotas.AWS, o.Fast = c.quotas, c.fast })
		last := func(op, input, text string) {
			t.Helper()
			if c.enforced {
				r.refused(op, input, "LimitExceeded", text)
			} else {
				r.ok(op, input)
			}
		}
		r.group("shop", interactionsText)
		for i := range 4 {
			r.ok("CreateDatasetGroup", fmt.Sprintf(`{"name": "g%d"}`, i))
		}
		last("CreateDatasetGroup", `{"name": "last"}`, "Cannot create a dataset group. More than 5 resources in ACTIVE state. Please delete some and try again.")
		r.refused("CreateDatasetGroup", `{"name": "shop"}`, "ResourceAlreadyExists") // is what a script wants to know
		for i := range 10 {
			r.solution(fmt.Sprintf("s%d", i), "aws-sims")
		}
		last("CreateSolution", `{"name": "last", "datasetGroupArn": "~dataset-group/shop", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`, "Cannot create a solution. More than 10 resources in ACTIVE state.")
		r.ok("CreateSolution", `{"name": "elsewhere", "datasetGroupArn": "~dataset-group/g0", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`)
		v := r.version("~solution/s0", catalog.Active)
		for i := range 5 {
			r.campaign(fmt.Sprintf("c%d", i), v, catalog.Active)
		}
		last("CreateCampaign", fmt.Sprintf(`{"name": "last", "solutionVersionArn": %q}`, v), "Cannot create a campaign. More than 5 resources in ACTIVE state. Please delete some and try again.")
		importing := `{"jobName": "%s", "datasetArn": "~dataset/shop/INTERACTIONS", "dataSource": {"dataLocation": "s3://a/b"}}`
		for i := range 5 {
			r.ok("CreateDatasetImportJob", fmt.Sprintf(importing, fmt.Sprint("j", i)))
		}
		last("CreateDatasetImportJob", fmt.Sprintf(importing, "last"), "More than 5 resources with PENDING or IN_PROGRESS status.")
		r.setStatus("~dataset-import-job/j0", catalog.Active)
		if c.enforced {
			r.ok("CreateDatasetImportJob", fmt.Sprintf(importing, "next"))
		}
		for range 20 {
			r.version("~solution/s0", catalog.Pending)
		}
		last("CreateSolutionVersion", `{"solutionArn": "~solution/s1"}`, "More than 20 resources with PENDING or IN_PROGRESS status.")
	}
}
