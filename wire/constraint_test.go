package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/wire"
	"usher/wire/internal/generate"
	"usher/wire/personalize"
	"usher/wire/personalizeevents"
	"usher/wire/personalizeruntime"
)

// samples are texts that match the patterns of the models.
var samples = map[string]string{
	`arn:([a-z\d-]+):personalize:.*:.*:.+`:                     "arn:aws:personalize:us-east-1:000000000000:solution/a",
	`arn:([a-z\d-]+):iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`: "arn:aws:iam::000000000000:role/a",
	`arn:aws.*:kms:.*:[0-9]{12}:key/.*`:                        "arn:aws:kms:us-east-1:000000000000:key/a",
	`(s3|http|https)://.+`:                                     "s3://bucket/a",
	`rate\(\d+ days?\)`:                                        "rate(7 days)",
}

// inputs makes values for one model.
type inputs struct{ *generate.Model }

// good gives a value that keeps all rules of a shape.
func (m inputs) good(name string) any {
	s := m.Shape(name)
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			return s.Enum[0]
		}
		if v := samples[s.Pattern]; v != "" {
			return v
		}
		if s.Min != nil && *s.Min > 1 {
			return strings.Repeat("a", int(*s.Min))
		}
		return "a"
	case "list":
		return slices.Repeat([]any{m.good(s.Member)}, max(1, low(s)))
	case "map":
		return map[string]any{m.good(s.Key).(string): m.good(s.Value)}
	case "structure":
		out := map[string]any{}
		for _, f := range s.Members {
			out[f.Name] = m.good(f.Shape)
		}
		return out
	case "boolean":
		return true
	default:
		if s.Max != nil {
			return *s.Max
		}
		return float64(max(1, low(s)))
	}
}

func low(s *generate.Shape) int {
	if s.Min == nil {
		return 0
	}
	return int(*s.Min)
}

// bad is one broken rule: a value, where it stands and what has to be said.
type bad struct {
	value      any
	path, rule string
}

// wrong gives a value for each rule of a shape and of its parts, each breaking
// that rule; whole puts the part back into the input.
func (m inputs) wrong(name, path string, whole func(any) any) []bad {
	s := m.Shape(name)
	var out []bad
	add := func(v any, rule string) { out = append(out, bad{whole(v), path, rule}) }
	good := m.good(name)
	switch s.Type {
	case "string":
		m.wrongText(s, good.(string), add)
	case "integer", "double", "float":
		if s.Min != nil {
			add(*s.Min-1, fmt.Sprintf("Member must have value greater than or equal to %v", int(*s.Min)))
		}
		if s.Max != nil {
			add(*s.Max+1, fmt.Sprintf("Member must have value less than or equal to %v", int(*s.Max)))
		}
	case "list":
		if low(s) > 0 {
			add([]any{}, fmt.Sprintf("Member must have length greater than or equal to %d", low(s)))
		}
		if s.Max != nil {
			add(slices.Repeat([]any{m.good(s.Member)}, int(*s.Max)+1), fmt.Sprintf("Member must have length less than or equal to %v", int(*s.Max)))
		}
		out = append(out, m.wrong(s.Member, path+".1.member", func(v any) any { return whole([]any{v}) })...)
	case "map":
		out = append(out, m.wrongMap(s, path, whole)...)
	case "structure":
		for _, f := range s.Members {
			at := strings.TrimPrefix(path+"."+f.Name, ".")
			with := func(v any) any {
				all := maps.Clone(good.(map[string]any))
				all[f.Name] = v
				return whole(all)
			}
			if f.Required {
				out = append(out, bad{with(nil), at, "Member must not be null"})
			}
			out = append(out, m.wrong(f.Shape, at, with)...)
		}
	}
	return out
}

func (m inputs) wrongText(s *generate.Shape, good string, add func(any, string)) {
	if len(s.Enum) > 0 {
		add("é!", "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
		return
	}
	if low(s) > 0 {
		add(strings.Repeat("a", low(s)-1), fmt.Sprintf("Member must have length greater than or equal to %d", low(s)))
	}
	if s.Max != nil {
		add(good+strings.Repeat("a", int(*s.Max)+1-len(good)), fmt.Sprintf("Member must have length less than or equal to %v", int(*s.Max)))
	}
	if s.Pattern != "" {
		add("é!", "Member must satisfy regular expression pattern: "+s.Pattern)
	}
}

func (m inputs) wrongMap(s *generate.Shape, path string, whole func(any) any) []bad {
	var out []bad
	key, value := m.good(s.Key).(string), m.good(s.Value)
	if s.Max != nil {
		many := map[string]any{}
		for i := range int(*s.Max) + 1 {
			many[key+strings.Repeat("b", i%16)+strings.Repeat("c", i/16)] = value
		}
		out = append(out, bad{whole(many), path, fmt.Sprintf("Member must have length less than or equal to %v", int(*s.Max))})
	}
	keys := m.wrong(s.Key, path, func(v any) any { return whole(map[string]any{v.(string): value}) })
	for i := range keys {
		keys[i].rule = "Map keys must satisfy constraint: [" + keys[i].rule
	}
	out = append(out, keys...)
	return append(out, m.wrong(s.Value, path+"."+key+".member", func(v any) any { return whole(map[string]any{key: v}) })...)
}

// shapeless implements the APIs without doing anything: a call panics, which
// the Mux must answer.
type (
	noPersonalize struct{ personalize.API }
	noEvents      struct{ personalizeevents.API }
	noRuntime     struct{ personalizeruntime.API }
)

func epoch() time.Time { return time.Unix(1_700_000_000, 0).UTC() }

func emptyMux() *wire.Mux {
	mux := wire.NewMux(wire.Options{Now: epoch})
	personalize.Register(mux, noPersonalize{})
	personalizeevents.Register(mux, noEvents{})
	personalizeruntime.Register(mux, noRuntime{})
	return mux
}

func post(h http.Handler, target, path string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type answered struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// TestConstraints breaks every constraint of every member of every input, one at
// a time, and wants the right error, member and words.
func TestConstraints(t *testing.T) {
	mux, tried := emptyMux(), 0
	for service := range services {
		m := inputs{model(t, service)}
		for _, op := range m.Operations {
			target := ""
			if m.TargetPrefix != "" {
				target = m.TargetPrefix + "." + op.Name
			}
			send := func(v any) (int, answered) {
				body, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				w := post(mux, target, op.Path, body)
				var a answered
				if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
					t.Fatalf("%s answers %s: %v", op.Name, w.Body, err)
				}
				return w.Code, a
			}
			// An input that keeps all rules reaches the API.
			if status, a := send(m.good(op.Input)); status != 500 || a.Type != "InternalFailure" {
				t.Errorf("%s refuses a good input: %d %+v", op.Name, status, a)
			}
			want := "ValidationException"
			if slices.Contains(op.Errors, "InvalidInputException") {
				want = "InvalidInputException"
			}
			for _, b := range m.wrong(op.Input, "", func(v any) any { return v }) {
				tried++
				status, a := send(b.value)
				if status != 400 || a.Type != want || !strings.Contains(a.Message, " at '"+b.path+"' failed to satisfy constraint: "+b.rule) {
					t.Errorf("%s, %s, %s: %d %.400v", op.Name, b.path, b.rule, status, a)
				}
			}
		}
	}
	if tried < 800 { // of 824: a model that is not walked would show
		t.Errorf("only %d constraints", tried)
	}
	t.Logf("%d constraints", tried)
}
