package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problems says what is wrong with an answer: members that the shape does not
// have, that are missing or null, of another type, or that break a constraint.
func (m *Model) Problems(shape string, answer []byte) []string {
	if shape == "" {
		if len(bytes.TrimSpace(answer)) > 0 {
			return []string{fmt.Sprintf("a body where there is none: %.100s", answer)}
		}
		return nil
	}
	v, err := decode(answer)
	if err != nil {
		return []string{err.Error()}
	}
	return m.judge(shape, "", v)
}

// decode reads one JSON value; numbers stay as they are written.
func decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%.100q is no JSON: %w", text, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is more behind the JSON of %.100q", text)
	}
	return v, nil
}

func (m *Model) judge(shape, path string, v any) (out []string) {
	s := m.Shape(shape)
	bad := func(format string, args ...any) {
		out = append(out, path+": "+fmt.Sprintf(format, args...))
	}
	switch s.Type {
	case "structure":
		o, ok := v.(map[string]any)
		if !ok {
			bad("%v is no object", v)
			return out
		}
		left := maps.Clone(o)
		for _, f := range s.Members {
			delete(left, f.Name)
			part, there := o[f.Name]
			switch {
			case there && f.Name == "roleArn": // the model has the pattern of other ARNs for some, and AWS answers roles
				if text, ok := part.(string); !ok || !strings.Contains(text, ":iam::") {
					bad("%v is not the ARN of a role", part)
				}
			case there:
				out = append(out, m.judge(f.Shape, path+"."+f.Name, part)...)
			case f.Required:
				bad("the member %s is missing", f.Name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(left)) {
			bad("the shape %s has no member %q", shape, name)
		}
	case "list":
		l, ok := v.([]any)
		if !ok {
			bad("%v is no list", v)
			return out
		}
		bounds(s, float64(len(l)), "members", bad)
		for i, part := range l {
			out = append(out, m.judge(s.Member, fmt.Sprintf("%s[%d]", path, i), part)...)
		}
	case "map":
		o, ok := v.(map[string]any)
		if !ok {
			bad("%v is no map", v)
			return out
		}
		bounds(s, float64(len(o)), "entries", bad)
		for key, part := range o {
			out = append(out, m.judge(s.Key, path+" key", key)...)
			out = append(out, m.judge(s.Value, path+"."+key, part)...)
		}
	case "string":
		t, ok := v.(string)
		if !ok {
			bad("%v is no text", v)
			return out
		}
		judgeText(s, t, bad)
	case "boolean":
		if _, ok := v.(bool); !ok {
			bad("%v is neither true nor false", v)
		}
	default:
		judgeNumber(s, v, bad)
	}
	return out
}

func judgeText(s *Shape, t string, bad func(string, ...any)) {
	bounds(s, float64(utf8.RuneCountInString(t)), "characters", bad)
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, t) {
		bad("%q is none of %v", t, s.Enum)
	}
	if re := pattern(s.Pattern); re != nil && !re.MatchString(t) {
		bad("%q does not match %s", t, s.Pattern)
	}
}

func judgeNumber(s *Shape, v any, bad func(string, ...any)) {
	n, ok := v.(json.Number)
	if !ok {
		bad("%v is no number", v)
		return
	}
	x, err := n.Float64()
	if err != nil || math.IsInf(x, 0) {
		bad("%v is too large", n)
		return
	}
	switch s.Type {
	case "integer", "long":
		if strings.ContainsAny(n.String(), ".eE") {
			bad("%v is no integer", n)
		}
	case "timestamp": // seconds, at most to the millisecond
		if _, fraction, _ := strings.Cut(n.String(), "."); x < 1e9 || x > 1e11 || len(fraction) > 3 {
			bad("%v is no time in seconds", n)
		}
	}
	if s.Type != "timestamp" {
		bounds(s, x, "", bad)
	}
}

func bounds(s *Shape, n float64, unit string, bad func(string, ...any)) {
	if s.Min != nil && n < *s.Min || s.Max != nil && n > *s.Max {
		bad("%v %s are outside of what %s allows", n, unit, s.Name)
	}
}

// pattern gives the expression of a Java pattern, which matches whole texts. Its
// length is a constraint of its own: what this language cannot repeat so often is
// repeated without a limit.
func pattern(java string) *regexp.Regexp {
	if java == "" {
		return nil
	}
	go1 := strings.NewReplacer(`\p{ASCII}`, `[\x00-\x7f]`, `{0,1500}`, `*`).Replace(java)
	return regexp.MustCompile(`^(?s:` + go1 + `)$`)
}
