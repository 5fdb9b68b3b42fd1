package generate

import (
	"fmt"
	"strconv"
	"strings"
)

// shapes writes the structs and the strings with fixed values.
func (w *writer) shapes() {
	about := map[string]string{}
	for _, op := range w.m.Operations {
		about[op.Name+"Input"] = "is the input of " + op.Name
		about[op.Name+"Output"] = "is the answer of " + op.Name
	}
	for _, s := range w.m.Shapes {
		if s.used && len(s.Enum) > 0 {
			w.enum(s)
		}
	}
	for _, s := range w.structures() {
		text := about[s.goName]
		if text == "" {
			text = "is a structure of the API"
		}
		w.p("// %s %s.", s.goName, text)
		w.p("type %s struct {", s.goName)
		for _, f := range s.Members {
			w.p("%s %s%s", upper(f.Name), w.m.fieldType(f.Shape), w.rules(f))
		}
		w.p("}\n")
	}
	for _, op := range w.empty() {
		w.p("// %sOutput is the answer of %s: it has no members.\ntype %sOutput struct{}\n", op.Name, op.Name, op.Name)
	}
}

func (w *writer) enum(s *Shape) {
	w.p("// %s is a string with fixed values.\ntype %s string\n", s.goName, s.goName)
	w.p("// The values of %s.\nconst (", s.goName)
	for _, v := range s.Enum {
		name := ""
		for word := range strings.SplitSeq(strings.ToLower(v), "_") {
			name += upper(word)
		}
		w.p("%s%s %s = %q", s.goName, name, s.goName, v)
	}
	w.p(")\n")
}

// rules says in a comment what a member has to keep.
func (w *writer) rules(f Member) string {
	s := w.m.byName[f.Shape]
	var parts []string
	if f.Required {
		parts = append(parts, "required")
	}
	if f.JSONValue {
		parts = append(parts, "JSON text")
	}
	unit := map[string]string{"string": " characters", "list": " members", "map": " members"}[s.Type]
	if s.Min != nil || s.Max != nil {
		parts = append(parts, span(s)+unit)
	}
	if s.Pattern != "" {
		parts = append(parts, s.Pattern)
	}
	if len(parts) == 0 {
		return ""
	}
	return " // " + strings.Join(parts, "; ")
}

func span(s *Shape) string {
	switch {
	case s.Max == nil:
		return "at least " + bound(s.Min)
	case s.Min == nil:
		return "at most " + bound(s.Max)
	}
	return bound(s.Min) + " to " + bound(s.Max)
}

// bound gives a bound as Go; the models have whole ones only.
func bound(f *float64) string {
	if f == nil {
		return "check.None"
	}
	if *f != float64(int64(*f)) {
		panic(fmt.Sprintf("generate: internal error: bound %v is not whole", *f))
	}
	return strconv.FormatInt(int64(*f), 10)
}
