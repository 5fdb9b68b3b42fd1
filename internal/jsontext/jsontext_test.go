package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMistake(t *testing.T) {
	type id string
	type taken struct {
		User   id                `json:"userId"`
		Items  []id              `json:"items"`
		Values map[string]string `json:"values"`
		Count  *int32            `json:"count"`
		Share  float64           `json:"share"`
		On     bool              `json:"on"`
		Deep   []struct {
			Name string `json:"name"`
		} `json:"deep"`
	}
	for text, want := range map[string]string{
		`[]`:                      "an object was expected, not a list",
		`"a"`:                     "an object was expected, not a text",
		`{"userId": 5}`:           "userId: a text in double quotes was expected, not a number",
		`{"items": "a"}`:          "items: a list was expected, not a text",
		`{"values": ["a"]}`:       "values: an object was expected, not a list",
		`{"values": {"a": true}}`: "values: a text in double quotes was expected, not true or false",
		`{"count": 1.5}`:          "count: a whole number was expected, not a number 1.5",
		`{"share": {}}`:           "share: a number was expected, not an object",
		`{"on": 1}`:               "on: true or false was expected, not a number",
		`{"deep": [{"name": 1}]}`: "deep.name: a text in double quotes was expected, not a number",
		`{"other": 1}`:            `unknown field "other"`,
		`{"userId" 5}`:            "invalid character '5' after object key",
		`{`:                       "unexpected end of JSON input",
		``:                        "it is empty",
	} {
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		err := d.Decode(&taken{})
		if err == nil {
			t.Fatalf("%s is taken", text)
		}
		if got := Mistake(err); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
