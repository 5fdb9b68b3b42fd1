package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// This file holds the rules of schemas: which fields a dataset type must have,
// which names have a fixed meaning, and how many fields the customer may add.

// use is how a reserved string must be marked.
type use byte

const (
	plain use = iota
	categorical
	textual
)

// fieldRule is one required or reserved field. Its names mean the same; AWS's
// pages do not agree on one.
type fieldRule struct {
	names    []string
	kinds    []Kind
	use      use
	required bool
}

func required(name string, k Kind) fieldRule {
	return fieldRule{names: []string{name}, kinds: []Kind{k}, required: true}
}

func reserved(name string, k Kind) fieldRule {
	return fieldRule{names: []string{name}, kinds: []Kind{k}}
}

func reservedAs(u use, names ...string) (list []fieldRule) {
	for _, n := range names {
		list = append(list, fieldRule{names: []string{n}, kinds: []Kind{String}, use: u})
	}
	return list
}

// typeRule is what a schema of one dataset type must keep to.
type typeRule struct {
	fields   []fieldRule
	own      int  // most fields of the customer's own
	metadata bool // at least one field that a recipe can learn from
}

const (
	ecommerce     = "ECOMMERCE"
	videoOnDemand = "VIDEO_ON_DEMAND"
)

var (
	creationTime = reserved("CREATION_TIMESTAMP", Long)

	interactionFields = []fieldRule{
		required("USER_ID", String), required("ITEM_ID", String), required("TIMESTAMP", Long),
		reserved("EVENT_VALUE", Float), reserved("IMPRESSION", String),
		reserved("RECOMMENDATION_ID", String), reserved("EVENT_ATTRIBUTION_SOURCE", String),
	}
	domainInteractions = typeRule{fields: append([]fieldRule{required("EVENT_TYPE", String)}, interactionFields...), own: 5}
)

// domainRules are the rules by domain and type. A type that a domain does not
// name cannot exist there.
var domainRules = map[string]map[Type]typeRule{
	"": {
		Interactions: {fields: append([]fieldRule{reserved("EVENT_TYPE", String)}, interactionFields...), own: 5},
		Users:        {fields: []fieldRule{required("USER_ID", String)}, own: 25, metadata: true},
		Items:        {fields: []fieldRule{required("ITEM_ID", String), creationTime}, own: 100, metadata: true},
		Actions: {fields: []fieldRule{
			required("ACTION_ID", String), creationTime, reserved("VALUE", Long), reserved("TYPE", String),
			{names: []string{"EXPIRATION_TIMESTAMP", "ACTION_EXPIRATION_TIMESTAMP"}, kinds: []Kind{Long}},
			reserved("REPEAT_FREQUENCY", Long),
		}, own: 10, metadata: true},
		ActionInteractions: {fields: []fieldRule{
			required("USER_ID", String), required("ACTION_ID", String), required("EVENT_TYPE", String), required("TIMESTAMP", Long),
			reserved("IMPRESSION", String), reserved("RECOMMENDATION_ID", String),
		}, own: 5},
	},
	videoOnDemand: {
		Interactions: domainInteractions,
		Users: {fields: append(reservedAs(categorical, "SUBSCRIPTION_MODEL"),
			required("USER_ID", String)), own: 25, metadata: true},
		Items: {fields: slices.Concat([]fieldRule{
			required("ITEM_ID", String),
			{names: []string{"GENRES", "GENRES_L1"}, kinds: []Kind{String}, use: categorical, required: true},
			required("CREATION_TIMESTAMP", Long),
			reserved("PRICE", Float), reserved("DURATION", Float), reserved("AVERAGE_RATING", Float),
		}, reservedAs(categorical, "GENRE_L2", "GENRE_L3", "CONTENT_OWNER", "CONTENT_CLASSIFICATION"),
			reservedAs(textual, "PRODUCT_DESCRIPTION")), own: 100, metadata: true},
	},
	ecommerce: {
		Interactions: domainInteractions,
		Users:        {fields: []fieldRule{required("USER_ID", String)}, own: 25, metadata: true},
		Items: {fields: slices.Concat([]fieldRule{
			required("ITEM_ID", String), required("PRICE", Float),
			{names: []string{"CATEGORY_L1"}, kinds: []Kind{String}, use: categorical, required: true},
			{names: []string{"CREATION_TIMESTAMP"}, kinds: []Kind{Long, Float}},
		}, reservedAs(categorical, "CATEGORY_L2", "CATEGORY_L3", "AGE_GROUP", "ADULT", "GENDER"),
			reservedAs(textual, "PRODUCT_DESCRIPTION")), own: 100, metadata: true},
	},
}

// check applies the rules of the schema's type and domain.
func (s *Schema) check() error {
	rule, ok := domainRules[s.Domain][s.Type]
	if !ok {
		return schemaError("A dataset group of the domain %s has no dataset of type %s. Only custom dataset groups have one.", s.Domain, s.Type)
	}
	if err := s.checkNames(rule); err != nil {
		return err
	}
	own, learnable := 0, false
	for _, f := range s.Fields {
		r := rule.find(f.Name)
		if r == nil {
			own++
		} else if err := r.check(f); err != nil {
			return err
		}
		if err := s.checkMarks(f); err != nil {
			return err
		}
		learnable = learnable || f.metadata(r)
	}
	if own > rule.own {
		return schemaError("The schema has %d metadata fields besides the required and reserved ones. A dataset of type %s can have at most %d.", own, s.Type, rule.own)
	}
	if rule.metadata && !learnable {
		return schemaError("The schema needs at least one metadata field besides %s: a number, or a string with \"categorical\": true%s.",
			s.Fields[s.ID()].Name, map[bool]string{true: ` or "textual": true`}[s.Type == Items])
	}
	return s.checkSingles()
}

