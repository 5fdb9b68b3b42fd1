package control

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"usher/catalog"
	wire "usher/wire/personalize"
)

// account is what the API should hold: a plain model of it, small enough to be
// seen to be right.
type account struct {
	groups    map[string]bool
	schemas   map[string]string // name → type
	datasets  map[string]string // group/TYPE → schema
	trackers  map[string]string // group → ARN
	solutions map[string]string // name → group
	versions  map[string]*version
	campaigns map[string]*campaign
}

type version struct {
	solution string
	status   catalog.Status
}

type campaign struct {
	version, next string // next: being changed to
	status        catalog.Status
}

func newAccount() *account {
	return &account{map[string]bool{}, map[string]string{}, map[string]string{}, map[string]string{},
		map[string]string{}, map[string]*version{}, map[string]*campaign{}}
}

// The exceptions, short.
const (
	fine  = ""
	bad   = "InvalidInput"
	gone  = "ResourceNotFound"
	used  = "ResourceInUse"
	taken = "ResourceAlreadyExists"
)

// training says whether a version of the group is under work.
func (a *account) training(group string) bool {
	for _, v := range a.versions {
		if a.solutions[v.solution] == group && v.status.Transitional() {
			return true
		}
	}
	return false
}

// deploy says whether a version can be deployed.
func (a *account) deploy(arn string) string {
	v := a.versions[arn]
	switch {
	case v == nil:
		return gone
	case v.status.Transitional():
		return used
	case v.status != catalog.Active:
		return bad
	}
	return fine
}

func (c *campaign) busy() bool { return c.next != "" || c.status.Transitional() }

// player plays random calls against the API and the model.
type player struct {
	*rig
	*account
	rand *rand.Rand
}

func (p *player) pick(from ...string) string { return from[p.rand.IntN(len(from))] }

// anyVersion gives the ARN of a version, sometimes of one that is not there.
func (p *player) anyVersion() string {
	arns := slices.Sorted(maps.Keys(p.versions))
	return p.pick(append(arns, "~solution/x/00000000")...)
}

// do calls an operation that should end as the model says.
func (p *player) do(want, op, input string, args ...any) map[string]any {
	p.Helper()
	input = fmt.Sprintf(input, args...)
	if want != fine {
		p.refused(op, input, want)
		return nil
	}
	return p.ok(op, input)
}

// first gives the first error of a list of conditions.
func first(checks ...string) string {
	for _, c := range checks {
		if c != fine {
			return c
		}
	}
	return fine
}

func when(condition bool, code string) string {
	if condition {
		return code
	}
	return fine
}

