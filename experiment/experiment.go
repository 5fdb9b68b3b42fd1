// Package experiment splits the traffic of a campaign between several, by user,
// and compares what came of it.
//
// An experiment has arms: campaigns of one dataset group with their shares. Its
// first arm is the campaign that clients ask; a hash of the experiment's key and
// the user decides which arm answers, so a user always meets the same one and
// nothing is kept of it. Answers carry a recommendationId whose last digits are a
// keyed hash of arm and id: an event that names it later tells its arm by itself.
//
// Counts: answers are counted in memory and written with each Save; events are
// read from the group's log, and their counts are stored with the offset up to
// which it was read, in one document, so none is counted twice or left out,
// whatever ends the process. An event that is sent again counts once, as attribution
// has it. Bulk imports count nothing.
//
// What a campaign is and how it answers is left to serving, the calls to api.
package experiment

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"usher/eventlog"
	"usher/history"
	"usher/store"
)

// Arm is a campaign that takes part.
type Arm struct {
	Campaign string  `json:"campaignArn"`
	Share    float64 `json:"share"` // of the users
}

// Experiment is a split of traffic.
type Experiment struct {
	Name    string    `json:"name"`
	Group   string    `json:"group"` // the catalog's id of the dataset group
	Arms    []Arm     `json:"arms"`
	Created time.Time `json:"created"`
	Key     []byte    `json:"key"` // of the hashes
}

// Entry is the campaign that clients ask.
func (e *Experiment) Entry() string { return e.Arms[0].Campaign }

// Arm gives the number of the arm that answers a user.
func (e *Experiment) Arm(user string) int {
	sum := sha256.Sum256(append(append([]byte(nil), e.Key...), user...))
	at := float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
	for i, a := range e.Arms {
		if at -= a.Share; at < 0 {
			return i
		}
	}
	return len(e.Arms) - 1
}

// tagDigits is how many digits of a recommendationId tell the arm.
const tagDigits = 12

// Tagged gives an id for an answer of an arm, of a fresh one.
func (e *Experiment) Tagged(id string, arm int) string {
	if len(id) <= tagDigits {
		return id
	}
	base := id[:len(id)-tagDigits]
	return base + e.tag(base, arm)
}

func (e *Experiment) tag(base string, arm int) string {
	sum := sha256.Sum256(append(append(append([]byte(nil), e.Key...), byte(arm)), base...))
	return hex.EncodeToString(sum[:tagDigits/2])
}

// ArmOf gives the arm that a recommendationId came from, false if none did.
func (e *Experiment) ArmOf(id string) (int, bool) {
	if len(id) <= tagDigits {
		return 0, false
	}
	base, tag := id[:len(id)-tagDigits], id[len(id)-tagDigits:]
	for i := range e.Arms {
		if e.tag(base, i) == tag {
			return i, true
		}
	}
	return 0, false
}

// Invalid is a mistake of the caller, with a text for people.
type Invalid struct{ Msg string }

func (e *Invalid) Error() string { return e.Msg }

// ErrNotFound says that there is no experiment of a name.
var ErrNotFound = errors.New("experiment: not found")

// Options configure Experiments.
type Options struct {
	Records store.Documents
	Logs    func(group string) eventlog.Log // by the group's catalog id
	Now     func() time.Time
}

// Experiments are those that run. All methods may be called concurrently.
type Experiments struct {
	opt Options

	mu struct {
		sync.RWMutex
		byEntry map[string]*running
		byName  map[string]*running
	}
}

// running is an experiment and its counts.
type running struct {
	Experiment
	answers []atomic.Int64 // by arm

	mu     sync.Mutex // of reading the log
	counts counts
	seen   *history.EventIDs // of events of its answers; nil: not read yet
}

// counts is what was counted, as it is stored.
type counts struct {
	Upto    eventlog.Offset    `json:"upto"` // the log was read up to here
	Events  []map[string]int64 `json:"events"`
	Answers []int64            `json:"answers"`
}

// Keys of the documents.
const (
	recordPrefix = "experiment/record/"
	countsPrefix = "experiment/counts/"
)

// Open loads the experiments that run.
func Open(ctx context.Context, opt Options) (*Experiments, error) {
	x := &Experiments{opt: opt}
	x.mu.byEntry, x.mu.byName = map[string]*running{}, map[string]*running{}
	list, err := opt.Records.List(ctx, recordPrefix)
	if err != nil {
		return nil, fmt.Errorf("read experiments: %w", err)
	}
	for _, text := range list {
		r := &running{}
		if err := json.Unmarshal(text, &r.Experiment); err != nil {
			return nil, fmt.Errorf("read experiment: %w", err)
		}
		if err := r.load(ctx, opt.Records); err != nil {
			return nil, fmt.Errorf("read experiment %q: %w", r.Name, err)
		}
		x.add(r)
	}
	return x, nil
}

// load reads the counts.
func (r *running) load(ctx context.Context, records store.Documents) error {
	r.begin()
	text, ok, err := records.Get(ctx, countsPrefix+r.Name)
	if err != nil || !ok {
		return err
	}
	if err := json.Unmarshal(text, &r.counts); err != nil {
		return err
	}
	if len(r.counts.Answers) != len(r.Arms) || len(r.counts.Events) != len(r.Arms) {
		return errors.New("its counts are of other arms")
	}
	for i, n := range r.counts.Answers {
		r.answers[i].Store(n)
	}
	return nil
}

