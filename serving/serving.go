// Package serving holds the live models and the path of a request: campaign →
// model, history, ranking, numbers back to ids. What is said of campaigns here
// holds for recommenders too.
//
// A deployment is what a campaign serves: a model and its group's history. It
// is made when a campaign first needs it (by the deploy job, or by the first
// request after a restart), kept behind one map lookup, and forgotten when the
// catalog announces a change of the campaign; models are shared by the
// campaigns of one version. The old deployment answers until the record of the
// campaign says otherwise, and requests under way keep what they started with.
//
// Mistakes of the caller are *Invalid; an absent campaign is
// catalog.ErrNotFound. AWS's shapes stay above.
package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"usher/blob"
	"usher/catalog"
	"usher/filter"
	"usher/history"
	"usher/job"
	"usher/recipe"
	"usher/store"
)

// DeployJob is the kind of the job that makes a campaign, or its update, answer.
const DeployJob job.Kind = "deploy"

// Enqueue starts the deployment of a campaign whose record (CREATE PENDING), or
// whose LatestUpdate (CREATE PENDING), is in the same transaction.
func Enqueue(tx *store.Tx, campaignARN string) error {
	return job.Enqueue(tx, DeployJob, campaignARN, nil)
}

// Invalid is a mistake of the caller, with a text for people.
type Invalid struct{ Msg string }

func (e *Invalid) Error() string { return e.Msg }

