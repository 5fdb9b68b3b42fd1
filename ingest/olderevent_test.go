package ingest

import (
	"strings"
	"testing"
	"time"

	"usher/dataset"
)

// TestOlderEvents: programs that were written before the members came send the
// item and the value as properties.
func TestOlderEvents(t *testing.T) {
	s, err := dataset.ParseSchema(`{"type": "record", "name": "Interactions", "namespace": "com.amazonaws.personalize.schema", "fields": [
		{"name": "USER_ID", "type": "string"}, {"name": "ITEM_ID", "type": "string"}, {"name": "TIMESTAMP", "type": "long"},
		{"name": "EVENT_VALUE", "type": ["null", "float"]}], "version": "1.0"}`, "")
	if err != nil {
		t.Fatal(err)
	}
	two := 2.0
	for _, c := range []struct {
		event Event
		item  string
		value float64 // -1 for none
		fault string
	}{
		{event: Event{Properties: `{"itemId": "i1"}`}, item: "i1", value: -1},
		{event: Event{Properties: `{"itemId": 270, "eventValue": 4.5}`}, item: "270", value: 4.5},
		{event: Event{Properties: `{"eventValue": " 3 ", "itemId": "i1"}`}, item: "i1", value: 3},
		{event: Event{Properties: `{"eventValue": null, "itemId": "i1"}`}, item: "i1", value: -1},
		{event: Event{Item: "i2", Properties: `{"eventValue": 7}`}, item: "i2", value: 7},
		{event: Event{Item: "i2", Value: &two, Properties: `{"itemId": "i3", "eventValue": 7}`}, item: "i2", value: 2}, // members go first
		{event: Event{Properties: `{"itemId": ["i1"]}`}, fault: "properties.itemId"},
		{event: Event{Properties: `{"itemId": ""}`}, fault: "itemId is missing"},
		{event: Event{Properties: `{"itemId": "` + strings.Repeat("x", 257) + `"}`}, fault: "more than 256"},
		{event: Event{Item: "i", Properties: `{"eventValue": "much"}`}, fault: `properties.eventValue: "much"`},
		{event: Event{Item: "i", Properties: `{"eventValue": "NaN"}`}, fault: "properties.eventValue"},
		{event: Event{Item: "i", Properties: `{"eventValue": true}`}, fault: "properties.eventValue"},
		{event: Event{}, fault: "itemId is missing"},
		{event: Event{Properties: `{"itemId"`}, fault: "JSON"},
	} {
		c.event.SentAt = time.Unix(10, 0)
		x, err := interaction(s, &c.event, time.Unix(20, 0))
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%+v: %v, want %q", c.event, err, c.fault)
			}
			continue
		}
		if err != nil || x.Item != c.item || (x.Value == nil) != (c.value == -1) || x.Value != nil && *x.Value != c.value {
			t.Errorf("%+v: %+v, %v; want %s %v", c.event, x, err, c.item, c.value)
		}
	}
}