// moves are the random calls.
var moves = []func(p *player){
	func(p *player) {
		g := p.pick("a", "b", "c")
		p.do(when(p.groups[g], taken), "CreateDatasetGroup", `{"name": %q}`, g)
		p.groups[g] = true
	},
	func(p *player) {
		g := p.pick("a", "b", "c")
		inUse := p.trackers[g] != ""
		for k := range p.datasets {
			inUse = inUse || strings.HasPrefix(k, g+"/")
		}
		for _, group := range p.solutions {
			inUse = inUse || group == g
		}
		want := first(when(!p.groups[g], gone), when(inUse, used))
		p.do(want, "DeleteDatasetGroup", `{"datasetGroupArn": "~dataset-group/%s"}`, g)
		if want == fine {
			delete(p.groups, g)
		}
	},
	func(p *player) {
		t := p.pick("INTERACTIONS", "ITEMS", "USERS")
		s := strings.ToLower(t) + p.pick("1", "2")
		text := map[string]string{"INTERACTIONS": interactionsText, "ITEMS": itemsText, "USERS": usersText}[t]
		p.do(when(p.schemas[s] != "", taken), "CreateSchema", `{"name": %q, "schema": %s}`, s, text)
		p.schemas[s] = t
	},
	func(p *player) {
		s := strings.ToLower(p.pick("INTERACTIONS", "ITEMS", "USERS")) + p.pick("1", "2")
		inUse := slices.Contains(slices.Collect(maps.Values(p.datasets)), s)
		want := first(when(p.schemas[s] == "", gone), when(inUse, used))
		p.do(want, "DeleteSchema", `{"schemaArn": "~schema/%s"}`, s)
		if want == fine {
			delete(p.schemas, s)
		}
	},
	func(p *player) {
		g, t := p.pick("a", "b", "c"), p.pick("INTERACTIONS", "ITEMS", "USERS")
		s := strings.ToLower(p.pick(t, t, t, "ITEMS")) + p.pick("1", "2")
		key := g + "/" + t
		want := first(when(!p.groups[g] || p.schemas[s] == "", gone), when(p.schemas[s] != t, bad), when(p.datasets[key] != "", taken))
		p.do(want, "CreateDataset", `{"name": "d", "datasetType": %q, "datasetGroupArn": "~dataset-group/%s", "schemaArn": "~schema/%s"}`, t, g, s)
		if want == fine {
			p.datasets[key] = s
		}
	},
	func(p *player) {
		g, t := p.pick("a", "b", "c"), p.pick("INTERACTIONS", "ITEMS", "USERS")
		want := first(when(p.datasets[g+"/"+t] == "", gone), when(p.training(g), used))
		p.do(want, "DeleteDataset", `{"datasetArn": "~dataset/%s/%s"}`, g, t)
		if want == fine {
			delete(p.datasets, g+"/"+t)
		}
	},
	func(p *player) {
		g := p.pick("a", "b", "c")
		want := first(when(!p.groups[g], gone), when(p.trackers[g] != "", taken))
		if out := p.do(want, "CreateEventTracker", `{"name": "t", "datasetGroupArn": "~dataset-group/%s"}`, g); out != nil {
			p.trackers[g] = out["eventTrackerArn"].(string)
		}
	},
	func(p *player) {
		g := p.pick("a", "b", "c")
		if p.trackers[g] == "" {
			p.do(gone, "DeleteEventTracker", `{"eventTrackerArn": "~event-tracker/00000000"}`)
			return
		}
		p.do(fine, "DeleteEventTracker", `{"eventTrackerArn": %q}`, p.trackers[g])
		delete(p.trackers, g)
	},
	func(p *player) {
		s, g := p.pick("x", "y", "z"), p.pick("a", "b", "c")
		want := first(when(!p.groups[g], gone), when(p.solutions[s] != "", taken))
		p.do(want, "CreateSolution", `{"name": %q, "datasetGroupArn": "~dataset-group/%s", "recipeArn": "arn:aws:personalize:::recipe/aws-sims"}`, s, g)
		if want == fine {
			p.solutions[s] = g
		}
	},
	func(p *player) {
		s := p.pick("x", "y", "z")
		inUse := false
		for arn, v := range p.versions {
			if v.solution != s {
				continue
			}
			inUse = inUse || v.status.Transitional()
			for _, c := range p.campaigns {
				inUse = inUse || c.version == arn || c.next == arn
			}
		}
		want := first(when(p.solutions[s] == "", gone), when(inUse, used))
		p.do(want, "DeleteSolution", `{"solutionArn": "~solution/%s"}`, s)
		if want == fine {
			delete(p.solutions, s)
			maps.DeleteFunc(p.versions, func(_ string, v *version) bool { return v.solution == s })
		}
	},
	func(p *player) {
		s := p.pick("x", "y", "z")
		if out := p.do(when(p.solutions[s] == "", gone), "CreateSolutionVersion", `{"solutionArn": "~solution/%s"}`, s); out != nil {
			p.versions[out["solutionVersionArn"].(string)] = &version{s, catalog.Pending}
		}
	},
	func(p *player) { // a training goes on or ends
		arn := p.anyVersion()
		if v := p.versions[arn]; v != nil && v.status.Transitional() {
			v.status = catalog.Status(p.pick(string(catalog.InProgress), string(catalog.Active), string(catalog.Active), string(catalog.Failed)))
			p.setStatus(arn, v.status)
		}
	},
	func(p *player) {
		arn := p.anyVersion()
		want := first(p.deploy(arn))
		p.do(want, "GetSolutionMetrics", `{"solutionVersionArn": %q}`, arn)
	},
	func(p *player) {
		c, arn := p.pick("k", "l", "m"), p.anyVersion()
		want := first(p.deploy(arn), when(p.campaigns[c] != nil, taken))
		p.do(want, "CreateCampaign", `{"name": %q, "solutionVersionArn": %q}`, c, arn)
		if want == fine {
			p.campaigns[c] = &campaign{version: arn, status: catalog.Pending}
		}
	},
	func(p *player) {
		name, arn := p.pick("k", "l", "m"), p.anyVersion()
		c := p.campaigns[name]
		want := first(when(c == nil, gone), when(c != nil && c.busy(), used), p.deploy(arn))
		if want == fine && p.solutions[p.versions[arn].solution] != p.solutions[p.versions[c.version].solution] {
			want = bad
		}
		p.do(want, "UpdateCampaign", `{"campaignArn": "~campaign/%s", "solutionVersionArn": %q}`, name, arn)
		if want != fine {
			return
		}
		if c.status == catalog.Active {
			c.next = arn
		} else {
			c.version, c.status = arn, catalog.Pending
		}
	},
	func(p *player) { // a deployment ends
		name := p.pick("k", "l", "m")
		c := p.campaigns[name]
		if c == nil || !c.busy() {
			return
		}
		end := catalog.Status(p.pick(string(catalog.Active), string(catalog.Active), string(catalog.Failed)))
		p.set("~campaign/"+name, func(r catalog.Record) { settle(r, string(end)) })
		switch {
		case c.next == "":
			c.status = end
		case end == catalog.Active:
			c.version, c.next = c.next, ""
		default:
			c.next = ""
		}
	},
	func(p *player) {
		name := p.pick("k", "l", "m")
		c := p.campaigns[name]
		want := first(when(c == nil, gone), when(c != nil && c.busy(), used))
		p.do(want, "DeleteCampaign", `{"campaignArn": "~campaign/%s"}`, name)
		if want == fine {
			delete(p.campaigns, name)
		}
	},
}

