package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
	"usher/catalog/catalogtest"
	"usher/job"
	"usher/serving"
	"usher/store"
	"usher/train"
)

// cinema gives a rig with the group films of VIDEO_ON_DEMAND, with interactions,
// and a custom group shop.
func cinema(t *testing.T, set ...func(*Options)) *rig {
	t.Helper()
	r := newRig(t, append([]func(*Options){allRecipes}, set...)...)
	r.group("shop", interactionsText)
	r.ok("CreateDatasetGroup", `{"name": "films", "domain": "VIDEO_ON_DEMAND"}`)
	r.domainDataset("Interactions", schemaText("Interactions", "USER_ID string", "ITEM_ID string", "TIMESTAMP long", "EVENT_TYPE string", "DEVICE string categorical"))
	return r
}

// domainDataset makes a dataset of the group films.
func (r *rig) domainDataset(kind, schema string) {
	r.Helper()
	r.ok("CreateSchema", fmt.Sprintf(`{"name": "films-%s", "domain": "VIDEO_ON_DEMAND", "schema": %s}`, kind, schema))
	r.ok("CreateDataset", fmt.Sprintf(`{"name": "d", "datasetType": %[1]q, "datasetGroupArn": "~dataset-group/films", "schemaArn": "~schema/films-%[1]s"}`, kind))
}

func recommender(name, recipe, rest string) string {
	return fmt.Sprintf(`{"name": %q, "datasetGroupArn": "~dataset-group/films", "recipeArn": "arn:aws:personalize:::recipe/%s"%s}`, name, recipe, rest)
}

const one = `{"recommenderArn": "~recommender/one"}`

// next gives the version that is being made for a recommender, "" if none is.
func (r *rig) next(arn string) (next string) {
	r.Helper()
	r.View(func(tx *store.Tx) error {
		x, err := catalog.Get[catalog.Recommender](tx, strings.Replace(arn, "~", prefix, 1))
		if err == nil {
			next = x.Next
		}
		return err
	})
	return strings.Replace(next, prefix, "~", 1)
}

// trainedNext ends the training of a recommender's next version; with a reason
// it failed.
func (r *rig) trainedNext(version, reason string) {
	r.Helper()
	w := r.workers[train.Job]
	w.ends <- func(tx *store.Tx) error {
		v, err := catalog.Get[catalog.RecommenderVersion](tx, strings.Replace(version, "~", prefix, 1))
		if err != nil {
			return err
		}
		v.Status, v.Metrics = catalog.Active, map[string]float64{"coverage": .5}
		if reason != "" {
			v.Status, v.FailureReason = catalog.Failed, reason
		}
		if err := errors.Join(catalogtest.SetStatus(tx, v.ARN, v.Status), catalog.Update(tx, v)); err != nil {
			return err
		}
		return serving.FollowTraining(tx, v)
	}
	if err := <-w.done; err != nil {
		r.Fatal(err)
	}
}

// deployedNext ends the deployment of a recommender as serving does.
func (r *rig) deployedNext(arn string) {
	r.Helper()
	if got := r.begun(serving.RecommenderJob); got != arn {
		r.Fatalf("deployment of %s, want %s", got, arn)
	}
	r.finish(serving.RecommenderJob, arn, func(c catalog.Record) {
		x := c.(*catalog.Recommender)
		x.Status = catalog.Active
		if x.Next != "" {
			x.Parent, x.Next = x.Next, ""
		}
		if u := x.LatestUpdate; u != nil && u.Status.Transitional() {
			u.Status, x.Config = catalog.Active, u.Config
		}
	})
}

// ready makes a recommender and brings it to ACTIVE.
func (r *rig) ready(name string) string {
	r.Helper()
	arn := "~recommender/" + name
	r.ok("CreateRecommender", recommender(name, "aws-vod-top-picks", ""))
	v := r.next(arn)
	if got := r.begun(train.Job); got != v {
		r.Fatalf("training of %s, want %s", got, v)
	}
	r.trainedNext(v, "")
	r.deployedNext(arn)
	return arn
}

