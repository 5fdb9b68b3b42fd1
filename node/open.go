package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/api/control"
	"usher/api/events"
	"usher/api/extension"
	"usher/api/identity"
	"usher/api/runtime"
	"usher/backup"
	"usher/batch"
	"usher/blob"
	"usher/blob/s3server"
	"usher/catalog"
	"usher/console"
	"usher/filter"
	"usher/ingest"
	"usher/job"
	"usher/measure"
	"usher/recipe"
	"usher/recipe/affinity"
	"usher/recipe/domain"
	"usher/recipe/itemknn"
	"usher/recipe/popularity"
	"usher/recipe/sequence"
	"usher/recipe/trending"
	"usher/retention"
	"usher/serving"
	"usher/store"
	"usher/train"
	"usher/wire"
	"usher/wire/personalize"
	"usher/wire/personalizeevents"
	"usher/wire/personalizeruntime"
)

// Node is a running server.
type Node struct {
	opt      Options
	closers  []func() error // in the order of opening
	listener net.Listener
	server   *http.Server
	ended    chan struct{} // closed when the listener has ended
	endErr   error         // why, once ended is closed
}

// recipes are those that this usher can train.
func recipes() []recipe.Recipe {
	return append(domain.Recipes(), popularity.Recipe{}, itemknn.Recipe{}, itemknn.Similar{}, sequence.Recipe{}, sequence.Ranking{},
		sequence.PersonalizationV1{}, sequence.RankingV1{}, trending.Recipe{}, affinity.Item{}, affinity.Attribute{})
}

// minimums are AWS's, data.md §9 of the developer guide's quotas.
func (o Options) minimums() (rows int64, m train.Minimums) {
	if o.Fast {
		return 0, train.Minimums{}
	}
	return 1000, train.Minimums{Interactions: 1000, Users: 25, Share: .01}
}

// eventTypes is how many event types data may have to be trained on; 0: any number.
func (o Options) eventTypes() int {
	if o.Fast || o.Quotas == "none" {
		return 0
	}
	return 10
}

// quotas reads which quotas hold.
func (o Options) quotas() (control.Quotas, error) {
	switch o.Quotas {
	case "none":
		return control.Quotas{}, nil
	case "aws":
		return control.Quotas{AWS: true}, nil
	}
	text, err := os.ReadFile(o.Quotas)
	if err != nil {
		return control.Quotas{}, fmt.Errorf("-quotas is neither aws nor none, so it is a file: %w", err)
	}
	q, err := control.ParseQuotas(text)
	if err != nil {
		return control.Quotas{}, fmt.Errorf("-quotas %s: %w", o.Quotas, err)
	}
	return q, nil
}

// filterLimits are how much of a user's past filters look at.
func (o Options) filterLimits() filter.Limits {
	if o.Fast || o.Quotas == "none" {
		return filter.Limits{}
	}
	return filter.AWSLimits
}

// Open starts a server; it answers when Open returns. On an error nothing is
// left running.
func Open(ctx context.Context, opt Options) (_ *Node, err error) {
	opt = opt.withDefaults()
	if err := opt.check(); err != nil {
		return nil, err
	}
	n := &Node{opt: opt, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.closeRooms())
		}
	}()
	keys, err := openKeys(opt)
	if err != nil {
		return nil, err
	}
	if keys != nil {
		n.closes(keys.follow())
	}
	handler, err := n.rooms(ctx, keys)
	if err != nil {
		return nil, err
	}
	return n, n.serve(ctx, handler)
}