// compare lists everything and compares it with the model.
func (p *player) compare() {
	p.Helper()
	check := func(op, key, member string, want []string) {
		p.Helper()
		got := p.pages(op, key, member, "", 3, nil)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			p.Errorf("%s: %v, want %v", op, got, want)
		}
	}
	var datasets []string
	for k := range p.datasets {
		datasets = append(datasets, "~dataset/"+k)
	}
	check("ListDatasetGroups", "datasetGroups", "name", slices.Collect(maps.Keys(p.groups)))
	check("ListSchemas", "schemas", "name", slices.Collect(maps.Keys(p.schemas)))
	check("ListDatasets", "datasets", "datasetArn", datasets)
	check("ListEventTrackers", "eventTrackers", "eventTrackerArn", slices.Collect(maps.Values(p.trackers)))
	check("ListSolutions", "solutions", "name", slices.Collect(maps.Keys(p.solutions)))
	check("ListSolutionVersions", "solutionVersions", "solutionVersionArn", slices.Collect(maps.Keys(p.versions)))
	check("ListCampaigns", "campaigns", "name", slices.Collect(maps.Keys(p.campaigns)))
	for name, c := range p.campaigns {
		d := p.ok("DescribeCampaign", fmt.Sprintf(`{"campaignArn": "~campaign/%s"}`, name))
		p.same(d, c.version, "campaign", "solutionVersionArn")
		p.same(d, string(c.status), "campaign", "status")
	}
}

// TestRandomCalls plays random sequences against the model.
func TestRandomCalls(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p := &player{newRig(t), newAccount(), rand.New(rand.NewPCG(seed, 1))}
			for i := range 600 {
				moves[p.rand.IntN(len(moves))](p)
				if i%50 == 49 {
					p.compare()
				}
				if t.Failed() {
					t.Fatalf("at call %d", i)
				}
			}
		})
	}
}

