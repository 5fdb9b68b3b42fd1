package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// longestID is how many characters the id of an item may have.
const longestID = 256

// adopt takes the item and the value of an event from its properties where the
// event has no such members: so programs send them that were written before the
// API had itemId and eventValue, and AWS takes them.
func adopt(e *Event) error {
	if e.Item != "" && (e.Value != nil || !strings.Contains(e.Properties, "eventValue")) {
		return nil
	}
	given, err := object(e.Properties)
	if err != nil {
		return err
	}
	for _, m := range given {
		switch {
		case m.key == "itemId" && e.Item == "":
			if e.Item, err = itemOf(m.value); err != nil {
				return err
			}
		case m.key == "eventValue" && e.Value == nil:
			if e.Value, err = valueOf(m.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// itemOf reads an id, which may be written as a number.
func itemOf(v any) (string, error) {
	id := fmt.Sprint(v)
	switch v.(type) {
	case string, json.Number:
	default:
		return "", fmt.Errorf("properties.itemId: %.100q is no id of an item", id)
	}
	if utf8.RuneCountInString(id) > longestID {
		return "", fmt.Errorf("properties.itemId has more than %d characters", longestID)
	}
	return id, nil
}

// valueOf reads a number, which may be written as a text; null is none.
func valueOf(v any) (*float64, error) {
	var n json.Number
	switch v := v.(type) {
	case nil:
		return nil, nil
	case json.Number:
		n = v
	case string:
		n = json.Number(strings.TrimSpace(v))
	}
	x, err := n.Float64()
	if err != nil || x != x || x-x != 0 { // neither NaN nor an infinity
		return nil, fmt.Errorf("properties.eventValue: %.100q is no number", fmt.Sprint(v))
	}
	return &x, nil
}
