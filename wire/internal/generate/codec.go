package generate

// append writes what appends shapes as JSON.
func (w *writer) append() {
	for _, s := range w.structures() {
		w.p("// AppendJSON appends the structure as JSON.")
		w.p("func (s *%s) AppendJSON(b []byte) []byte {\nb = append(b, '{')", s.goName)
		if len(s.Members) > 0 {
			w.p("start := len(b)")
		}
		for _, f := range s.Members {
			fs, field := w.m.byName[f.Shape], "s."+upper(f.Name)
			always := s.output && fs.Type == "list" // clients index the lists of answers without asking
			if !always {
				w.p("if %s {", fs.present(field))
			}
			w.p("b = codec.Field(b, start, `\"%s\":`)", f.Name)
			if scalars[fs.Type] != "" && fs.pointer() {
				field = "*" + field
			}
			w.p("b = %s", w.appendExpr(f.Shape, field))
			if !always {
				w.p("}")
			}
		}
		w.p("return append(b, '}')\n}\n")
	}
	for _, op := range w.empty() {
		w.p("// AppendJSON appends nothing: the answer has no body.")
		w.p("func (*%sOutput) AppendJSON(b []byte) []byte { return b }\n", op.Name)
	}
	for _, s := range w.ofType("list") {
		w.p("func append%s(b []byte, list %s) []byte {\nb = append(b, '[')\nfor i := range list {", s.goName, w.m.goType(s.Name))
		w.p("if i > 0 {\nb = append(b, ',')\n}\nb = %s\n}\nreturn append(b, ']')\n}\n", w.appendExpr(s.Member, "list[i]"))
	}
	for _, s := range w.ofType("map") {
		w.p("func append%s(b []byte, m %s) []byte {\nb = append(b, '{')\nvar room [16]string", s.goName, w.m.goType(s.Name))
		w.p("for i, k := range codec.Keys(room[:0], m) {\nif i > 0 {\nb = append(b, ',')\n}")
		w.p("b = append(codec.AppendString(b, k), ':')\nb = %s\n}\nreturn append(b, '}')\n}\n", w.appendExpr(s.Value, "m[k]"))
	}
}

// appendExpr is the expression that appends a value to b.
func (w *writer) appendExpr(name, value string) string {
	switch s := w.m.byName[name]; s.Type {
	case "structure":
		return value + ".AppendJSON(b)"
	case "list", "map":
		return "append" + s.goName + "(b, " + value + ")"
	default:
		f := map[string]string{"string": "String", "integer": "Int", "double": "Float64", "float": "Float32", "boolean": "Bool", "timestamp": "Time"}[s.Type]
		return "codec.Append" + f + "(b, " + value + ")"
	}
}

// read writes what reads shapes from JSON.
func (w *writer) read() {
	for _, s := range w.structures() {
		w.p("// ReadJSON reads the structure from JSON. Unknown members are passed over; of")
		w.p("// members that stand twice the last counts.")
		w.p("func (s *%s) ReadJSON(r *codec.Reader) {\nfor r.Object(); r.Member(); {\nswitch string(r.Name()) {", s.goName)
		for _, f := range s.Members {
			w.p("case %q:\nr.At(%q)", f.Name, f.Name)
			w.p("s.%s = %s", upper(f.Name), w.readField(f))
		}
		w.p("default:\nr.Skip()\n}\n}\n}\n")
	}
	for _, op := range w.empty() {
		w.p("// ReadJSON reads an answer without members.")
		w.p("func (*%sOutput) ReadJSON(r *codec.Reader) { r.Skip() }\n", op.Name)
	}
	for _, s := range w.ofType("list") {
		t := w.m.goType(s.Name)
		w.p("func read%s(r *codec.Reader) %s {\nif !r.Array() {\nreturn nil\n}\nlist := %s{}\nfor r.Next() {", s.goName, t, t)
		w.bounded(s, "list")
		if w.m.byName[s.Member].Type == "structure" {
			w.p("list = append(list, %s{})\nlist[len(list)-1].ReadJSON(r)", w.m.goType(s.Member))
		} else {
			w.p("list = append(list, %s)", w.readElement(s.Member))
		}
		w.p("}\nreturn list\n}\n")
	}
	for _, s := range w.ofType("map") {
		t := w.m.goType(s.Name)
		w.p("func read%s(r *codec.Reader) %s {\nif !r.Map() {\nreturn nil\n}\nm := %s{}\nfor r.Member() {", s.goName, t, t)
		w.bounded(s, "m")
		w.p("k := string(r.Name())\nr.At(k)\nm[k] = %s\n}\nreturn m\n}\n", w.readElement(s.Value))
	}
}

// bounded keeps one member more than a list or map may have: enough to know that
// it is too long, and no food for those who send a million.
func (w *writer) bounded(s *Shape, name string) {
	if s.Max != nil {
		w.p("if len(%s) > %s {\nr.Skip()\ncontinue\n}", name, bound(s.Max))
	}
}

// readField is the expression that reads a member of a structure; null leaves it out.
func (w *writer) readField(f Member) string {
	switch s := w.m.byName[f.Shape]; {
	case f.JSONValue:
		return "r.JSONText()"
	case len(s.Enum) > 0:
		return s.goName + "(r.Enum())"
	case s.Type == "structure":
		return "codec.Structure[" + s.goName + "](r)"
	case s.Type == "list", s.Type == "map":
		return "read" + s.goName + "(r)"
	default:
		return "r." + map[string]string{"string": "String", "integer": "Int32", "double": "Float64", "float": "Float32", "boolean": "Bool", "timestamp": "Time"}[s.Type] + "()"
	}
}

// readElement is the expression that reads a member of a list or map, where
// null cannot stand.
func (w *writer) readElement(name string) string {
	switch s := w.m.byName[name]; {
	case len(s.Enum) > 0:
		return s.goName + "(r.Text())"
	case s.Type == "string":
		return "r.Text()"
	case s.Type == "double":
		return "r.Number()"
	case s.Type == "list", s.Type == "map":
		return "read" + s.goName + "(r)"
	default:
		panic("generate: internal error: list or map of " + s.Type)
	}
}