// rooms opens every room, from the ground up, and gives what answers requests.
func (n *Node) rooms(ctx context.Context, keys *keyring) (http.Handler, error) {
	opt := n.opt
	quotas, err := opt.quotas()
	if err != nil {
		return nil, err
	}
	folder, err := openFolder(opt.Dir, opt.Database != "")
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{Dir: opt.Dir, Database: opt.Database, Now: opt.Now})
	if err != nil {
		return nil, err
	}
	n.closes(db.Close)
	if err := n.claim(ctx, db.Documents(), folder); err != nil {
		return nil, err
	}
	blobs, err := blob.OpenDir(blobsDir(opt.Dir))
	if err != nil {
		return nil, err
	}
	if err := backup.Sweep(opt.Dir); err != nil {
		return nil, err
	}
	blobs.KeepDeleted(backup.Kept(opt.Dir))
	buckets, err := s3server.Open(s3server.Options{Dir: bucketsDir(opt.Dir), Region: opt.Region, Account: opt.Account, Now: opt.Now, Log: opt.Log})
	if err != nil {
		return nil, err
	}
	logs, hist := n.openLogs(db, blobs)
	rows, minimums := opt.minimums()
	srv := serving.New(serving.Options{DB: db, History: hist, Blobs: blobs, Recipes: recipes(), Now: opt.Now, FilterLimits: opt.filterLimits(), CacheBytes: opt.HistoryCache,
		Idle: opt.CampaignIdle, AwakeBytes: opt.AwakeBytes, Ticks: n.everyMinute(),
		NewID: newRecommendationID, Log: opt.Log})
	n.closes(srv.Close)
	in := ingest.New(ingest.Options{DB: db, Logs: logs, History: hist, Blobs: blobs, Buckets: buckets.Store(), MinRows: rows, Shown: srv.Shown, Log: opt.Log})
	n.closes(in.Close)
	trainer := train.New(train.Options{DB: db, History: hist, Blobs: blobs, Recipes: recipes(), Start: n.startChild, Minimums: minimums,
		EventTypes: opt.eventTypes(), Moved: serving.FollowTraining, Now: opt.Now, Log: opt.Log,
		Embed: NewEmbedder(opt.EmbedURL, opt.EmbedModel, opt.EmbedKey)})
	n.closes(trainer.Close)
	keeper := retention.New(retention.Options{DB: db, Logs: logs, History: hist, Blobs: blobs, Buckets: buckets.Store(), Recipes: recipes(), Hot: opt.HotRecords,
		Copies: func() error { return backup.Sweep(opt.Dir) }, Log: opt.Log})
	files := batch.New(batch.Options{DB: db, Logs: logs.Log, Blobs: blobs, Buckets: buckets.Store(), Serving: srv, Quotas: quotas.AWS && !opt.Fast,
		Theme: newThemer(opt.ThemeURL, opt.ThemeModel, opt.ThemeKey), Log: opt.Log})
	set := metrics.NewSet()
	n.attributed(db, logs, hist, blobs, buckets.Store(), set)
	jobs, err := job.Open(ctx, job.Options{DB: db, Log: opt.Log, Limit: map[job.Kind]int{ingest.ImportJob: 2, batch.ExportJob: 1, retention.Job: 4, batch.InferenceJob: 1, batch.SegmentJob: 1, serving.DeployJob: 4, serving.RecommenderJob: 4},
		Workers: map[job.Kind]job.Worker{
			ingest.ImportJob:  counted(in.Importer(), db, set, importRecord),
			train.Job:         counted(trainer, db, set, versionRecord),
			ingest.EraseJob:   in.Eraser(),
			retention.Job:     keeper,
			batch.ExportJob:   files.Exporter(),
			serving.DeployJob: srv.Deployer(),

			serving.RecommenderJob: srv.RecommenderDeployer(),
			batch.InferenceJob:     files.Inferrer(),
			batch.SegmentJob:       files.Segmenter(),
		}})
	if err != nil {
		return nil, err
	}
	n.closes(jobs.Close)

	arns := catalog.NewARNs(opt.Region, opt.Account)
	watch := observe(set)
	wopt := wire.Options{Now: opt.Now, Log: opt.Log, Observe: watch, Admit: admissions(opt.Now)}
	mux, query, extensions := wire.NewMux(wopt), wire.NewQuery(wopt), wire.NewExtensions(wopt)
	admin := control.New(control.Options{DB: db, Jobs: jobs, Ingest: in, Logs: logs, ARNs: arns, Recipes: recipes(), Quotas: quotas, Fast: opt.Fast})
	n.closes(admin.OpenSyncer(opt.Log).Close)
	if !opt.Fast { // people's own tests are to be alone with what they ask for
		n.schedule(db, logs)
	}
	personalize.Register(mux, admin)
	admin.Extend(extensions)
	measured := measure.New(measure.Options{Logs: logs.Log, History: hist, Blobs: blobs})
	n.closes(measured.Close)
	extension.New(extension.Options{DB: db, ARNs: arns, Measure: measured, History: hist}).Register(extensions)
	personalizeevents.Register(mux, events.New(events.Options{Ingest: in, ARNs: arns, Metrics: set, Now: opt.Now}))
	trials, err := n.experiments(ctx, db, logs)
	if err != nil {
		return nil, err
	}
	answers := runtime.New(runtime.Options{Serving: srv, Experiments: trials, ARNs: arns, Metrics: set, Now: opt.Now})
	personalizeruntime.Register(mux, answers)
	answers.RegisterExtensions(extensions)
	identity.New(identity.Options{Account: opt.Account, Region: opt.Region, Store: roles{db.Documents()}, Now: opt.Now}).Register(query)

	r := &router{mux: mux, query: query, extensions: extensions, buckets: buckets, metrics: set, observe: watch, log: opt.Log,
		signatures: &wire.Signatures{Keys: keys.lookup(), Now: opt.Now}}
	r.console, err = console.New(console.Options{Calls: http.HandlerFunc(r.answerSignedIn), Keys: keys.lookup(), Region: opt.Region, Now: opt.Now, Log: opt.Log})
	if err != nil {
		return nil, err
	}
	guard := wire.Guard{Hosts: opt.Hosts, Origins: opt.Origins, AnyHost: keys != nil}
	return wire.Identify(guard.Handler(r)), nil
}

func (n *Node) closes(fn func() error) { n.closers = append(n.closers, fn) }

// closeRooms closes what was opened, last first.
func (n *Node) closeRooms() error {
	var errs []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i]())
	}
	n.closers = nil
	return errors.Join(errs...)
}

// graceful is how long requests under way may go on after Close was called.
const graceful = 10 * time.Second

// Close stops listening, lets requests under way end, stops running jobs – they
// go on at the next start – and closes every room.
func (n *Node) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), graceful)
	defer cancel()
	err := n.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests did not end in time: %w", err), n.server.Close())
	}
	<-n.ended
	if !errors.Is(n.endErr, http.ErrServerClosed) {
		err = errors.Join(err, n.endErr)
	}
	return errors.Join(err, n.closeRooms())
}

// Ended is closed when the node can answer no more; Close tells why.
func (n *Node) Ended() <-chan struct{} { return n.ended }

// newRecommendationID names an answer; it is unique and means nothing else.
func newRecommendationID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never gives an error
	h := hex.EncodeToString(b[:])
	return "RID-" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
