package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rule says what is wrong with a broken input, and so which error it has to meet.
type Rule int

// The rules.
const (
	Constraint Rule = iota // of the model: InvalidInputException, or ValidationException
	Type                   // a value of another type: SerializationException
	Absent                 // the ARN of nothing: ResourceNotFoundException where the operation models it
)

// Break is an input that differs from a good one in one place.
type Break struct {
	Input any
	Path  string // of the place
	What  string // that was done to it
	Rule  Rule
}

// Broken gives the inputs that come of a good one by breaking each constraint of
// each of its members, and of members that it does not have but could.
func (m *Model) Broken(shape string, good any) []Break {
	return m.breaks(shape, "", good, func(v any) any { return v })
}

// breaks breaks a part of the input; whole puts the part back.
func (m *Model) breaks(shape, path string, good any, whole func(any) any) []Break {
	s := m.Shape(shape)
	b := &breaker{path: path, whole: whole}
	switch s.Type {
	case "structure":
		o, _ := good.(map[string]any)
		for _, f := range s.Members {
			at := strings.TrimPrefix(path+"."+f.Name, ".")
			with := func(v any) any {
				c := maps.Clone(o)
				if c == nil {
					c = map[string]any{}
				}
				c[f.Name] = v
				return whole(c)
			}
			part, there := o[f.Name]
			if there && f.Required {
				c := maps.Clone(o)
				delete(c, f.Name)
				b.out = append(b.out, Break{whole(c), at, "is missing", Constraint})
			}
			switch {
			case f.JSONValue:
			case there:
				b.out = append(b.out, m.breaks(f.Shape, at, part, with)...)
			default:
				b.out = append(b.out, m.breaksAbsent(f.Shape, at, with)...)
			}
		}
		if path != "" {
			b.add("text", "another type", Type)
		}
	case "list":
		l, _ := good.([]any)
		if s.Max != nil && len(l) > 0 && *s.Max < 5000 {
			b.add(slices.Repeat(l[:1], int(*s.Max)+1), "too many", Constraint)
		}
		if s.Min != nil && *s.Min > 0 {
			b.add([]any{}, "too few", Constraint)
		}
		if len(l) > 0 {
			b.out = append(b.out, m.breaks(s.Member, path+".1", l[0], func(v any) any { return whole(append([]any{v}, l[1:]...)) })...)
		}
		b.add("text", "another type", Type)
	case "map":
		b.add(5, "another type", Type)
	default:
		m.breakScalar(b, s, good)
	}
	return b.out
}

// breaker collects the breaks of one place.
type breaker struct {
	path  string
	whole func(any) any
	out   []Break
}

func (b *breaker) add(v any, what string, r Rule) {
	b.out = append(b.out, Break{b.whole(v), b.path, what, r})
}

// breaksAbsent breaks a member that the good input does not have.
func (m *Model) breaksAbsent(shape, path string, with func(any) any) []Break {
	switch s := m.Shape(shape); s.Type {
	case "structure", "map":
		return []Break{{with("text"), path, "another type", Type}}
	case "list":
		return []Break{{with(5), path, "another type", Type}}
	default:
		b := &breaker{path: path, whole: with}
		m.breakScalar(b, s, nil)
		return b.out
	}
}

func (m *Model) breakScalar(b *breaker, s *Shape, good any) {
	switch s.Type {
	case "string":
		b.add(map[string]any{"a": 1}, "another type", Type)
		if len(s.Enum) > 0 {
			b.add("é!", "is none of the values", Constraint)
			return
		}
		if s.Max != nil && *s.Max < 200_000 {
			text, _ := good.(string)
			b.add(text+strings.Repeat("a", int(*s.Max)+1-len(text)), "too long", Constraint)
		}
		if s.Min != nil && *s.Min > 0 {
			b.add("", "too short", Constraint)
		}
		if s.Pattern != "" {
			b.add("é!", "does not match", Constraint)
		}
		if text, ok := good.(string); ok {
			if none, ok := absent(text); ok {
				b.add(none, "names nothing", Absent)
			}
		}
	case "boolean":
		b.add("maybe", "another type", Type)
	case "integer", "long", "double", "float":
		b.add("text", "another type", Type)
		if s.Min != nil {
			b.add(*s.Min-1, "too small", Constraint)
		}
		if s.Max != nil {
			b.add(*s.Max+1, "too large", Constraint)
		}
	case "timestamp":
		b.add(map[string]any{"a": 1}, "another type", Type)
	}
}

// absent gives the ARN of the same kind that names nothing; false when the text
// is no ARN of the service.
func absent(arn string) (string, bool) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[2] != "personalize" {
		return "", false
	}
	parts := strings.Split(f[5], "/")
	parts[1] = "there-is-no-such-thing"
	return fmt.Sprintf("%s:%s", strings.Join(f[:5], ":"), strings.Join(parts, "/")), true
}