func invalid(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// Options configure a Serving.
type Options struct {
	DB      *store.DB
	History *history.History
	Blobs   blob.Store // models
	Recipes []recipe.Recipe
	Now     func() time.Time

	FilterLimits filter.Limits // how much of a user's past filters look at

	// CacheBytes bound what each model may keep of histories it has worked on;
	// 32 MiB, or half the model where that is more. Negative: nothing is kept.
	CacheBytes int64

	// Idle is how long a campaign is awake after its last request; 15 minutes,
	// for ever if negative. It is looked at when Ticks says so; nil: never.
	Idle  time.Duration
	Ticks <-chan time.Time
	// AwakeBytes bound the files of the models that are awake: to wake another,
	// those that were not asked for longest go to sleep. 0: no bound.
	AwakeBytes int64

	NewID func() string // makes the recommendationId: unique, at most 40 characters
	Log   *slog.Logger
}

// Serving answers requests. All methods may be called concurrently.
type Serving struct {
	opt        Options
	recipes    map[string]recipe.Recipe
	remembered *remembered
	cancel     func()

	stop     chan struct{}  // ends watchIdle
	watching sync.WaitGroup // watchIdle
	renewals sync.WaitGroup // of models that are made anew beside requests

	mu struct {
		sync.RWMutex
		live    map[string]*deployment // by the ARN of a campaign or recommender
		models  map[string]*model      // by version ARN
		filters map[string]*liveFilter // by ARN
		epochs  map[string]uint64      // by ARN: how often it has changed
	}
}

// deployment is what a campaign serves. It does not change, but for used.
type deployment struct {
	version  string // ARN
	spec     recipe.Spec
	model    recipe.Model
	group    string // catalog ID
	groupARN string
	config   recipe.Params
	metadata bool         // columns of Items may be shown
	once     bool         // it is asked about each history once
	used     atomic.Int64 // the second of the last request
}

// model is a loaded model; ready is closed when value and err are set.
type model struct {
	ready chan struct{}
	value recipe.Model
	size  int64 // of the file
	err   error
	users int // who hold it though no campaign serves it yet; Serving.mu
}

// loaded says whether the load has ended.
func (m *model) loaded() bool {
	select {
	case <-m.ready:
		return true
	default:
		return false
	}
}

// touch notes that a campaign was asked.
func (d *deployment) touch(now time.Time) {
	if at := now.Unix(); d.used.Load() != at { // all requests of a second write once
		d.used.Store(at)
	}
}

// New gives a Serving that has loaded nothing yet. Close it.
func New(opt Options) *Serving {
	s := &Serving{opt: opt, recipes: map[string]recipe.Recipe{}, remembered: newRemembered()}
	for _, r := range opt.Recipes {
		s.recipes[r.Spec().Name] = r
	}
	s.mu.live = map[string]*deployment{}
	s.mu.models = map[string]*model{}
	s.mu.filters = map[string]*liveFilter{}
	s.mu.epochs = map[string]uint64{}
	s.cancel = opt.DB.Subscribe(catalog.Topic, s.changed)
	s.stop = make(chan struct{})
	s.watching.Go(func() { s.watchIdle(s.stop) })
	return s
}

// Close stops watching the catalog and waits for models that are made anew.
func (s *Serving) Close() error {
	s.cancel()
	close(s.stop)
	s.watching.Wait()
	s.renewals.Wait()
	return nil
}

// changed forgets a changed filter or the deployment of a changed campaign, and
// models that nothing serves any more.
func (s *Serving) changed(arn string) {
	if strings.Contains(arn, ":"+string(catalog.KindFilter)+"/") {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.mu.epochs[arn]++
		delete(s.mu.filters, arn)
		return
	}
	if !strings.Contains(arn, ":"+string(catalog.KindCampaign)+"/") && !strings.Contains(arn, ":"+string(catalog.KindRecommender)+"/") {
		return // what a deployment is made of does not change
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.epochs[arn]++
	delete(s.mu.live, arn)
	s.dropUnused()
}

// hold keeps the model of a version from being forgotten until release is
// called: between its load and the moment a campaign serves it.
func (s *Serving) hold(version string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.mu.models[version]
	if m == nil {
		return func() {}
	}
	m.users++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		m.users--
	}
}

// deployed gives what a campaign serves now.
func (s *Serving) deployed(ctx context.Context, arn string) (*deployment, error) {
	s.mu.RLock()
	d, epoch := s.mu.live[arn], s.mu.epochs[arn]
	s.mu.RUnlock()
	if d != nil {
		d.touch(s.opt.Now())
		return d, nil
	}
	var version string
	var told config
	err := s.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		if version, err = target(tx, arn); err != nil {
			return err
		}
		told, err = configOf(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	if d, err = s.deploy(ctx, version); err != nil {
		return nil, err
	}
	if err := s.explore(ctx, d, told.exploration()); err != nil {
		return nil, err
	}
	d.metadata, d.once = told.EnableMetadataWithRecommendations || d.spec.Metadata, asksOnce(arn)
	d.touch(s.opt.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.epochs[arn] == epoch { // else the campaign may have changed since it was read
		s.mu.live[arn] = d
		s.makeRoom(arn)
	}
	return d, nil
}

// deploy loads what is needed to serve a version of a solution or recommender.
func (s *Serving) deploy(ctx context.Context, versionARN string) (*deployment, error) {
	d, err := s.deployOnce(ctx, versionARN)
	if errors.Is(err, fs.ErrNotExist) { // a deletion of users put another model in its place since
		d, err = s.deployOnce(ctx, versionARN)
	}
	return d, err
}

func (s *Serving) deployOnce(ctx context.Context, versionARN string) (*deployment, error) {
	var version *catalog.SolutionVersion
	var group *catalog.DatasetGroup
	err := s.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		if version, err = trainedVersion(tx, versionARN); err != nil {
			return err
		}
		group, err = catalog.Get[catalog.DatasetGroup](tx, version.Group)
		return err
	})
	if err != nil {
		return nil, err
	}
	r := s.recipes[version.Recipe]
	if r == nil {
		return nil, fmt.Errorf("deploy %s: this usher has no recipe %q", versionARN, version.Recipe)
	}
	m, err := s.load(ctx, r, version)
	if err != nil {
		return nil, err
	}
	if _, err := s.opt.History.Group(ctx, group.ID); err != nil {
		return nil, err
	}
	m = s.exclude(s.meet(s.renew(m, version, group.ID), group.ID), r.Spec(), group.ID)
	return &deployment{version: versionARN, spec: r.Spec(), model: m, group: group.ID, groupARN: group.ARN}, nil
}

// load gives the model of a version; concurrent calls share one load.
func (s *Serving) load(ctx context.Context, r recipe.Recipe, v *catalog.SolutionVersion) (recipe.Model, error) {
	s.mu.Lock()
	m := s.mu.models[v.ARN]
	mine := m == nil
	if mine {
		m = &model{ready: make(chan struct{})}
		s.mu.models[v.ARN] = m
	}
	s.mu.Unlock()
	if mine {
		m.value, m.size, m.err = s.read(context.WithoutCancel(ctx), r, v)
		if m.err != nil { // the next request tries again
			s.mu.Lock()
			delete(s.mu.models, v.ARN)
			s.mu.Unlock()
		}
		close(m.ready)
	}
	select {
	case <-m.ready:
		return m.value, m.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// read loads a model from its file, which is of size bytes.
func (s *Serving) read(ctx context.Context, r recipe.Recipe, v *catalog.SolutionVersion) (m recipe.Model, size int64, err error) {
	if v.Model == "" {
		return nil, 0, invalid("The solution version %s has no model; its status is %s. Deploy a version that is ACTIVE.", v.ARN, v.Status)
	}
	f, err := s.opt.Blobs.Open(ctx, v.Model)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	if m, err = r.Load(f, f.Size()); err != nil {
		return nil, 0, fmt.Errorf("load model of %s: %w", v.ARN, err)
	}
	if c, ok := m.(recipe.Cacher); ok && s.opt.CacheBytes >= 0 {
		c.Cache(cmp.Or(s.opt.CacheBytes, max(32<<20, f.Size()/2)))
	}
	return m, f.Size(), nil
}

// notFound says whether err is the catalog's "not found".
func notFound(err error) bool { return errors.Is(err, catalog.ErrNotFound) }
