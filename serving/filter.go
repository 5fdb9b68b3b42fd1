package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"usher/catalog"
	"usher/dataset"
	"usher/filter"
	"usher/history"
	"usher/recipe"
	"usher/store"
)

// Filtering is a filter with the values of its parameters, as the caller wrote
// them. The zero Filtering lets everything through.
type Filtering struct {
	ARN        string
	Expression string // in the place of a filter that was created
	Values     map[string]string
}

// none says that everything passes.
func (f Filtering) none() bool { return f.ARN == "" && f.Expression == "" }

// named is how errors call it.
func (f Filtering) named() string { return cmp.Or(f.ARN, "of the request") }

// NoFilter says that there is no filter of that ARN.
type NoFilter struct{ ARN string }

// Error implements error.
func (e *NoFilter) Error() string {
	return fmt.Sprintf("Resource Arn %s does not exist. ListFilters shows those that do.", e.ARN)
}

// liveFilter is a filter's record and its program, which is made anew when the
// schemas of the group are others.
type liveFilter struct {
	record *catalog.Filter

	mu      sync.Mutex
	schemas filter.Schemas
	program *filter.Program
}

// filter gives the filter of an ARN.
func (s *Serving) filter(ctx context.Context, arn string) (*liveFilter, error) {
	s.mu.RLock()
	f, epoch := s.mu.filters[arn], s.mu.epochs[arn]
	s.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	f = &liveFilter{}
	err := s.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		f.record, err = catalog.Get[catalog.Filter](tx, arn)
		return err
	})
	if notFound(err) {
		return nil, &NoFilter{arn}
	}
	if err != nil {
		return nil, err
	}
	if f.record.Status != catalog.Active {
		return nil, invalid("The filter %s is %s. Only a filter that is ACTIVE can be used.", arn, f.record.Status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.epochs[arn] == epoch { // else it may have changed since it was read
		s.mu.filters[arn] = f
	}
	return f, nil
}

// compiled gives the program for the schemas that the group has now.
func (f *liveFilter) compiled(schemas filter.Schemas) (*filter.Program, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := f.program != nil && len(f.schemas) == len(schemas)
	for t, s := range schemas {
		same = same && f.schemas[t] == s
	}
	if same {
		return f.program, nil
	}
	p, err := filter.Compile(f.record.Expression, schemas)
	var syntax *filter.SyntaxError
	if errors.As(err, &syntax) {
		return nil, invalid("The filter %s does not fit to the datasets that the group has now, which are not those of its creation: %v", f.record.ARN, err)
	}
	if err != nil {
		return nil, err
	}
	f.program, f.schemas = p, schemas
	return p, nil
}

// asking is one request on its way: what is asked of which model, and what is
// known of the group, in one view for all its filters.
type asking struct {
	*Serving
	deployment *deployment
	group      *history.Group
	query      *recipe.Query
	user       string // as the caller gave it

	view  *filter.View
	items int // of the view
	sets  []*room
}

// room is a set of items that is used again.
type room struct {
	set  dataset.Set
	size int
}

var rooms = sync.Pool{New: func() any { return new(room) }}

// release gives the sets back.
func (a *asking) release() {
	for _, r := range a.sets {
		rooms.Put(r)
	}
	a.sets = nil
}

// all gives a set of all items of the view, and of extra numbers behind them that
// no item has.
func (a *asking) all(extra int) dataset.Set {
	if a.view == nil {
		a.view, a.items = a.group.View()
		a.view.Limits = a.opt.FilterLimits
	}
	r, n := rooms.Get().(*room), a.items+extra
	if r.size < n {
		r.size = n + n/8
		r.set = dataset.NewSet(r.size)
	}
	a.sets = append(a.sets, r)
	r.set.Fill(n)
	return r.set
}

// narrowed gives the items that a filter lets through and the filter's program;
// without a filter the set of everything and nil. Items that were deleted are in
// neither: models still have their numbers.
func (a *asking) narrowed(ctx context.Context, f Filtering, extra int) (dataset.Set, *filter.Program, error) {
	gone := a.group.ErasedItems()
	if f.none() && len(gone) == 0 {
		return dataset.Set{}, nil, nil
	}
	allow := a.all(extra)
	for _, i := range gone {
		allow.Remove(i)
	}
	if f.none() {
		return allow, nil, nil
	}
	p, err := a.program(ctx, f)
	if err != nil {
		return dataset.Set{}, nil, err
	}
	err = p.Narrow(allow, a.view, a.at(), f.Values)
	return allow, p, f.mistake(err)
}

// program gives a filter's program, if it can be used here. The view is there.
func (a *asking) program(ctx context.Context, f Filtering) (p *filter.Program, err error) {
	if f.ARN == "" {
		p, err = filter.CompileExtended(f.Expression, a.view.Schemas)
		var syntax *filter.SyntaxError
		if errors.As(err, &syntax) {
			return nil, invalid("The filter of the request: %v", err)
		}
	} else {
		p, err = a.created(ctx, f.ARN)
	}
	if err != nil {
		return nil, err
	}
	return p, a.fits(f.named(), p)
}

// created gives the program of a filter that was created.
func (a *asking) created(ctx context.Context, arn string) (*filter.Program, error) {
	live, err := a.filter(ctx, arn)
	if err != nil {
		return nil, err
	}
	if live.record.Group != a.deployment.groupARN {
		return nil, invalid("The filter %s is of another dataset group than the campaign. Give a filter of its group.", arn)
	}
	return live.compiled(a.view.Schemas)
}

// at says for whom filters are evaluated, and when.
func (a *asking) at() filter.At {
	return filter.At{User: a.query.User, Item: a.query.Item, Now: a.query.Now.Unix()}
}

// mistake tells the caller what is wrong with the values that he gave.
func (f Filtering) mistake(err error) error {
	var bad *filter.ArgumentError
	if errors.As(err, &bad) {
		return invalid("%s (filter %s)", bad.Msg, f.named())
	}
	return err
}

// fits says whether a filter can be used with the recipe and the request.
func (a *asking) fits(arn string, p *filter.Program) error {
	spec := a.deployment.spec
	switch {
	case p.Target() != filter.Items:
		return invalid("The filter %s is about %s, but the recipe %s answers items. Use a filter of ItemID.", arn, p.Target(), spec.Name)
	case p.NeedsItem() && spec.Type != recipe.RelatedItems:
		return invalid("The filter %s compares with CurrentItem, which only requests for related items have; the recipe %s is of type %s.", arn, spec.Name, spec.Type)
	case p.NeedsUser() && a.user == "":
		return invalid("userId is missing. The filter %s looks at the current user's events or properties: send a userId.", arn)
	}
	return nil
}