func TestLifeOfARecommender(t *testing.T) {
	r := cinema(t)
	out := r.ok("CreateRecommender", recommender("one", "aws-vod-most-popular", `, "recommenderConfig": {"minRecommendationRequestsPerSecond": 3}, "tags": [{"tagKey": "a", "tagValue": "b"}]`))
	r.same(out, "~recommender/one", "recommenderArn")
	d := r.ok("DescribeRecommender", one)
	for path, want := range map[string]any{"name": "one", "recommenderArn": "~recommender/one", "datasetGroupArn": "~dataset-group/films", "status": "CREATE PENDING",
		"recipeArn": "arn:aws:personalize:::recipe/aws-vod-most-popular", "recommenderConfig": map[string]int{"minRecommendationRequestsPerSecond": 3}} {
		r.same(d, want, "recommender", path)
	}
	for _, absent := range []string{"modelMetrics", "latestRecommenderUpdate", "failureReason"} {
		if v := at(d, "recommender", absent); v != nil {
			t.Errorf("%s is %v at first", absent, v)
		}
	}
	r.same(r.ok("ListTagsForResource", `{"resourceArn": "~recommender/one"}`), []any{map[string]string{"tagKey": "a", "tagValue": "b"}}, "tags")
	for _, op := range []string{"StopRecommender", "StartRecommender", "DeleteRecommender"} {
		r.refused(op, one, "ResourceInUse", "~recommender/one", "DescribeRecommender")
	}
	r.refused("DeleteDataset", `{"datasetArn": "~dataset/films/INTERACTIONS"}`, "ResourceInUse", "~recommender/one", "DescribeRecommender")

	// What is trained has no ARN that anybody can use.
	v := r.begun(train.Job)
	if v != r.next("~recommender/one") || !strings.HasPrefix(v, "~recommender/one/") {
		t.Errorf("training of %s", v)
	}
	r.refused("DescribeRecommender", fmt.Sprintf(`{"recommenderArn": %q}`, v), "InvalidInput", "names no kind of resource")
	r.refused("CreateCampaign", fmt.Sprintf(`{"name": "c", "solutionVersionArn": %q}`, v), "InvalidInput")
	if list := r.ok("ListSolutionVersions", `{}`); len(list["solutionVersions"].([]any)) != 0 {
		t.Errorf("it is listed: %v", list)
	}
	r.View(func(tx *store.Tx) error {
		v, err := catalog.Get[catalog.RecommenderVersion](tx, strings.Replace(v, "~", prefix, 1))
		if err == nil && (v.EventType != "Watch" || v.Recipe != "aws-vod-most-popular" || v.Seed != train.Seed) {
			t.Errorf("version %+v", v)
		}
		return err
	})
	r.trainedNext(v, "")
	r.deployedNext("~recommender/one")
	d = r.ok("DescribeRecommender", one)
	r.same(d, "ACTIVE", "recommender", "status")
	r.same(d, map[string]float64{"coverage": .5}, "recommender", "modelMetrics")

	r.refused("StartRecommender", one, "InvalidInput", "ACTIVE", "INACTIVE")
	r.same(r.ok("StopRecommender", one), "~recommender/one", "recommenderArn")
	r.same(r.ok("DescribeRecommender", one), "INACTIVE", "recommender", "status")
	r.refused("StopRecommender", one, "InvalidInput", "INACTIVE")
	r.refused("UpdateRecommender", `{"recommenderArn": "~recommender/one", "recommenderConfig": {}}`, "InvalidInput", "INACTIVE")
	r.ok("StartRecommender", one)
	r.same(r.ok("DescribeRecommender", one), "START PENDING", "recommender", "status")
	r.refused("DeleteRecommender", one, "ResourceInUse")
	r.deployedNext("~recommender/one")
	r.same(r.ok("DescribeRecommender", one), "ACTIVE", "recommender", "status")

	r.refused("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/films"}`, "ResourceInUse", "~recommender/one")
	r.ok("DeleteRecommender", one)
	r.refused("DescribeRecommender", one, "ResourceNotFound", "~recommender/one")
	r.ok("DeleteDataset", `{"datasetArn": "~dataset/films/INTERACTIONS"}`)
	r.ok("DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/films"}`)
}

