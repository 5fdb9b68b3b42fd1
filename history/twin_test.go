package history

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"usher/dataset"
)

// twin says in the plainest way what a group should know. It keeps what came in
// and works everything out when it is asked.
type twin struct {
	users, items, types []string
	schemas             map[dataset.Type]*dataset.Schema
	bulk                [][]bulkRow     // the parts since the last one that replaced
	live                []liveEvent     // in order of arrival; those of a joined session behind the user's own
	shown               [2][]twinShown  // imported, and live in the same order
	sessions            map[string]int  // → user
	named               map[int]bool    // users that are no sessions
	eventIDs            map[string]bool // seen
	tables              map[dataset.Type]map[int][]twinRecord
	seq                 int
}

type bulkRow struct {
	user, item  int
	kind        int
	time        int64
	value       float32
	rest, cells string
}

type liveEvent struct {
	user  int
	event dataset.Event
	rest  string // what else it says
}

type twinShown struct {
	user int
	item string
	time int64
}

type twinRecord struct {
	seq  int
	bulk bool
	row  map[string]dataset.Value // by column
}

func newTwin() *twin {
	return &twin{schemas: map[dataset.Type]*dataset.Schema{}, sessions: map[string]int{}, named: map[int]bool{}, eventIDs: map[string]bool{},
		tables: map[dataset.Type]map[int][]twinRecord{dataset.Items: {}, dataset.Users: {}}}
}

// number gives the number of an id: its place in the order of first sight.
func number(list *[]string, id string) int {
	i := slices.Index(*list, id)
	if i < 0 {
		i = len(*list)
		*list = append(*list, id)
	}
	return i
}

func (w *twin) apply(o *operation) {
	w.seq++
	c := o.change
	switch {
	case c.Interaction != nil:
		w.interaction(c.Interaction)
	case c.Item != nil:
		w.put(dataset.Items, number(&w.items, c.Item.ID), c.Item.Row, false)
	case c.User != nil:
		u := number(&w.users, c.User.ID)
		w.named[u] = true
		w.put(dataset.Users, u, c.User.Row, false)
	case c.Part != nil:
		w.part(o)
	case c.Cleared != nil:
		delete(w.schemas, c.Cleared.Type)
		if c.Cleared.Type != dataset.Interactions {
			w.tables[c.Cleared.Type] = map[int][]twinRecord{}
			return
		}
		w.bulk, w.live = nil, nil
		w.shown = [2][]twinShown{}
		clear(w.sessions)
		clear(w.eventIDs)
	case c.Forgotten != nil:
		w.forget(c.Forgotten.Users)
		w.forgetItems(c.Forgotten.Items)
	case c.Schema != nil:
		s, err := dataset.ParseSchema(c.Schema.Text, c.Schema.Domain)
		if err != nil {
			panic(err)
		}
		w.schemas[c.Schema.Type] = s
	}
}

func (w *twin) put(t dataset.Type, i int, row dataset.Row, bulk bool) {
	cells := map[string]dataset.Value{}
	for f, v := range row {
		cells[w.schemas[t].Fields[f].Name] = v
	}
	w.tables[t][i] = append(w.tables[t][i], twinRecord{w.seq, bulk, cells})
}

func (w *twin) interaction(x *dataset.Interaction) {
	if x.EventID != "" && w.eventIDs[x.EventID] {
		return
	}
	w.eventIDs[x.EventID] = true
	u := w.owner(x)
	e := dataset.Event{Item: dataset.Index(number(&w.items, x.Item)), Type: uint16(number(&w.types, x.Type)), Time: x.Time, Value: float32(math.NaN())}
	if x.Value != nil {
		e.Value = float32(*x.Value)
	}
	rest := ""
	if w.schemas[dataset.Interactions] != nil {
		if len(x.Properties) > 5 {
			rest = x.Properties[5].Str
		}
		rest += "|" + strings.Join(x.Impression, "|")
	}
	w.show(1, u, x.Item, x.Impression, x.Time)
	w.live = append(w.live, liveEvent{u, e, rest})
}

