package generate

import (
	"fmt"
	"slices"
	"strings"
)

// check writes the rules of the inputs and what applies them.
func (w *writer) check() {
	for _, op := range w.m.Operations {
		w.p("// Validate reports every constraint that the input does not keep.")
		w.p("func (s *%sInput) Validate() error {\nvar c check.Checker\ns.check(&c)", op.Name)
		w.p("if c.Broken() {\ntext := c.Message() // declared here, so that a good input allocates nothing")
		if slices.Contains(op.Errors, "InvalidInputException") {
			w.p("return &InvalidInputException{Message: &text}")
		} else {
			w.p("return wire.Invalid(text)")
		}
		w.p("}\nreturn nil\n}\n")
	}
	for _, s := range w.structures() {
		if !s.checked {
			continue
		}
		w.p("func (s *%s) check(c *check.Checker) {", s.goName)
		for _, f := range s.Members {
			w.checkMember(f)
		}
		w.p("}\n")
	}
	w.checkParts()
	w.p("// The rules, by shape.\nvar (")
	for _, s := range w.m.Shapes {
		if s.checked && w.ruled(s.Name) && s.Type != "structure" && w.rule(s) != "" {
			w.p("rule%s = %s", s.goName, w.rule(s))
		}
	}
	w.p(")\n\n// The patterns.\nvar (")
	for i, p := range w.patterns() {
		w.p("pattern%d = check.NewPattern(%s)", i+1, "`"+p+"`")
	}
	w.p(")")
}

// checkMember writes the check of one member of a structure.
func (w *writer) checkMember(f Member) {
	field, s := "s."+upper(f.Name), w.m.byName[f.Shape]
	ruled := w.ruled(f.Shape)
	if !ruled && !f.Required {
		return
	}
	switch value := field; {
	case ruled:
		if s.pointer() && s.Type != "structure" {
			value = "*" + field
		}
		w.p("if %s {\nc.Enter(%q)\n%s\nc.Leave()\n}", s.present(field), f.Name, w.checkStmt(f.Shape, value))
		if f.Required {
			w.body.Truncate(w.body.Len() - 1)
			w.p(" else {\nc.Missing(%q)\n}", f.Name)
		}
	default:
		w.p("if !(%s) {\nc.Missing(%q)\n}", s.present(field), f.Name)
	}
}

// checkParts writes the functions that check the members of lists and maps.
func (w *writer) checkParts() {
	for _, s := range w.ofType("list") {
		if !s.checked || !w.ruled(s.Name) {
			continue
		}
		w.p("func check%s(c *check.Checker, list %s) {", s.goName, w.m.goType(s.Name))
		if w.rule(s) != "" {
			w.p("c.Size(len(list), rule%s)", s.goName)
		}
		if w.ruled(s.Member) {
			w.p("for i := range list {\nc.EnterItem(i)\n%s\nc.Leave()\n}", w.checkStmt(s.Member, "list[i]"))
		}
		w.p("}\n")
	}
	for _, s := range w.ofType("map") {
		if !s.checked || !w.ruled(s.Name) {
			continue
		}
		w.p("func check%s(c *check.Checker, m %s) {", s.goName, w.m.goType(s.Name))
		if w.rule(s) != "" {
			w.p("c.Size(len(m), rule%s)", s.goName)
		}
		if key := w.m.byName[s.Key]; w.ruled(s.Key) {
			call := "Key"
			if len(key.Enum) > 0 {
				call = "EnumKey"
			}
			w.p("for k := range m {\nc.%s(k, rule%s)\n}", call, key.goName)
		}
		if w.ruled(s.Value) {
			w.p("for k, v := range m {\nc.EnterKey(k)\n%s\nc.Leave()\n}", w.checkStmt(s.Value, "v"))
		}
		w.p("}\n")
	}
}

// checkStmt is the statement that checks a value.
func (w *writer) checkStmt(name, value string) string {
	switch s := w.m.byName[name]; {
	case len(s.Enum) > 0:
		return fmt.Sprintf("c.Enum(string(%s), rule%s)", value, s.goName)
	case s.Type == "structure":
		return value + ".check(c)"
	case s.Type == "list", s.Type == "map":
		return fmt.Sprintf("check%s(c, %s)", s.goName, value)
	case s.Type == "string":
		return fmt.Sprintf("c.Text(%s, rule%s)", value, s.goName)
	default:
		return fmt.Sprintf("c.Number(float64(%s), rule%s)", value, s.goName)
	}
}

// ruled says whether a shape or a part of it has a rule.
func (w *writer) ruled(name string) bool {
	s := w.m.byName[name]
	switch s.Type {
	case "structure":
		return slices.ContainsFunc(s.Members, func(f Member) bool { return f.Required || w.ruled(f.Shape) })
	case "list":
		return w.rule(s) != "" || w.ruled(s.Member)
	case "map":
		return w.rule(s) != "" || w.ruled(s.Key) || w.ruled(s.Value)
	}
	return w.rule(s) != ""
}

// rule is the rule of a shape itself as Go; empty if it has none.
func (w *writer) rule(s *Shape) string {
	bounds := fmt.Sprintf("Min: %s, Max: %s", bound(s.Min), bound(s.Max))
	switch {
	case len(s.Enum) > 0:
		return fmt.Sprintf("check.Enum{%s}", `"`+strings.Join(s.Enum, `", "`)+`"`)
	case s.Min == nil && s.Max == nil && s.Pattern == "":
		return ""
	case s.Type == "string" && s.Pattern != "":
		return fmt.Sprintf("&check.Text{%s, Pattern: pattern%d}", bounds, 1+slices.Index(w.patterns(), s.Pattern))
	case s.Type == "string":
		return fmt.Sprintf("&check.Text{%s}", bounds)
	case s.Type == "list", s.Type == "map":
		return fmt.Sprintf("&check.Size{%s}", bounds)
	case s.Type == "structure":
		return ""
	}
	return fmt.Sprintf("&check.Number{%s}", bounds)
}

// patterns gives the patterns of the inputs, each once.
func (w *writer) patterns() []string {
	var out []string
	for _, s := range w.m.Shapes {
		if s.checked && s.Pattern != "" && !slices.Contains(out, s.Pattern) {
			out = append(out, s.Pattern)
		}
	}
	return out
}
