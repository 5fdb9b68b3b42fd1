package dataset

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Proposal is a schema for a CSV file that somebody has, and what to do to the file
// before it can be imported with it.
type Proposal struct {
	Type    Type
	Schema  string   // Avro JSON, as CreateSchema takes it
	Remarks []string // for people; empty: the file can be imported as it is
}

// How much of a file a proposal looks at, and what it takes for a category.
const (
	proposedRows      = 200_000
	mostCategories    = 1000 // AWS advises no more
	textualCharacters = 80   // on average: a text, not a name
)

// Propose makes a schema for a custom dataset group of what a CSV file looks like.
// t says what kind of dataset it is; "" leaves that to the ids in the header. Errors
// are *ImportError.
func Propose(f File, t Type) (*Proposal, error) {
	h, err := readHeader(f, nil)
	if err != nil {
		return nil, err
	}
	p := &proposer{kind: t, columns: make([]sighted, len(h.names))}
	for i, name := range h.names {
		p.columns[i] = sighted{header: name, name: fieldNameOf(name), whole: true, number: true, truth: true, distinct: map[string]bool{}}
	}
	if err := p.look(f, h.size); err != nil {
		return nil, err
	}
	if p.kind == "" {
		if p.kind = p.guessType(); p.kind == "" {
			return nil, importError("%s: the header has none of USER_ID, ITEM_ID and ACTION_ID, or a name like it. Rename the column of ids, or say what type of dataset it is.", f.Name)
		}
	}
	return p.propose(f.Name)
}

// sighted is what was seen of a column.
type sighted struct {
	header string // as in the file
	name   string // of the field
	rows   int
	empty  int
	chars  int
	least  int64
	most   int64

	whole, number, truth bool // all values so far are
	distinct             map[string]bool
}

func (c *sighted) see(text string) {
	c.rows++
	if text == "" {
		c.empty++
		return
	}
	c.chars += utf8.RuneCountInString(text)
	if len(c.distinct) <= mostCategories {
		for part := range strings.SplitSeq(text, separator) {
			c.distinct[strings.Clone(part)] = true
		}
	}
	c.truth = c.truth && (text == "true" || text == "false")
	if !c.number {
		return
	}
	long := Field{Kind: Long}
	if v, err := long.parse(text, math.MaxInt64); err == nil {
		c.least, c.most = min(c.least, v.Int), max(c.most, v.Int)
		return
	}
	c.whole = false
	double := Field{Kind: Double}
	_, err := double.parse(text, math.MaxInt64)
	c.number = err == nil
}

// filled counts the rows that have a value.
func (c *sighted) filled() int { return c.rows - c.empty }

// proposer is one call of Propose.
type proposer struct {
	kind    Type
	columns []sighted
	remarks []string
}

// look goes through the first rows.
func (p *proposer) look(f File, from int64) error {
	in := bufio.NewReaderSize(io.NewSectionReader(f.R, from, f.Size-from), 1<<18)
	rec := &record{}
	var line []byte
	for rows := 0; rows < proposedRows; {
		var err error
		line, err = readLine(in, line[:0])
		if err != nil && err != io.EOF && err != errLongLine {
			return fmt.Errorf("read %q: %w", f.Name, err)
		}
		if len(line) == 0 || err == errLongLine {
			return nil
		}
		if rec.state == fieldBegins && len(rec.ends) == 0 && len(strings.Trim(string(line), "\r\n")) == 0 {
			continue
		}
		done, wrong := rec.add(line)
		if !done {
			continue
		}
		if wrong == "" && len(rec.ends) == len(p.columns) {
			at := 0
			for i, to := range rec.ends {
				p.columns[i].see(string(rec.text[at:to]))
				at = to
			}
			rows++
		}
		rec.reset(false)
	}
	return nil
}

// sameAs are names that people give to the fields whose names are fixed, without
// case and all but letters and digits.
var sameAs = map[string]string{
	"user": "USER_ID", "userid": "USER_ID", "customerid": "USER_ID", "visitorid": "USER_ID", "memberid": "USER_ID",
	"item": "ITEM_ID", "itemid": "ITEM_ID", "productid": "ITEM_ID", "movieid": "ITEM_ID", "articleid": "ITEM_ID", "contentid": "ITEM_ID", "videoid": "ITEM_ID", "trackid": "ITEM_ID", "sku": "ITEM_ID",
	"action": "ACTION_ID", "actionid": "ACTION_ID",
	"timestamp": "TIMESTAMP", "time": "TIMESTAMP", "ts": "TIMESTAMP", "unixtime": "TIMESTAMP", "eventtime": "TIMESTAMP",
	"event": "EVENT_TYPE", "eventtype": "EVENT_TYPE", "eventvalue": "EVENT_VALUE", "rating": "EVENT_VALUE",
	"createdat": "CREATION_TIMESTAMP", "creationtime": "CREATION_TIMESTAMP",
}