func TestUpdateRecommender(t *testing.T) {
	r := cinema(t)
	arn := r.ready("one")
	update := func(config string) string {
		return fmt.Sprintf(`{"recommenderArn": %q, "recommenderConfig": %s}`, arn, config)
	}
	const columns = `"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["DEVICE"]}}`

	// Nothing to train for: ACTIVE at once.
	r.ok("UpdateRecommender", update(`{"minRecommendationRequestsPerSecond": 7}`))
	d := r.ok("DescribeRecommender", one)
	r.same(d, "ACTIVE", "recommender", "latestRecommenderUpdate", "status")
	r.same(d, 7, "recommender", "recommenderConfig", "minRecommendationRequestsPerSecond")
	if next := r.next(arn); next != "" {
		t.Errorf("it is trained: %s", next)
	}

	// Other columns: trained anew, and as before until then.
	r.ok("UpdateRecommender", update(`{"minRecommendationRequestsPerSecond": 8, `+columns+`}`))
	d = r.ok("DescribeRecommender", one)
	r.same(d, "ACTIVE", "recommender", "status")
	r.same(d, "CREATE PENDING", "recommender", "latestRecommenderUpdate", "status")
	r.same(d, 7, "recommender", "recommenderConfig", "minRecommendationRequestsPerSecond")
	r.same(d, 8, "recommender", "latestRecommenderUpdate", "recommenderConfig", "minRecommendationRequestsPerSecond")
	for op, in := range map[string]string{"UpdateRecommender": update(`{}`), "StopRecommender": one, "DeleteRecommender": one} {
		r.refused(op, in, "ResourceInUse", arn)
	}
	v := r.begun(train.Job)
	r.trainedNext(v, "")
	r.deployedNext(arn)
	d = r.ok("DescribeRecommender", one)
	r.same(d, "ACTIVE", "recommender", "latestRecommenderUpdate", "status")
	r.same(d, 8, "recommender", "recommenderConfig", "minRecommendationRequestsPerSecond")

	// The same columns again: nothing to train.
	r.ok("UpdateRecommender", update(`{`+columns+`}`))
	if next := r.next(arn); next != "" {
		t.Errorf("trained anew for the same columns: %s", next)
	}
	// A training that fails shows in the update.
	r.ok("UpdateRecommender", update(`{}`))
	r.trainedNext(r.begun(train.Job), "too little data")
	d = r.ok("DescribeRecommender", one)
	r.same(d, "ACTIVE", "recommender", "status")
	r.same(d, "CREATE FAILED", "recommender", "latestRecommenderUpdate", "status")
	r.same(d, "too little data", "recommender", "latestRecommenderUpdate", "failureReason")
	if at(d, "recommender", "recommenderConfig", "trainingDataConfig") == nil {
		t.Error("the failed update has changed the configuration")
	}
}

func TestFailedRecommender(t *testing.T) {
	r := cinema(t)
	r.ok("CreateRecommender", recommender("one", "aws-vod-most-popular", ""))
	r.trainedNext(r.begun(train.Job), "Dataset has fewer than 1000 interactions")
	d := r.ok("DescribeRecommender", one)
	r.same(d, "CREATE FAILED", "recommender", "status")
	r.same(d, "Dataset has fewer than 1000 interactions", "recommender", "failureReason")
	for op, in := range map[string]string{"StartRecommender": one, "StopRecommender": one, "UpdateRecommender": `{"recommenderArn": "~recommender/one", "recommenderConfig": {}}`} {
		r.refused(op, in, "InvalidInput", "CREATE FAILED", "fewer than 1000")
	}
	r.refused("CreateRecommender", recommender("one", "aws-vod-most-popular", ""), "ResourceAlreadyExists", "~recommender/one")
	r.ok("DeleteRecommender", one)
	r.ok("CreateRecommender", recommender("one", "aws-vod-most-popular", ""))
}