// show notes what a user was shown, imported or live, and did not choose.
func (w *twin) show(kind, user int, chosen string, ids []string, at int64) {
	for _, id := range ids {
		if id != chosen && id != "" {
			w.shown[kind] = append(w.shown[kind], twinShown{user, id, at})
		}
	}
}

// shownTo gives what counts of that, oldest first.
func (w *twin) shownTo(u int) (out []twinShown) {
	for _, list := range w.shown {
		for _, x := range list {
			if x.user == u && !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
		slices.SortStableFunc(out, func(a, b twinShown) int { return cmp.Compare(a.time, b.time) })
	}
	return out
}

func (w *twin) owner(x *dataset.Interaction) int {
	if x.User == "" {
		if u, ok := w.sessions[x.Session]; ok {
			return u
		}
		return number(&w.users, x.Session)
	}
	u := number(&w.users, x.User)
	w.named[u] = true
	if x.Session == "" || x.Session == x.User {
		return u
	}
	w.sessions[x.Session] = u
	if s := slices.Index(w.users, x.Session); s >= 0 && s != u && !w.named[s] {
		var own, moved []liveEvent
		for _, l := range w.live {
			if l.user == s {
				moved = append(moved, liveEvent{u, l.event, l.rest})
			} else {
				own = append(own, l)
			}
		}
		w.live = append(own, moved...)
		var rest, joined []twinShown
		for _, x := range w.shown[1] {
			if x.user == s {
				joined = append(joined, twinShown{u, x.item, x.time})
			} else {
				rest = append(rest, x)
			}
		}
		w.shown[1] = append(rest, joined...)
	}
	return u
}

func (w *twin) forget(ids []string) {
	gone := map[int]bool{}
	for _, id := range ids {
		if u := slices.Index(w.users, id); u >= 0 {
			gone[u] = true
		}
	}
	for id, u := range w.sessions {
		if !gone[u] {
			continue
		}
		delete(w.sessions, id)
		if s := slices.Index(w.users, id); s >= 0 && !w.named[s] {
			w.users[s] = "" // it has no events: they are the user's
		}
	}
	for u := range gone {
		w.users[u] = ""
		delete(w.tables[dataset.Users], u)
	}
	w.live = slices.DeleteFunc(w.live, func(l liveEvent) bool { return gone[l.user] })
	for k := range w.shown {
		w.shown[k] = slices.DeleteFunc(w.shown[k], func(x twinShown) bool { return gone[x.user] })
	}
	for i := range w.bulk {
		w.bulk[i] = slices.DeleteFunc(w.bulk[i], func(b bulkRow) bool { return gone[b.user] })
	}
}

func (w *twin) forgetItems(ids []string) {
	for _, id := range ids {
		for k := range w.shown {
			w.shown[k] = slices.DeleteFunc(w.shown[k], func(x twinShown) bool { return x.item == id })
		}
		i := slices.Index(w.items, id)
		if i < 0 {
			continue
		}
		w.items[i] = ""
		delete(w.tables[dataset.Items], i)
		w.live = slices.DeleteFunc(w.live, func(l liveEvent) bool { return int(l.event.Item) == i })
		for b := range w.bulk {
			w.bulk[b] = slices.DeleteFunc(w.bulk[b], func(r bulkRow) bool { return r.item == i })
		}
	}
}

func (w *twin) part(o *operation) {
	c := o.change.Part
	if c.Type != dataset.Interactions {
		t := w.tables[c.Type]
		list := &w.items
		if c.Type == dataset.Users {
			list = &w.users
			for _, row := range o.rows {
				if !slices.Contains(w.users, row[0].Str) {
					w.named[number(list, row[0].Str)] = true
				}
			}
		}
		if c.Replace {
			for i := range t {
				t[i] = slices.DeleteFunc(t[i], func(r twinRecord) bool { return r.bulk })
			}
		}
		for _, row := range o.rows {
			w.put(c.Type, number(list, row[0].Str), row, true)
		}
		return
	}
	if c.Replace {
		w.bulk, w.shown[0] = nil, nil
	}
	for _, row := range o.rows {
		w.named[number(&w.users, row[0].Str)] = true
	}
	for _, row := range o.rows {
		number(&w.items, row[1].Str)
	}
	var part []bulkRow
	for _, row := range o.rows {
		b := bulkRow{number(&w.users, row[0].Str), number(&w.items, row[1].Str), number(&w.types, row[3].Str), row[2].Int, float32(math.NaN()), row[5].Str + "|" + row[6].Str, fmt.Sprint(row)}
		if row[4].Kind != "" {
			b.value = float32(row[4].Num)
		}
		part = append(part, b)
		w.show(0, b.user, row[1].Str, strings.Split(row[6].Str, "|"), b.time)
	}
	w.bulk = append(w.bulk, part)
}

func find(l []liveEvent, e liveEvent) bool {
	return slices.ContainsFunc(l, func(x liveEvent) bool {
		return x.event.Time == e.event.Time && x.event.Item == e.event.Item && x.event.Type == e.event.Type &&
			math.Float32bits(x.event.Value) == math.Float32bits(e.event.Value) && x.rest == e.rest
	})
}

func (w *twin) bulkOf(u int) (out []liveEvent) {
	for _, part := range w.bulk {
		before, seen := out, map[string]bool{}
		for _, b := range part {
			e := liveEvent{u, dataset.Event{Time: b.time, Item: dataset.Index(b.item), Type: uint16(b.kind), Value: b.value}, b.rest}
			if b.user == u && !seen[b.cells] && !find(before, e) {
				out = append(slices.Clip(out), e)
			}
			if b.user == u {
				seen[b.cells] = true
			}
		}
	}
	return out
}

func (w *twin) events(u int) (events []dataset.Event) {
	for _, l := range w.ofUser(u) {
		events = append(events, l.event)
	}
	return events
}

// devices gives what a user's events say in DEVICE.
func (w *twin) devices(u int) (devices []string) {
	for _, l := range w.ofUser(u) {
		device, _, _ := strings.Cut(l.rest, "|")
		devices = append(devices, device)
	}
	return devices
}

// ofUser gives what counts of a user, oldest first.
func (w *twin) ofUser(u int) []liveEvent {
	out := w.bulkOf(u)
	byTime(out)
	for _, l := range w.live {
		if l.user == u && !find(out, l) {
			out = append(out, l)
		}
	}
	byTime(out)
	return out
}

func byTime(l []liveEvent) {
	slices.SortStableFunc(l, func(a, b liveEvent) int { return cmp.Compare(a.event.Time, b.event.Time) })
}

func (w *twin) user(id string) dataset.Index {
	u := slices.Index(w.users, id)
	if joined, ok := w.sessions[id]; ok && (u < 0 || !w.named[u]) {
		u = joined
	}
	return dataset.Index(u)
}

// table gives the records that count: of each id the last in the log.
func (w *twin) table(t dataset.Type) *dataset.Table {
	s := w.schemas[t]
	if s == nil {
		return nil
	}
	out := dataset.NewTable(s)
	for _, i := range slices.Sorted(maps.Keys(w.tables[t])) {
		list := w.tables[t][i]
		if len(list) == 0 {
			continue
		}
		row := make(dataset.Row, len(s.Fields))
		for f := range s.Fields {
			row[f] = list[len(list)-1].row[s.Fields[f].Name]
		}
		out.Set(dataset.Index(i), row)
	}
	return out
}

func (w *twin) snapshot() *dataset.Snapshot {
	var events [][]dataset.Event
	for u := range w.users {
		events = append(events, w.events(u))
	}
	s := dataset.NewSnapshot(w.users, w.items, w.types, events)
	s.ItemTable, s.UserTable = w.table(dataset.Items), w.table(dataset.Users)
	shown := &dataset.Shown{Start: []int64{0}}
	for u := range w.users {
		for _, x := range w.shownTo(u) {
			if i := slices.Index(w.items, x.item); i >= 0 {
				shown.List = append(shown.List, dataset.Exposure{Time: x.time, Item: dataset.Index(i)})
			}
		}
		shown.Start = append(shown.Start, int64(len(shown.List)))
	}
	if len(shown.List) > 0 {
		s.Shown = shown
	}
	return s
}
