package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"usher/dataset"
	"usher/history"
)

// Event is one live event as the customer sent it.
type Event struct {
	ID               string
	Type             string
	Item             string
	Value            *float64
	SentAt           time.Time
	Properties       string // JSON object; may be ""
	Impression       []string
	RecommendationID string
	Source           string // eventAttributionSource
}

// reserved are property names that PutEvents carries elsewhere.
var reserved = []string{"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"}

// PutEvents checks the events of one session against the Interactions schema of
// the tracker's group and makes them durable. When it returns nil, the next
// request sees them; on any error none was kept.
func (g *Ingest) PutEvents(ctx context.Context, trackingID, user, session string, events []Event) error {
	groupID, err := g.group(ctx, trackingID, dataset.Interactions)
	if err != nil {
		return err
	}
	state, err := g.opt.History.Group(ctx, groupID)
	if err != nil {
		return err
	}
	schema, err := schemaOf(ctx, state, dataset.Interactions)
	if err != nil {
		return err
	}
	if schema == nil {
		return invalid("The dataset group of tracking id %q has no Interactions dataset. Create one with CreateDataset before sending events.", trackingID)
	}
	changes := make([]dataset.Change, len(events))
	for i, e := range events {
		x, err := interaction(schema, &e, g.now())
		if err != nil {
			return invalid("eventList.%d.member: %v", i+1, err)
		}
		x.User, x.Session = user, session
		if err := g.imply(ctx, groupID, x); err != nil {
			return err
		}
		changes[i].Interaction = x
	}
	return g.write(ctx, groupID, state, changes)
}

// imply gives an event without an impression the items of the recommendation that it
// names as one.
func (g *Ingest) imply(ctx context.Context, group string, x *dataset.Interaction) (err error) {
	if len(x.Impression) == 0 && x.RecommendationID != "" && g.opt.Shown != nil {
		x.Impression, err = g.opt.Shown(ctx, group, x.RecommendationID)
	}
	return err
}

// schemaOf gives the schema of a dataset, nil when there is none: one that was made just
// now is waited for.
func schemaOf(ctx context.Context, state *history.Group, t dataset.Type) (*dataset.Schema, error) {
	if s := state.Schema(t); s != nil {
		return s, nil
	}
	if err := state.CatchUp(ctx); err != nil {
		return nil, err
	}
	return state.Schema(t), nil
}

// interaction checks one event. Its errors are texts for people.
func interaction(s *dataset.Schema, e *Event, now time.Time) (*dataset.Interaction, error) {
	if err := adopt(e); err != nil {
		return nil, err
	}
	if e.Item == "" {
		return nil, fmt.Errorf("itemId is missing. The Interactions schema requires ITEM_ID, so every event needs an itemId")
	}
	if err := checkTime(e.SentAt, now); err != nil {
		return nil, err
	}
	x := &dataset.Interaction{
		EventID: e.ID, Item: e.Item, Time: e.SentAt.Unix(),
		Impression: e.Impression, RecommendationID: e.RecommendationID, Source: e.Source,
	}
	if s.Column("EVENT_TYPE") >= 0 { // without the column AWS does not use the type
		x.Type = e.Type
	}
	if s.Column("EVENT_VALUE") >= 0 {
		x.Value = e.Value
	}
	var err error
	x.Properties, err = properties(s, e.Properties, carried[s.Type], reserved)
	return x, err
}

// carried are the columns that an event does not carry as a property, by the type of
// the dataset.
var carried = map[dataset.Type][]string{
	dataset.Interactions:       {"USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE"},
	dataset.ActionInteractions: {"USER_ID", "ACTION_ID", "TIMESTAMP", "EVENT_TYPE", "IMPRESSION", "RECOMMENDATION_ID"},
}

// checkTime recognises milliseconds, the classic mistake: they lie in the year
// 50000.
func checkTime(t, now time.Time) error {
	if t.Unix() < 0 {
		return fmt.Errorf("sentAt %d lies before 1970. Give Unix time in seconds", t.Unix())
	}
	if t.After(now.AddDate(100, 0, 0)) {
		return fmt.Errorf("sentAt %d lies in the year %d. It looks like milliseconds: give Unix time in seconds, %d",
			t.Unix(), t.Year(), t.Unix()/1000)
	}
	return nil
}

// properties turns a JSON object with camelCase keys into the cells of a row.
// Keys that the schema does not have are ignored, as AWS does; columns in
// elsewhere are not read from it, and all other columns that must not be null
// have to be there. Keys in forbidden, whatever their case, are refused.
func properties(s *dataset.Schema, text string, elsewhere, forbidden []string) (dataset.Row, error) {
	var room [8]member
	given, ok := flat(text, room[:0])
	if !ok {
		var err error
		if given, err = object(text); err != nil {
			return nil, err
		}
	}
	row := make(dataset.Row, len(s.Fields))
	for _, m := range given {
		key, v := m.key, m.value
		if slices.Contains(forbidden, strings.ToLower(key)) {
			return nil, fmt.Errorf("properties.%s is reserved. Send it as a member of the event, not as a property", key)
		}
		f := s.Property(key)
		if f < 0 || slices.Contains(elsewhere, s.Fields[f].Name) {
			continue
		}
		cell, err := s.FromJSON(f, v)
		if err != nil {
			return nil, fmt.Errorf("properties.%s: %w", key, err)
		}
		row[f] = cell
	}
	for i, f := range s.Fields {
		if row[i].Kind == "" && !f.Nullable && !slices.Contains(elsewhere, f.Name) && !has(given, s, i) {
			return nil, fmt.Errorf("properties.%s is missing. The schema's column %s must not be null: send it, or let the schema allow null (\"type\": [\"null\", %q])", camel(f.Name), f.Name, f.Kind)
		}
	}
	return row, nil
}

// has says whether one of the members is of that field: it may be an empty text.
func has(given []member, s *dataset.Schema, field int) bool {
	return slices.ContainsFunc(given, func(m member) bool { return s.Property(m.key) == field })
}

// object reads any JSON object, its members in the order of keys; the empty text
// and null are empty ones.
func object(text string) ([]member, error) {
	given := map[string]any{}
	if text == "" {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&given); err != nil {
		return nil, fmt.Errorf("properties is not a JSON object: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("properties has text behind its JSON object, at byte %d", d.InputOffset())
	}
	var list []member
	for _, key := range slices.Sorted(maps.Keys(given)) { // the same error each time
		list = append(list, member{key, given[key]})
	}
	return list, nil
}

// camel writes a column's name as PutEvents spells it: NUM_RATINGS is numRatings.
func camel(column string) string {
	words := strings.Split(strings.ToLower(column), "_")
	for i, w := range words {
		if i > 0 && w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}
