package extension

import (
	"testing"

	"usher/dataset"
)

// lived are a user's record, which the schema of serve has, and three events.
func lived() []dataset.Change {
	value := 3.1
	return []dataset.Change{
		{User: &dataset.Entity{ID: "ann", Row: dataset.Row{{Kind: dataset.String, Str: "ann"}, {Kind: dataset.Int, Num: 31, Int: 31}}}},
		{Interaction: &dataset.Interaction{EventID: "1", User: "ann", Session: "s", Item: "tent", Type: "view", Time: 1000, Value: &value}},
		{Interaction: &dataset.Interaction{EventID: "2", User: "ann", Session: "s", Item: "Stove", Type: "buy", Time: 2000}},
		{Interaction: &dataset.Interaction{EventID: "3", User: "bob", Session: "t", Item: "<b>", Type: "view", Time: 3000}},
	}
}

func TestHistoryAndRecords(t *testing.T) {
	answers(t, serve(t, lived()...), []answer{
		{"shop/history?userId=ann", 200, []string{`"user":{"id":"ann","events":2,"fields":{"AGE":31}}`,
			`"events":[{"itemId":"Stove","eventType":"buy","timestamp":"1970-01-01T00:33:20Z"},{"itemId":"tent","eventType":"view","eventValue":3.1,`}, "<b>"},
		{"shop/history?userId=ann&limit=1", 200, []string{"Stove", `"events":2`}, "tent"},
		{"shop/history?userId=s", 200, []string{`"id":"ann","events":2`}, "<b>"}, // the visitor's session was joined to ann
		{"shop/history?userId=carl", 404, []string{"ResourceNotFoundException", `\"carl\"`}, "events"},
		{"shop/history?userId=ann&limit=201", 400, []string{"ValidationException", "200"}, "events"},
		{"shop/items", 200, []string{`"id":"tent"`, `"id":"Stove"`, `"known":3`, `"more":false`}, ""},
		{"shop/items?search=STO", 200, []string{`"id":"Stove"`}, "tent"},
		{"shop/items?limit=2", 200, []string{`"more":true`}, ""},
		{"shop/items?id=tent&id=none", 200, []string{`"id":"tent"`, `"fields":{}`}, "none"},
		{"shop/users?search=bo", 200, []string{`"id":"bob"`}, "ann"},
		{"shop/users?id=ann", 200, []string{`"AGE":31`}, "bob"},
	})
}
