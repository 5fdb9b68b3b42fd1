package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// schemaText writes a schema; a field is "NAME type" and marks, where type may be
// a union such as null|string.
func schemaText(name string, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"type":"record","name":%q,"namespace":"com.amazonaws.personalize.schema","fields":[`, name)
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		w := strings.Fields(f)
		kind, _ := json.Marshal(w[1])
		if strings.Contains(w[1], "|") {
			kind, _ = json.Marshal(strings.Split(w[1], "|"))
		}
		fmt.Fprintf(&b, `{"name":%q,"type":%s`, w[0], kind)
		for _, mark := range w[2:] {
			fmt.Fprintf(&b, `,%q:true`, mark)
		}
		b.WriteByte('}')
	}
	return b.String() + `],"version":"1.0"}`
}

func mustSchema(t testing.TB, domain, name string, fields ...string) *Schema {
	t.Helper()
	s, err := ParseSchema(schemaText(name, fields...), domain)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	inter = []string{"USER_ID string", "ITEM_ID string", "TIMESTAMP long"}
	event = append(slices.Clone(inter), "EVENT_TYPE string")
	acts  = []string{"USER_ID string", "ACTION_ID string", "TIMESTAMP long", "EVENT_TYPE string"}
)

func with(fields []string, more ...string) []string { return append(slices.Clone(fields), more...) }

func many(n int, kind string) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("F%d %s", i, kind))
	}
	return list
}

func TestParseSchemaAccepts(t *testing.T) {
	for _, tt := range []struct {
		domain, name string
		fields       []string
		typ          Type
	}{
		{"", "Interactions", inter, Interactions},
		{"", "interactions", inter, Interactions},
		{"", "Interactions", with(event, "EVENT_VALUE float|null", "IMPRESSION null|string", "RECOMMENDATION_ID null|string", "EVENT_ATTRIBUTION_SOURCE string", "DEVICE string categorical", "A int", "B double", "C boolean", "D string"), Interactions},
		{"", "Users", []string{"USER_ID string", "AGE int"}, Users},
		{"", "Users", with([]string{"USER_ID string"}, many(25, "null|float")...), Users},
		{"", "Items", []string{"ITEM_ID string", "TEXT null|string textual"}, Items},
		{"", "Items", with([]string{"ITEM_ID string", "CREATION_TIMESTAMP long", "TITLE string itemName"}, many(99, "long")...), Items},
		{"", "Actions", []string{"ACTION_ID string", "VALUE null|long", "TYPE null|string", "EXPIRATION_TIMESTAMP null|long", "REPEAT_FREQUENCY long"}, Actions},
		{"", "Actions", []string{"ACTION_ID string", "ACTION_EXPIRATION_TIMESTAMP long"}, Actions},
		{"", "ActionInteractions", acts, ActionInteractions},
		{"", "Action_Interactions", acts, ActionInteractions},
		{videoOnDemand, "Interactions", event, Interactions},
		{videoOnDemand, "Users", []string{"USER_ID string", "SUBSCRIPTION_MODEL string categorical"}, Users},
		{videoOnDemand, "Items", []string{"ITEM_ID string", "GENRES string categorical", "CREATION_TIMESTAMP long"}, Items},
		{videoOnDemand, "Items", []string{"ITEM_ID string", "GENRES_L1 string categorical", "GENRE_L2 null|string categorical", "CREATION_TIMESTAMP long", "PRICE null|float", "PRODUCT_DESCRIPTION null|string textual"}, Items},
		{ecommerce, "Interactions", event, Interactions},
		{ecommerce, "Users", []string{"USER_ID string", "MEMBERSHIP_STATUS string categorical"}, Users},
		{ecommerce, "Items", []string{"ITEM_ID string", "PRICE float", "CATEGORY_L1 string categorical", "CATEGORY_L2 null|string categorical", "CREATION_TIMESTAMP float"}, Items},
		{ecommerce, "Items", []string{"ITEM_ID string", "PRICE float", "CATEGORY_L1 string categorical", "CREATION_TIMESTAMP long"}, Items},
	} {
		s, err := ParseSchema(schemaText(tt.name, tt.fields...), tt.domain)
		if err != nil {
			t.Errorf("%s %v: %v", tt.domain, tt.fields, err)
			continue
		}
		if s.Type != tt.typ || s.Domain != tt.domain || len(s.Fields) != len(tt.fields) {
			t.Errorf("%s %s: got %s %s with %d fields", tt.domain, tt.name, s.Domain, s.Type, len(s.Fields))
		}
	}
}

func TestParseSchemaRefuses(t *testing.T) {
	items := []string{"ITEM_ID string", "GENRE string categorical"}
	for _, tt := range []struct {
		domain, name string
		fields       []string
		want         string
	}{
		{"BOOKS", "Users", inter, `"BOOKS" is unknown`},
		{"", "Ratings", inter, "must be the dataset type"},
		{"", "Interactions", nil, `no "fields"`},
		{"", "Interactions", inter[1:], "required field USER_ID is missing"},
		{"", "Interactions", inter[:2], `Add {"name": "TIMESTAMP", "type": "long"}`},
		{"", "Interactions", with(inter[:2], "TIMESTAMP int"), "TIMESTAMP has the type int"},
		{"", "Interactions", with(inter[:2], "TIMESTAMP long|null"), "TIMESTAMP must not be null"},
		{"", "Interactions", with(inter[:2], "timestamp long"), "timestamp must be spelled TIMESTAMP"},
		{"", "Interactions", with(inter, "EVENT_TYPE string categorical"), "EVENT_TYPE is marked categorical true"},
		{"", "Interactions", with(inter, "EVENT_VALUE double"), "EVENT_VALUE has the type double"},
		{"", "Interactions", with(inter, "EventType string"), "EventType must be spelled EVENT_TYPE"},
		{"", "Interactions", with(inter, many(6, "int")...), "6 metadata fields"},
		{"", "Interactions", with(inter, "TEXT string textual"), "TEXT is textual. Only fields of Items"},
		{"", "Interactions", with(inter, "A long categorical"), "A is of type long and categorical"},
		{"", "Interactions", with(inter, "GENRES_FIELD_1 string", "GENRESFIELD1 string"), "GENRES_FIELD_1 and GENRESFIELD1"},
		{"", "Interactions", with(inter, "1A string"), "not allowed"},
		{"", "Interactions", with(inter, "_ string"), "needs a letter"},
		{"", "Interactions", with(inter, strings.Repeat("A", 151)+" string"), "at most 150"},
		{"", "Interactions", with(inter, "A string|int"), "one type and"},
		{"", "Interactions", with(inter, "A null|null"), "twice"},
		{"", "Interactions", with(inter, "A null"), "besides"},
		{"", "Interactions", with(inter, "A bytes"), `"bytes" is not supported`},
		{"", "Users", []string{"USER_ID string"}, "at least one metadata field besides USER_ID"},
		{"", "Users", []string{"USER_ID string", "NAME string", "OLD boolean"}, "at least one metadata"},
		{"", "Users", with([]string{"USER_ID string"}, many(26, "int")...), "26 metadata"},
		{"", "Items", items[:1], `or "textual": true`},
		{"", "Items", with(items, many(100, "int")...), "101 metadata"},
		{"", "Items", with(items, "A string textual", "B string textual"), "A and B are both textual"},
		{"", "Items", with(items, "A string itemName", "B string itemName"), "A and B are both itemName"},
		{"", "Items", with(items, "A string textual categorical"), "both categorical and textual"},
		{"", "Items", with(items, "CREATION_TIMESTAMP float"), "CREATION_TIMESTAMP has the type float"},
		{"", "Actions", with([]string{"ACTION_ID string"}, many(11, "int")...), "11 metadata"},
		{"", "Actions", []string{"ACTION_ID string", "EXPIRATION_TIMESTAMP long", "ACTION_EXPIRATION_TIMESTAMP long"}, "mean the same"},
		{"", "ActionInteractions", acts[:3], "EVENT_TYPE is missing"},
		{"", "ActionInteractions", with(acts, many(6, "int")...), "6 metadata"},
		{videoOnDemand, "Interactions", inter, "EVENT_TYPE is missing"},
		{videoOnDemand, "Items", []string{"ITEM_ID string", "GENRES string", "CREATION_TIMESTAMP long"}, `"categorical": true}`},
		{videoOnDemand, "Items", []string{"ITEM_ID string", "CREATION_TIMESTAMP long"}, "GENRES is missing"},
		{videoOnDemand, "Items", []string{"ITEM_ID string", "GENRES string categorical"}, "CREATION_TIMESTAMP is missing"},
		{videoOnDemand, "Items", []string{"ITEM_ID string", "GENRES string categorical", "CREATION_TIMESTAMP long", "PRODUCT_DESCRIPTION string"}, `"textual": true`},
		{videoOnDemand, "Users", []string{"USER_ID string", "SUBSCRIPTION_MODEL string"}, "SUBSCRIPTION_MODEL is marked"},
		{videoOnDemand, "Actions", []string{"ACTION_ID string", "A int"}, "Only custom"},
		{ecommerce, "Items", []string{"ITEM_ID string", "CATEGORY_L1 string categorical"}, "PRICE is missing"},
		{ecommerce, "Items", []string{"ITEM_ID string", "PRICE double", "CATEGORY_L1 string categorical"}, "PRICE has the type double"},
		{ecommerce, "Items", []string{"ITEM_ID string", "PRICE float", "CATEGORY_L1 string categorical", "GENDER string"}, "GENDER is marked"},
	} {
		_, err := ParseSchema(schemaText(tt.name, tt.fields...), tt.domain)
		checkSchemaError(t, err, tt.want)
	}
}

func checkSchemaError(t *testing.T, err error, want string) {
	t.Helper()
	var bad *SchemaError
	if !errors.As(err, &bad) || !strings.Contains(bad.Msg, want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestParseSchemaOfWrongText(t *testing.T) {
	field := func(f string) string {
		return `{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},` + f + `]}`
	}
	for text, want := range map[string]string{
		"":                              "not a JSON object",
		"[]":                            "not a JSON object",
		`{"type":"record"`:              "not a JSON object",
		schemaText("Users") + "x":       "behind its JSON object",
		`{"type":"map","name":"Users"}`: `must be "record"`,
		field(`{"type":"int"}`):         `Field 2 of the schema has no "name"`,
		field(`7`):                      "Field 2 of the schema is not an object",
		field(`{"name":"A"}`):           `Field A has no "type"`,
		field(`{"name":"A","type":{"type":"array","items":"string"}}`): "nested types",
		field(`{"name":"A","type":[]}`):                                "besides",
		field(`{"name":"A","type":"string","categorical":"true"}`):     "without quotes",
		strings.Repeat(" ", 20_001):                                    "20001 characters",
	} {
		_, err := ParseSchema(text, "")
		checkSchemaError(t, err, want)
	}
}

func TestParseSchemaTolerates(t *testing.T) {
	s, err := ParseSchema(`{"name":"Users","type":"record","doc":"x","fields":[
		{"name":"USER_ID","type":["string"],"doc":"y"},{"name":"AGE","type":["int"],"default":1}]}`, "")
	if err != nil || s.Fields[1] != (Field{Name: "AGE", Kind: Int}) {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestSchemaFindsColumns(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "NUM_RATINGS int", "Genre1 string categorical")...)
	for name, want := range map[string]int{"USER_ID": 0, "timestamp": 2, "num_ratings": 4, "NUMRATINGS": -1} {
		if got := s.Column(name); got != want {
			t.Errorf("Column(%q) = %d, want %d", name, got, want)
		}
	}
	for key, want := range map[string]int{"userId": 0, "numRatings": 4, "NUM_RATINGS": 4, "genre_1": 5, "price": -1, "": -1} {
		if got := s.Property(key); got != want {
			t.Errorf("Property(%q) = %d, want %d", key, got, want)
		}
	}
	if s.ID() != 0 || mustSchema(t, "", "Items", "A int", "ITEM_ID string").ID() != 1 {
		t.Error("ID is not the id column")
	}
}

func TestParseCell(t *testing.T) {
	long := strings.Repeat("é", 1001)
	for _, tt := range []struct {
		field, text string
		want        Value
		err         string
	}{
		{"F string", "a|b", Value{Kind: String, Str: "a|b"}, ""},
		{"F string", "", Value{}, ""},
		{"F int", "", Value{}, "a value is missing"},
		{"USER_ID string", "", Value{}, "a value is missing"},
		{"F null|string", "", Value{}, ""},
		{"F string", long[2:], Value{Kind: String, Str: long[2:]}, ""},
		{"F string", long, Value{}, "Length cannot be more than 1000 characters for F. If no values exceed"},
		{"USER_ID string", long[:514], Value{}, "Length cannot be more than 256 characters for USER_ID"},
		{"F string textual", strings.Repeat(long, 20), Value{Kind: String, Str: strings.Repeat("é", 20_000)}, ""},
		{"F int", "-7", Value{Kind: Int, Num: -7, Int: -7}, ""},
		{"F int", "3000000000", Value{}, "use the type long"},
		{"F long", "9007199254740993", Value{Kind: Long, Num: 9007199254740992, Int: 9007199254740993}, ""},
		{"F long", "5.0", Value{}, "without point"},
		{"F long", "5.5", Value{}, "without a fraction"},
		{"F long", " 5", Value{}, "remove the blanks"},
		{"F float", "1,5", Value{}, "decimal point"},
		{"F float", "2.5", Value{Kind: Float, Num: 2.5}, ""},
		{"F float", "1e39", Value{}, "a number (float)"},
		{"F double", "1e39", Value{Kind: Double, Num: 1e39}, ""},
		{"F double", "NaN", Value{}, "leave the field empty"},
		{"F boolean", "true", Value{Kind: Boolean, Num: 1}, ""},
		{"F boolean", "True", Value{}, "lower case"},
		{"EVENT_TYPE null|string", "", Value{}, "every row needs"},
		{"TIMESTAMP long", "880606923", Value{Kind: Long, Num: 880606923, Int: 880606923}, ""},
		{"TIMESTAMP long", "1235811600000", Value{}, "the year 41131; it looks like milliseconds: write 1235811600"},
		{"TIMESTAMP long", "1235811600000000", Value{}, "microseconds"},
		{"TIMESTAMP long", "2020-01-01", Value{}, "Unix seconds"},
		{"TIMESTAMP long", "-1", Value{}, "after 1970"},
		{"CREATION_TIMESTAMP long", "-1", Value{Kind: Long, Num: -1, Int: -1}, ""},
	} {
		s := fieldSchema(tt.field)
		got, err := s.ParseCell(0, tt.text)
		if tt.err == "" && (err != nil || got != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s %.40q: got %+v, %v, want %+v, %q", tt.field, tt.text, got, err, tt.want, tt.err)
		}
	}
}

// fieldSchema is a schema of one field, unchecked.
func fieldSchema(field string) *Schema {
	w := strings.Fields(field)
	f := Field{Name: w[0], Kind: Kind(strings.TrimPrefix(w[1], "null|")), Nullable: strings.HasPrefix(w[1], "null|")}
	f.Textual = slices.Contains(w, "textual")
	return &Schema{Type: Interactions, Fields: []Field{f}}
}

func TestFromJSON(t *testing.T) {
	for _, tt := range []struct {
		field string
		in    any
		want  Value
		err   string
	}{
		{"F int", 12.0, Value{Kind: Int, Num: 12, Int: 12}, ""},
		{"F int", json.Number("12.0"), Value{Kind: Int, Num: 12, Int: 12}, ""},
		{"F int", "12", Value{Kind: Int, Num: 12, Int: 12}, ""},
		{"F int", 1.5, Value{}, "column F: the value \"1.5\": a whole number (int) was expected, without a fraction"},
		{"F int", true, Value{}, "a whole number (int) was expected"},
		{"F long", json.Number("9007199254740993"), Value{Kind: Long, Num: 9007199254740992, Int: 9007199254740993}, ""},
		{"F float", 3, Value{Kind: Float, Num: 3}, ""},
		{"F string", "x", Value{Kind: String, Str: "x"}, ""},
		{"F string", 5.0, Value{}, "a string in quotes"},
		{"F string", []any{"a", "b"}, Value{}, "join several categories with |"},
		{"F boolean", false, Value{Kind: Boolean}, ""},
		{"F boolean", 1.0, Value{}, "true or false"},
		{"F null|string", nil, Value{}, ""},
		{"F string", nil, Value{}, "the value null: a value is missing"},
		{"F string", "", Value{}, ""},
		{"F int", "", Value{}, "a value is missing"},
	} {
		got, err := fieldSchema(tt.field).FromJSON(0, tt.in)
		if tt.err == "" && (err != nil || got != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s %v: got %+v, %v, want %+v, %q", tt.field, tt.in, got, err, tt.want, tt.err)
		}
	}
}

// FuzzParseSchema: a schema that is accepted keeps to the rules that the rest relies
// on, and is read again from what Avro writes of it.
func FuzzParseSchema(f *testing.F) {
	for _, domain := range []string{"", "ECOMMERCE", "VIDEO_ON_DEMAND"} {
		f.Add(schemaText("Interactions", event...), domain)
	}
	f.Add(schemaText("Items", "ITEM_ID string", "G null|string categorical", "T null|string textual", "N string|null"), "")
	f.Add(schemaText("Actions", "ACTION_ID string", "VALUE null|long"), "")
	f.Add(`{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":["string"]},{"name":"A","type":{"type":"array"}}]}`, "")
	f.Add(`{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string","doc":7},{"name":"\u0041","type":"int","categorical":"true"}]} x`, "")
	f.Fuzz(func(t *testing.T, text, domain string) {
		s, err := ParseSchema(text, domain)
		if err != nil {
			var bad *SchemaError
			if !errors.As(err, &bad) || bad.Msg == "" {
				t.Errorf("error %v is for nobody", err)
			}
			return
		}
		if s.ID() < 0 || len(s.Fields) > maxCells {
			t.Errorf("%q: no id, or %d fields", text, len(s.Fields))
		}
		for i := range s.Fields {
			if s.Column(s.Fields[i].Name) != i || s.Property(s.Fields[i].Name) != i {
				t.Errorf("%q: field %q is not found by its name", text, s.Fields[i].Name)
			}
		}
		again, err := ParseSchema(s.avro(), domain)
		if err != nil || !slices.Equal(again.Fields, s.Fields) {
			t.Errorf("%q, written again: %v", text, err)
		}
	})
}