// checkNames finds fields that are missing, misspelt or too alike.
func (s *Schema) checkNames(rule typeRule) error {
	seen := map[string]string{}
	for _, f := range s.Fields {
		b := bare(f.Name)
		if b == "" {
			return schemaError("The field name %q needs a letter or a digit.", f.Name)
		}
		if before, ok := seen[b]; ok {
			return schemaError("The fields %s and %s have the same name when only letters and digits count. Rename one.", before, f.Name)
		}
		seen[b] = f.Name
		for _, r := range rule.fields {
			for _, n := range r.names {
				if bare(n) == b && n != f.Name {
					return schemaError("The field %s must be spelled %s: the name is reserved.", f.Name, n)
				}
			}
		}
	}
	for _, r := range rule.fields {
		var have []string
		for _, n := range r.names {
			if seen[bare(n)] != "" {
				have = append(have, n)
			}
		}
		if len(have) > 1 {
			return schemaError("The fields %s mean the same. Keep one.", strings.Join(have, " and "))
		}
		if r.required && len(have) == 0 {
			return schemaError("The required field %s is missing. Add %s.", r.names[0], r.example(r.names[0]))
		}
	}
	return nil
}

// find gives the rule for a field, nil for one of the customer's own.
func (t typeRule) find(name string) *fieldRule {
	for i := range t.fields {
		if slices.Contains(t.fields[i].names, name) {
			return &t.fields[i]
		}
	}
	return nil
}

func (r *fieldRule) example(name string) string {
	mark := ""
	switch r.use {
	case categorical:
		mark = `, "categorical": true`
	case textual:
		mark = `, "textual": true`
	}
	return fmt.Sprintf(`{"name": %q, "type": %q%s}`, name, r.kinds[0], mark)
}

// check compares a field with its rule.
func (r *fieldRule) check(f Field) error {
	what := "reserved"
	if r.required {
		what = "required"
	}
	if !slices.Contains(r.kinds, f.Kind) {
		return schemaError("The %s field %s has the type %s. It must be %s.", what, f.Name, f.Kind, r.example(f.Name))
	}
	if r.required && f.Nullable {
		return schemaError("The required field %s must not be null. It must be %s.", f.Name, r.example(f.Name))
	}
	if f.Categorical != (r.use == categorical) || f.Textual != (r.use == textual) {
		return schemaError("The %s field %s is marked categorical %t, textual %t. It must be %s.", what, f.Name, f.Categorical, f.Textual, r.example(f.Name))
	}
	return nil
}

// checkMarks applies the rules of categorical, textual and itemName.
func (s *Schema) checkMarks(f Field) error {
	for _, m := range []struct {
		on   bool
		name string
	}{{f.Categorical, "categorical"}, {f.Textual, "textual"}, {f.ItemName, "itemName"}} {
		if !m.on {
			continue
		}
		if f.Kind != String {
			return schemaError("The field %s is of type %s and %s. Only strings can be; remove \"%[3]s\" or make it a string.", f.Name, f.Kind, m.name)
		}
		if m.name != "categorical" && s.Type != Items {
			return schemaError("The field %s is %s. Only fields of Items can be; remove \"%[2]s\".", f.Name, m.name)
		}
	}
	if f.Categorical && f.Textual {
		return schemaError("The field %s is both categorical and textual. Keep one of them.", f.Name)
	}
	return nil
}

// checkSingles finds marks of which a schema can have one.
func (s *Schema) checkSingles() error {
	text, name := "", ""
	for _, f := range s.Fields {
		if f.Textual {
			if text != "" {
				return schemaError("The fields %s and %s are both textual. A schema can have one textual field.", text, f.Name)
			}
			text = f.Name
		}
		if f.ItemName {
			if name != "" {
				return schemaError("The fields %s and %s are both itemName. A schema can have one.", name, f.Name)
			}
			name = f.Name
		}
	}
	return nil
}

// metadata says whether recipes can learn from the field.
func (f Field) metadata(r *fieldRule) bool {
	if r != nil && r.required && r.use == plain && f.Kind == String {
		return false // an id
	}
	return f.Categorical || f.Textual || f.Kind == Int || f.Kind == Long || f.Kind == Float || f.Kind == Double
}

// isTime says whether the field holds Unix seconds.
func (f Field) isTime() bool {
	return f.Kind != String && f.Kind != Boolean && (f.Name == "TIMESTAMP" || strings.HasSuffix(f.Name, "_TIMESTAMP"))
}

// mayLack says whether a row may have nothing in a number's field whatever the schema
// says: live events may leave the value out, and what they left out has to fit into a
// file too.
func (s *Schema) mayLack(f *Field) bool { return s.Type.Events() && f.Name == "EVENT_VALUE" }