// TestNoneAnswers500 calls every operation with random inputs that are often
// right: none may fail by a mistake of ours (rig.send sees to that).
func TestNoneAnswers500(t *testing.T) {
	r := newRig(t, allRecipes)
	r.group("shop", interactionsText)
	v := r.version(r.solution("s", "aws-user-personalization"), catalog.Active)
	r.campaign("c", v, catalog.Active)
	random := rand.New(rand.NewPCG(7, 7))
	arns := map[string]string{
		"DatasetGroupArn": "~dataset-group/shop", "SchemaArn": "~schema/shop-interactions", "DatasetArn": "~dataset/shop/INTERACTIONS",
		"SolutionArn": "~solution/s", "SolutionVersionArn": v, "CampaignArn": "~campaign/c", "ResourceArn": "~solution/s",
		"RecipeArn": "arn:aws:personalize:::recipe/aws-sims", "AlgorithmArn": "arn:aws:personalize:::algorithm/aws-sims",
		"FeatureTransformationArn": "arn:aws:personalize:::feature-transformation/sims", "EventTrackerArn": "~event-tracker/0123abcd",
		"RoleArn": "arn:aws:iam::123456789012:role/p", "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
	}
	api := reflect.TypeFor[wire.API]()
	answered := map[string]bool{}
	for range 80 {
		for i := range api.NumMethod() {
			m := api.Method(i)
			in := reflect.New(m.Type.In(1).Elem())
			scribble(random, "", in.Elem(), arns)
			b := in.Interface().(interface{ AppendJSON([]byte) []byte }).AppendJSON(nil)
			if code, body := r.send(m.Name, string(b)); code == 200 || !strings.Contains(body, "validation error") {
				answered[m.Name] = true
			}
		}
	}
	if n := api.NumMethod(); n != 71 || len(answered) < n {
		for i := range n {
			if !answered[api.Method(i).Name] {
				t.Errorf("%s was never called with an input that keeps the constraints", api.Method(i).Name)
			}
		}
	}
}

// scribble fills a shape at random, by the names of its members.
func scribble(r *rand.Rand, name string, v reflect.Value, arns map[string]string) {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	switch v.Kind() {
	case reflect.Pointer:
		if r.IntN(10) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			scribble(r, name, v.Elem(), arns)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			scribble(r, v.Type().Field(i).Name, v.Field(i), arns)
		}
	case reflect.Slice:
		n := r.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			scribble(r, name, v.Index(i), arns)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(2) {
			x := reflect.New(v.Type().Elem()).Elem()
			scribble(r, name, x, arns)
			v.SetMapIndex(reflect.ValueOf(pick("ITEMS", "INTERACTIONS", "POPULARITY", "explorationWeight")).Convert(v.Type().Key()), x)
		}
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int32:
		v.SetInt(int64(r.IntN(20)))
	case reflect.Float64:
		v.SetFloat(r.Float64())
	case reflect.String:
		v.SetString(words(r, name, v.Type().Name(), arns))
	}
}

// texts are what members and types of strings may hold.
var texts = map[string][]string{
	"DataLocation": {"s3://a/b", "s3://a/c/", "https://a/b"}, "Path": {"s3://a/b", "s3://a/c/", "https://a/b"},
	"DatasetType": {"Items", "interactions", "USERS"}, "SchedulingExpression": {"rate(1 day)", "rate(99 days)"},
	"Schema": {"{}", `{"type": "record", "name": "Users", "fields": [{"name": "USER_ID", "type": "string"}, {"name": "AGE", "type": "int"}]}`},
	"Domain": {"", "ECOMMERCE"}, "RecipeProvider": {"", "SERVICE"}, "TrainingMode": {"", "FULL", "UPDATE", "AUTOTRAIN"},
	"ImportMode": {"", "FULL", "INCREMENTAL"}, "IngestionMode": {"", "BULK"}, "BatchInferenceJobMode": {"", "THEME_GENERATION"},
	"ObjectiveSensitivity": {"LOW", "OFF"}, "FilterExpression": {"INCLUDE ItemID WHERE Items.A IN (\"b\")"},
}

func words(r *rand.Rand, name, kind string, arns map[string]string) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	if list := texts[name]; list != nil {
		return pick(list...)
	}
	if list := texts[kind]; list != nil {
		return pick(list...)
	}
	if !strings.HasSuffix(name, "Arn") {
		return pick("a", "b", "GENRE", "EVENT_VALUE", "click", "1", "0.5")
	}
	if arn := arns[name]; arn != "" && (r.IntN(8) > 0 || name == "RoleArn" || name == "KmsKeyArn") {
		return arn
	}
	return pick("~filter/f", "~recommender/r", "~solution/s/$LATEST", "~solution/s", "arn:aws:personalize:::recipe/aws-vod-top-picks", "~dataset-group/shop")
}