// begin makes counts of nothing.
func (r *running) begin() {
	r.answers = make([]atomic.Int64, len(r.Arms))
	r.counts = counts{Events: make([]map[string]int64, len(r.Arms)), Answers: make([]int64, len(r.Arms))}
	for i := range r.counts.Events {
		r.counts.Events[i] = map[string]int64{}
	}
}

func (x *Experiments) add(r *running) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.mu.byEntry[r.Entry()], x.mu.byName[r.Name] = r, r
}

// Start begins an experiment, from now on. Its group's log is counted from its end.
func (x *Experiments) Start(ctx context.Context, name, group string, arms []Arm) (*Experiment, error) {
	if err := check(name, arms); err != nil {
		return nil, err
	}
	r := &running{Experiment: Experiment{Name: name, Group: group, Arms: arms, Created: x.opt.Now().UTC(), Key: make([]byte, 16)}}
	_, _ = rand.Read(r.Key) // never gives an error
	r.begin()
	var err error
	if r.counts.Upto, err = x.opt.Logs(group).Last(ctx); err != nil {
		return nil, err
	}
	if err := x.claim(r); err != nil {
		return nil, err
	}
	text, err := json.Marshal(r.Experiment)
	if err == nil {
		err = x.save(ctx, r)
	}
	if err == nil {
		err = x.opt.Records.Put(ctx, recordPrefix+name, text)
	}
	if err != nil {
		x.forget(r)
		return nil, fmt.Errorf("start experiment %q: %w", name, err)
	}
	return &r.Experiment, nil
}

// claim adds an experiment unless its name or campaign is taken.
func (x *Experiments) claim(r *running) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.mu.byName[r.Name] != nil {
		return &Invalid{fmt.Sprintf("The experiment %q exists. End it first, or take another name.", r.Name)}
	}
	if other := x.mu.byEntry[r.Entry()]; other != nil {
		return &Invalid{fmt.Sprintf("The campaign %s is the first arm of the experiment %q. A campaign's traffic can be split once.", r.Entry(), other.Name)}
	}
	x.mu.byEntry[r.Entry()], x.mu.byName[r.Name] = r, r
	return nil
}

func (x *Experiments) forget(r *running) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.mu.byEntry, r.Entry())
	delete(x.mu.byName, r.Name)
}

// mostArms bounds the arms of an experiment.
const mostArms = 10

// check judges what a caller wants.
func check(name string, arms []Arm) error {
	if name == "" || len(name) > 63 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return &Invalid{fmt.Sprintf("The name %.80q of the experiment is not one of 1 to 63 letters, digits, - and _.", name)}
	}
	if len(arms) < 2 || len(arms) > mostArms {
		return &Invalid{fmt.Sprintf("The experiment has %d arms. Give 2 to %d campaigns, the one that clients ask first.", len(arms), mostArms)}
	}
	sum := 0.
	for i, a := range arms {
		if !(a.Share > 0 && a.Share <= 1) {
			return &Invalid{fmt.Sprintf("The share of %s is %v. Shares are above 0 and add up to 1.", a.Campaign, a.Share)}
		}
		if slices.ContainsFunc(arms[:i], func(b Arm) bool { return b.Campaign == a.Campaign }) {
			return &Invalid{fmt.Sprintf("The campaign %s is an arm twice.", a.Campaign)}
		}
		sum += a.Share
	}
	if math.Abs(sum-1) > 1e-6 {
		return &Invalid{fmt.Sprintf("The shares add up to %v, not to 1.", sum)}
	}
	return nil
}

// Assignment is who answers a question.
type Assignment struct {
	Campaign string
	of       *running // nil: no experiment
	arm      int
}

// Split says which campaign answers a user who asks a campaign: without an
// experiment, or without a user, that campaign itself.
func (x *Experiments) Split(campaign, user string) Assignment {
	x.mu.RLock()
	r := x.mu.byEntry[campaign]
	x.mu.RUnlock()
	if r == nil || user == "" {
		return Assignment{Campaign: campaign}
	}
	arm := r.Arm(user)
	return Assignment{r.Arms[arm].Campaign, r, arm}
}

// Tag gives the recommendationId of an answer, made of a fresh one.
func (a Assignment) Tag(id string) string {
	if a.of == nil {
		return id
	}
	return a.of.Tagged(id, a.arm)
}

// Answered counts an answer.
func (a Assignment) Answered() {
	if a.of != nil {
		a.of.answers[a.arm].Add(1)
	}
}

// End ends an experiment and forgets its counts.
func (x *Experiments) End(ctx context.Context, name string) error {
	r := x.named(name)
	if r == nil {
		return ErrNotFound
	}
	if err := errors.Join(x.opt.Records.Delete(ctx, recordPrefix+name), x.opt.Records.Delete(ctx, countsPrefix+name)); err != nil {
		return fmt.Errorf("end experiment %q: %w", name, err)
	}
	x.forget(r)
	return nil
}

// List gives the experiments by name.
func (x *Experiments) List() []Experiment {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []Experiment
	for _, r := range x.mu.byName {
		out = append(out, r.Experiment)
	}
	slices.SortFunc(out, func(a, b Experiment) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (x *Experiments) named(name string) *running {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.mu.byName[name]
}

// Save counts what has come and stores all counts.
func (x *Experiments) Save(ctx context.Context) error {
	var errs []error
	for _, e := range x.List() {
		if r := x.named(e.Name); r != nil {
			errs = append(errs, x.follow(ctx, r))
		}
	}
	return errors.Join(errs...)
}