// A training by schedule gives way to what the customer asks for.
func TestTrainingByScheduleGivesWay(t *testing.T) {
	retrain := func(r *rig, arn string) string {
		r.set(arn, func(catalog.Record) {}) // the record is fresh
		r.Update(func(tx *store.Tx) error {
			x, err := catalog.Get[catalog.Recommender](tx, strings.Replace(arn, "~", prefix, 1))
			if err != nil {
				return err
			}
			if err := train.Retrain(tx, x); err != nil {
				return err
			}
			return catalog.Update(tx, x)
		})
		return r.next(arn)
	}
	gone := func(r *rig, version string) bool {
		return slices.Contains([]catalog.Status{"", catalog.Stopped}, func() (s catalog.Status) {
			r.View(func(tx *store.Tx) error {
				if v, err := catalog.Get[catalog.RecommenderVersion](tx, strings.Replace(version, "~", prefix, 1)); err == nil {
					s = v.Status
				}
				return nil
			})
			return s
		}())
	}
	state := func(r *rig, version string) (s job.Status) {
		r.View(func(tx *store.Tx) (err error) {
			s, _, err = job.Find(tx, train.Job, strings.Replace(version, "~", prefix, 1))
			return err
		})
		return s
	}
	for name, c := range map[string]struct {
		trained bool
		op, in  string
		status  any
	}{
		"stop while training":            {false, "StopRecommender", one, "INACTIVE"},
		"stop before deployment":         {true, "StopRecommender", one, "INACTIVE"},
		"update while training":          {false, "UpdateRecommender", `{"recommenderArn": "~recommender/one", "recommenderConfig": {"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["DEVICE"]}}}}`, "ACTIVE"},
		"small update while training":    {false, "UpdateRecommender", `{"recommenderArn": "~recommender/one", "recommenderConfig": {"minRecommendationRequestsPerSecond": 2}}`, "ACTIVE"},
		"delete while training":          {false, "DeleteRecommender", one, nil},
		"delete when it is not deployed": {true, "DeleteRecommender", one, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := cinema(t)
			arn := r.ready("one")
			v := retrain(r, arn)
			if r.begun(train.Job) != v {
				t.Fatal("another training")
			}
			if c.trained {
				r.trainedNext(v, "")
				<-r.workers[serving.RecommenderJob].begun
			}
			r.ok(c.op, c.in)
			if strings.HasPrefix(name, "small") {
				if r.next(arn) != v {
					t.Error("the training was abandoned for nothing")
				}
				return
			}
			if c.status == nil {
				r.refused("DescribeRecommender", one, "ResourceNotFound")
			} else {
				r.same(r.ok("DescribeRecommender", one), c.status, "recommender", "status")
				if next := r.next(arn); next == v {
					t.Errorf("%s is still its next version", next)
				}
			}
			_ = r.jobs.Close() // what was cancelled has ended
			if s := state(r, v); s.State != "failed" && s.State != "done" {
				t.Errorf("the job of the old training is %+v", s)
			}
			if !gone(r, v) {
				t.Error("the old version is left")
			}
		})
	}
}

