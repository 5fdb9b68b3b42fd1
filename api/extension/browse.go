package extension

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/dataset"
	"usher/history"
	"usher/wire"
)

// What one call of these shows.
const (
	defaultShown = 50
	maxShown     = 200
)

// Record is the record of a user or an item: its columns by name, those without a
// value left out.
type Record struct {
	ID     string         `json:"id"`
	Events *int           `json:"events,omitempty"` // of a user: how many are known
	Fields map[string]any `json:"fields"`
}

// RecordList is the answer of the calls that look for users and items.
type RecordList struct {
	Records []Record `json:"records"`
	Known   int      `json:"known"` // how many the dataset group has numbers for
	More    bool     `json:"more"`  // others match too
}

// UserHistory is the answer of History: what answers for a user go by.
type UserHistory struct {
	User   Record      `json:"user"`
	Events []PastEvent `json:"events"` // the newest first
}

// PastEvent is one interaction of a user.
type PastEvent struct {
	ItemID    string   `json:"itemId"`
	EventType string   `json:"eventType,omitempty"`
	Value     *float64 `json:"eventValue,omitempty"`
	Timestamp string   `json:"timestamp"`
}

// registerBrowsing registers the calls that show single users and items.
func (a *API) registerBrowsing(x *wire.Extensions) {
	x.Handle("GET", "dataset-groups/{name}/history", "GetHistory", func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
		limit, err := shown(r)
		if err != nil {
			return nil, err
		}
		return a.History(ctx, r.Path("name"), r.Query.Get("userId"), limit)
	})
	for path, t := range map[string]dataset.Type{"users": dataset.Users, "items": dataset.Items} {
		x.Handle("GET", "dataset-groups/{name}/"+path, "Search"+strings.ToUpper(path[:1])+path[1:], func(ctx context.Context, r *wire.ExtensionRequest) (any, error) {
			limit, err := shown(r)
			if err != nil {
				return nil, err
			}
			return a.Records(ctx, r.Path("name"), t, Search{IDs: r.Query["id"], Text: r.Query.Get("search"), Limit: limit})
		})
	}
}

// shown reads how many a call wants to see.
func shown(r *wire.ExtensionRequest) (int, error) {
	text := r.Query.Get("limit")
	if text == "" {
		return defaultShown, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxShown {
		return 0, wire.Invalid("limit has to be a whole number from 1 to " + strconv.Itoa(maxShown) + ".")
	}
	return n, nil
}

// History gives a user's record and newest events, imported and live, as the next
// request's answer sees them. The id of a session gives its visitor's, or those of the
// user whom it was joined to.
func (a *API) History(ctx context.Context, name, user string, limit int) (*UserHistory, error) {
	g, err := a.known(ctx, name)
	if err != nil {
		return nil, err
	}
	u := g.User(user)
	if u == dataset.NoIndex {
		return nil, &wire.Fault{Code: "ResourceNotFoundException", Message: "Nothing is known of the user " + strconv.Quote(user) + ".", Status: notFound}
	}
	events := g.Events(u)
	count := len(events)
	out := &UserHistory{User: record(g, dataset.Users, g.UserIDs()[u], u), Events: []PastEvent{}}
	out.User.Events = &count
	items, types := g.ItemIDs(), g.EventTypes()
	for _, e := range slices.Backward(events[max(0, count-limit):]) {
		if items[e.Item] != "" { // the id of an item that was deleted meanwhile
			out.Events = append(out.Events, pastEvent(e, items, types))
		}
	}
	return out, nil
}

func pastEvent(e dataset.Event, items, types []string) PastEvent {
	out := PastEvent{ItemID: items[e.Item], EventType: types[e.Type], Timestamp: time.Unix(e.Time, 0).UTC().Format(time.RFC3339)}
	if v, ok := e.Number(); ok {
		out.Value = &v
	}
	return out
}

// Search says which users or items to show: those with these ids, or, without any,
// those that have the text in their id or in a text of their record.
type Search struct {
	IDs   []string
	Text  string
	Limit int
}

// Records gives records of users or items by id, or those that a text is found in.
// An id of IDs that is not known is left out.
func (a *API) Records(ctx context.Context, name string, t dataset.Type, s Search) (*RecordList, error) {
	g, err := a.known(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(s.IDs) > maxShown {
		return nil, wire.Invalid("At most " + strconv.Itoa(maxShown) + " ids can be asked for.")
	}
	ids, number, erased := g.ItemIDs(), g.Item, g.ErasedItems()
	if t == dataset.Users {
		ids, number, erased = g.UserIDs(), g.User, g.ErasedUsers()
	}
	out := &RecordList{Records: []Record{}, Known: len(ids) - len(erased)}
	if len(s.IDs) == 0 {
		return out, out.search(ctx, g, t, s, ids, erased)
	}
	for _, id := range s.IDs {
		if i := number(id); i != dataset.NoIndex && !slices.Contains(erased, i) {
			out.Records = append(out.Records, record(g, t, id, i))
		}
	}
	return out, nil
}

// search looks through all ids by number.
func (out *RecordList) search(ctx context.Context, g *history.Group, t dataset.Type, s Search, ids []string, erased []dataset.Index) error {
	gone := map[dataset.Index]bool{}
	for _, i := range erased {
		gone[i] = true
	}
	text := strings.ToLower(s.Text)
	for n, id := range ids {
		i := dataset.Index(n)
		switch {
		case n&0xffff == 0 && ctx.Err() != nil:
			return context.Cause(ctx)
		case gone[i] || !mentions(id, g, t, i, text):
		case len(out.Records) == s.Limit:
			out.More = true
			return nil
		default:
			out.Records = append(out.Records, record(g, t, id, i))
		}
	}
	return nil
}

// mentions says whether a text in lower case stands in an id or a record.
func mentions(id string, g *history.Group, t dataset.Type, i dataset.Index, text string) bool {
	if text == "" || strings.Contains(strings.ToLower(id), text) {
		return true
	}
	return slices.ContainsFunc(g.Row(t, i), func(v dataset.Value) bool {
		return v.Kind == dataset.String && strings.Contains(strings.ToLower(v.Str), text)
	})
}

// record shows the record of a user or item, which may have none.
func record(g *history.Group, t dataset.Type, id string, i dataset.Index) Record {
	out := Record{ID: id, Fields: map[string]any{}}
	schema, row := g.Schema(t), g.Row(t, i)
	if schema == nil {
		return out
	}
	for f := range min(len(schema.Fields), len(row)) {
		if v := plain(row[f]); v != nil && f != schema.ID() {
			out.Fields[schema.Fields[f].Name] = v
		}
	}
	return out
}

// plain gives a cell as JSON has it; nil for null.
func plain(v dataset.Value) any {
	switch v.Kind {
	case "":
		return nil
	case dataset.String:
		return v.Str
	case dataset.Int, dataset.Long:
		return v.Int
	case dataset.Boolean:
		return v.Num != 0
	}
	return v.Num
}

// known gives what is known now of the users and items of the group of a name.
func (a *API) known(ctx context.Context, name string) (*history.Group, error) {
	g, _, err := a.group(ctx, name, "")
	if err != nil {
		return nil, err
	}
	return a.opt.History.Group(ctx, g.ID)
}
