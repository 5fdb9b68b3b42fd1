package conformance

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// small is a model with one of each thing.
const small = `{"service": "small", "operations": [], "shapes": [
	{"name": "In", "type": "structure", "members": [
		{"name": "name", "shape": "Name", "required": true}, {"name": "mode", "shape": "Mode"}, {"name": "arn", "shape": "Arn"},
		{"name": "count", "shape": "Count"}, {"name": "share", "shape": "Share"}, {"name": "on", "shape": "Flag"}, {"name": "at", "shape": "Time"},
		{"name": "tags", "shape": "Tags"}, {"name": "values", "shape": "Values"}, {"name": "roleArn", "shape": "Arn"}, {"name": "props", "shape": "Name", "jsonvalue": true}]},
	{"name": "Name", "type": "string", "min": 1, "max": 5, "pattern": "[a-z]*"},
	{"name": "Arn", "type": "string", "pattern": "arn:aws:personalize:.+"},
	{"name": "Mode", "type": "string", "enum": ["A", "B"]},
	{"name": "Count", "type": "integer", "min": 1, "max": 9},
	{"name": "Share", "type": "double"}, {"name": "Flag", "type": "boolean"}, {"name": "Time", "type": "timestamp"},
	{"name": "Tags", "type": "list", "member": "Tag", "min": 1, "max": 2},
	{"name": "Tag", "type": "structure", "members": [{"name": "key", "shape": "Name", "required": true}]},
	{"name": "Values", "type": "map", "key": "Name", "value": "Count", "max": 2}]}`

func smallModel(t *testing.T) *Model {
	t.Helper()
	m, err := ParseModel([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What is wrong is found, each thing alone.
func TestProblems(t *testing.T) {
	m := smallModel(t)
	for answer, want := range map[string]string{
		`{"name": "a", "mode": "B", "arn": "arn:aws:personalize:x", "count": 9, "share": 0.5, "on": true, "at": 1700000000.123, "tags": [{"key": "b"}], "values": {"c": 1}}`: "",
		`{"name": "a", "roleArn": "arn:aws:iam::0:role/x"}`: "",
		`{"name": "a", "roleArn": "arn:aws:personalize:x"}`: "not the ARN of a role",
		`{}`:                                   "member name is missing",
		`{"name": null}`:                       "no text",
		`{"name": "a", "more": 1}`:             `no member "more"`,
		`{"name": "a", "Name": "a"}`:           `no member "Name"`,
		`{"name": ""}`:                         "0 characters",
		`{"name": "abcdef"}`:                   "6 characters",
		`{"name": "A"}`:                        "does not match",
		`{"name": 5}`:                          "no text",
		`{"name": "a", "mode": "C"}`:           "none of",
		`{"name": "a", "count": 10}`:           "outside",
		`{"name": "a", "count": 1.5}`:          "no integer",
		`{"name": "a", "count": "1"}`:          "no number",
		`{"name": "a", "share": 1e999}`:        "too large",
		`{"name": "a", "on": "true"}`:          "neither",
		`{"name": "a", "at": "2026-01-01"}`:    "no number",
		`{"name": "a", "at": 1700000000123}`:   "no time",
		`{"name": "a", "at": 1700000000.1234}`: "no time",
		`{"name": "a", "tags": []}`:            "0 members",
		`{"name": "a", "tags": [{"key": "a"}, {"key": "b"}, {"key": "c"}]}`: "3 members",
		`{"name": "a", "tags": [{"key": "a"}, {}]}`:                         ".tags[1]: the member key",
		`{"name": "a", "tags": {}}`:                                         "no list",
		`{"name": "a", "values": []}`:                                       "no map",
		`{"name": "a", "values": {"a": 0}}`:                                 ".values.a: 0",
		`{"name": "a", "values": {"A": 1}}`:                                 "key",
		`{"name": "a", "values": {"a": 1, "b": 1, "c": 1}}`:                 "3 entries",
		`[]`:               "no object",
		`{"name": "a"`:     "no JSON",
		`{"name": "a"} {}`: "more behind",
	} {
		got := m.Problems("In", []byte(answer))
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
	if got := m.Problems("", []byte("{}")); len(got) != 1 {
		t.Errorf("a body where there is none: %q", got)
	}
	if got := m.Problems("", nil); len(got) != 0 {
		t.Errorf("no body where there is none: %q", got)
	}
}

// Every break differs from the good input in one place, and the judge of answers
// finds each broken constraint and type too.
func TestBroken(t *testing.T) {
	m := smallModel(t)
	good := map[string]any{"name": "a", "arn": "arn:aws:personalize:us-east-1:1:solution/x/y", "tags": []any{map[string]any{"key": "b"}}, "count": 3}
	before, _ := json.Marshal(good)
	var found []string
	for _, b := range m.Broken("In", good) {
		found = append(found, b.Path+" "+b.What)
		text, err := json.Marshal(b.Input)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) == string(before) {
			t.Errorf("%s %s: nothing is broken", b.Path, b.What)
		}
		switch problems := m.Problems("In", text); {
		case b.Rule == Absent && len(problems) > 0:
			t.Errorf("%s %s: %q", b.Path, b.What, problems)
		case b.Rule != Absent && len(problems) == 0:
			t.Errorf("%s %s: %s is not found", b.Path, b.What, text)
		}
	}
	if after, _ := json.Marshal(good); string(after) != string(before) {
		t.Errorf("the good input changed to %s", after)
	}
	for _, want := range []string{
		"name is missing", "name too long", "name too short", "name does not match", "name another type", "mode is none of the values", "mode another type",
		"arn names nothing", "arn does not match", "count too small", "count too large", "count another type", "share another type", "on another type", "at another type",
		"tags too many", "tags too few", "tags another type", "tags.1 another type", "tags.1.key is missing", "tags.1.key too long", "values another type",
	} {
		if !slices.Contains(found, want) {
			t.Errorf("%q is not among %q", want, found)
		}
	}
	if got, ok := absent("arn:aws:personalize:us-east-1:1:dataset/shop/ITEMS"); !ok || got != "arn:aws:personalize:us-east-1:1:dataset/there-is-no-such-thing/ITEMS" {
		t.Errorf("absent: %q, %v", got, ok)
	}
	if got, ok := absent("arn:aws:iam::1:role/x"); ok {
		t.Errorf("a role became %q", got)
	}
}