func TestRecommendersAreRefused(t *testing.T) {
	r := cinema(t)
	r.ok("CreateDatasetGroup", `{"name": "empty", "domain": "VIDEO_ON_DEMAND"}`)
	r.ok("CreateDatasetGroup", `{"name": "store", "domain": "ECOMMERCE"}`)
	in := func(group string) string {
		return fmt.Sprintf(`{"name": "x", "datasetGroupArn": "~dataset-group/%s", "recipeArn": "arn:aws:personalize:::recipe/aws-vod-top-picks"}`, group)
	}
	config := func(recipe, c string) string { return recommender("x", recipe, `, "recommenderConfig": `+c) }
	r.refuse([]refusal{
		{"CreateRecommender", in("shop"), "InvalidInput", []string{"domain dataset groups"}},
		{"CreateRecommender", in("store"), "InvalidInput", []string{"aws-vod-top-picks", "VIDEO_ON_DEMAND", "ECOMMERCE"}},
		{"CreateRecommender", in("empty"), "InvalidInput", []string{"INTERACTIONS"}},
		{"CreateRecommender", in("none"), "ResourceNotFound", []string{"~dataset-group/none"}},
		{"CreateRecommender", recommender("x", "aws-sims", ""), "InvalidInput", []string{"aws-sims"}},
		{"CreateRecommender", recommender("x", "aws-nothing", ""), "ResourceNotFound", []string{"aws-nothing"}},
		{"CreateRecommender", recommender("x", "aws-vod-more-like-x", ""), "InvalidInput", []string{"aws-vod-more-like-x", "ITEMS"}},
		{"CreateRecommender", config("aws-vod-most-popular", `{"itemExplorationConfig": {"explorationWeight": "0.5"}}`), "InvalidInput", []string{"itemExplorationConfig", "aws-vod-most-popular"}},
		{"CreateRecommender", config("aws-vod-top-picks", `{"itemExplorationConfig": {"explorationWeight": "1.5"}}`), "InvalidInput", []string{"recommenderConfig.itemExplorationConfig", "1.5"}},
		{"CreateRecommender", config("aws-vod-top-picks", `{"itemExplorationConfig": {"x": "1"}}`), "InvalidInput", []string{`"x"`}},
		{"CreateRecommender", config("aws-vod-top-picks", `{"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["COLOUR"]}}}`), "InvalidInput", []string{"recommenderConfig.trainingDataConfig.excludedDatasetColumns.INTERACTIONS", "COLOUR"}},
		{"CreateRecommender", config("aws-vod-top-picks", `{"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["EVENT_TYPE"]}}}`), "InvalidInput", []string{"EVENT_TYPE"}},
		{"CreateRecommender", config("aws-vod-top-picks", `{"enableMetadataWithRecommendations": true}`), "InvalidInput", []string{"enableMetadataWithRecommendations"}},
		{"CreateRecommender", config("aws-vod-top-picks", `{"minRecommendationRequestsPerSecond": 0}`), "InvalidInput", []string{"greater than or equal to 1"}},
		{"CreateSolution", `{"name": "s", "datasetGroupArn": "~dataset-group/films", "recipeArn": "arn:aws:personalize:::recipe/aws-vod-top-picks"}`, "InvalidInput", []string{"CreateRecommender"}},
	})
	r.domainDataset("Items", schemaText("Items", "ITEM_ID string", "CREATION_TIMESTAMP long", "GENRES string categorical"))
	for n, good := range []string{
		recommender("a", "aws-vod-more-like-x", ""),
		recommender("b", "aws-vod-top-picks", `, "recommenderConfig": {"itemExplorationConfig": {"explorationWeight": "0.5", "explorationItemAgeCutOff": "7"}, "enableMetadataWithRecommendations": true}`),
		recommender("c", "aws-vod-trending-now", `, "recommenderConfig": {"trainingDataConfig": {"includedDatasetColumns": {"ITEMS": ["GENRES"]}}}`),
	} {
		r.ok("CreateRecommender", good)
		if n == 0 {
			var answer struct{ Recommenders []json.RawMessage }
			_, body := r.send("ListRecommenders", `{"datasetGroupArn": "~dataset-group/films"}`)
			if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Recommenders) != 1 {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
	// A custom solution may stand in a domain group.
	r.ok("CreateSolution", `{"name": "s", "datasetGroupArn": "~dataset-group/films", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`)
}

func TestQuotaAndPagesOfRecommenders(t *testing.T) {
	r := cinema(t, func(o *Options) { o.Quotas.AWS = true })
	var want []string
	for n := range 5 {
		r.ok("CreateRecommender", recommender(fmt.Sprint("r", n), "aws-vod-most-popular", ""))
		want = append([]string{fmt.Sprint("r", n)}, want...)
	}
	r.refused("CreateRecommender", recommender("six", "aws-vod-most-popular", ""), "LimitExceeded", "More than 5", "recommender")
	if got := r.pages("ListRecommenders", "recommenders", "name", "", 2, nil); !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
	if got := r.pages("ListRecommenders", "recommenders", "name", `, "datasetGroupArn": "~dataset-group/shop"`, 2, nil); len(got) != 0 {
		t.Errorf("of another group: %v", got)
	}
}