// fieldNameOf spells the name of a CSV's column as schemas do: numRatings is
// NUM_RATINGS.
func fieldNameOf(header string) string {
	if name, ok := sameAs[bare(header)]; ok {
		return name
	}
	var b strings.Builder
	last := rune('_')
	for _, r := range header {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if unicode.IsUpper(r) && unicode.IsLower(last) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToUpper(r))
		case last != '_':
			b.WriteByte('_')
			r = '_'
		default:
			continue
		}
		last = r
	}
	name := strings.Trim(b.String(), "_")
	if name == "" || unicode.IsDigit(rune(name[0])) {
		name = "COLUMN_" + name
	}
	return name[:min(len(name), maxFieldName)]
}

func (p *proposer) has(name string) bool {
	return slices.ContainsFunc(p.columns, func(c sighted) bool { return c.name == name })
}

// guessType goes by the ids.
func (p *proposer) guessType() Type {
	user, item, action := p.has("USER_ID"), p.has("ITEM_ID"), p.has("ACTION_ID")
	switch {
	case user && item:
		return Interactions
	case user && action:
		return ActionInteractions
	case item:
		return Items
	case action:
		return Actions
	case user:
		return Users
	}
	return ""
}

func (p *proposer) remark(format string, args ...any) {
	p.remarks = append(p.remarks, fmt.Sprintf(format, args...))
}

// propose makes the schema.
func (p *proposer) propose(file string) (*Proposal, error) {
	rule := domainRules[""][p.kind]
	s := &Schema{Type: p.kind}
	seen := map[string]bool{}
	own, text := 0, false
	for i := range p.columns {
		c := &p.columns[i]
		if seen[bare(c.name)] {
			p.remark("The column %q is left out: another one has the same name when only letters and digits count.", c.header)
			continue
		}
		seen[bare(c.name)] = true
		f := Field{Name: c.name, Nullable: c.empty > 0 || c.rows == 0}
		if r := rule.find(c.name); r != nil {
			p.fixed(c, r, &f)
		} else {
			if own++; own > rule.own {
				p.remark("The column %q is left out: a dataset of type %s can have at most %d fields of your own.", c.header, p.kind, rule.own)
				continue
			}
			c.free(&f, p.kind == Items && !text)
			text = text || f.Textual
		}
		if c.name != c.header {
			p.remark("Rename the column %q to %s: columns are found by the names in the header.", c.header, c.name)
		}
		s.Fields = append(s.Fields, f)
	}
	out := &Proposal{Type: p.kind, Schema: s.avro(), Remarks: p.remarks}
	if _, err := ParseSchema(out.Schema, ""); err != nil {
		return nil, importError("%s does not make a dataset of type %s: %v", file, p.kind, err)
	}
	return out, nil
}

// fixed fills a field whose name has a meaning, and says what is wrong with its
// values.
func (p *proposer) fixed(c *sighted, r *fieldRule, f *Field) {
	f.Kind = r.kinds[0]
	if r.required && f.Nullable && c.rows > 0 {
		p.remark("%d rows have nothing in %s, which must have a value: fill them or leave the rows out.", c.empty, c.name)
	}
	f.Nullable = f.Nullable && !r.required && c.name != "EVENT_TYPE"
	switch {
	case f.Kind == String || c.filled() == 0:
	case !c.number, f.Kind == Long && !c.whole:
		p.remark("The column %s has other values than numbers of the type %s.", c.name, f.Kind)
	case f.isTime() && c.most > lastTime:
		p.remark("The column %s looks like milliseconds: write Unix seconds, for example %d for %d.", c.name, c.most/1000, c.most)
	}
}

// free fills a field of the customer's own.
func (c *sighted) free(f *Field, mayBeText bool) {
	switch {
	case c.filled() == 0:
		f.Kind, f.Categorical = String, true
	case c.truth:
		f.Kind = Boolean
	case c.whole && c.number && c.least >= math.MinInt32 && c.most <= math.MaxInt32:
		f.Kind = Int
	case c.whole && c.number:
		f.Kind = Long
	case c.number:
		f.Kind = Float
	default:
		f.Kind = String
		f.Textual = mayBeText && c.chars/c.filled() > textualCharacters
		f.Categorical = !f.Textual && len(c.distinct) <= mostCategories
	}
}

// avro writes a schema as CreateSchema takes it.
func (s *Schema) avro() string {
	names := map[Type]string{Interactions: "Interactions", Items: "Items", Users: "Users", Actions: "Actions", ActionInteractions: "ActionInteractions"}
	var b strings.Builder
	fmt.Fprintf(&b, "{\n  \"type\": \"record\",\n  \"name\": %q,\n  \"namespace\": \"com.amazonaws.personalize.schema\",\n  \"fields\": [", names[s.Type])
	for i, f := range s.Fields {
		if i > 0 {
			b.WriteByte(',')
		}
		kind, _ := json.Marshal(f.Kind) // a string has no errors
		if f.Nullable {
			kind = fmt.Appendf(nil, `["null", %s]`, kind)
		}
		fmt.Fprintf(&b, "\n    {\"name\": %q, \"type\": %s", f.Name, kind)
		for _, m := range []struct {
			on   bool
			name string
		}{{f.Categorical, "categorical"}, {f.Textual, "textual"}, {f.ItemName, "itemName"}} {
			if m.on {
				fmt.Fprintf(&b, ", %q: true", m.name)
			}
		}
		b.WriteByte('}')
	}
	b.WriteString("\n  ],\n  \"version\": \"1.0\"\n}\n")
	return b.String()
}
