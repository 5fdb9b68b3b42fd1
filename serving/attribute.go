package serving

import (
	"errors"
	"regexp"

	"usher/filter"
)

// Attributes of items are written as conditions joined by AND,
//
//	ITEMS.genres = "Comedy" AND ITEMS.year = 1994
//
// each of which has to be true of an item; of several categories one has to be the
// one that is meant. They are conditions of the filters' language too, of which this
// is a small part, so filter evaluates them.

// attribute is one condition at the beginning of a text.
var attribute = regexp.MustCompile(`(?i)^\s*ITEMS\s*\.\s*\w+\s*=\s*(?:"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?)\s*`)

// and is what stands between two.
var and = regexp.MustCompile(`(?i)^AND\b`)

// parseAttributes reads conditions. Mistakes in them are *Invalid.
func parseAttributes(text string, schemas filter.Schemas) (*filter.Program, error) {
	for rest := text; ; {
		m := attribute.FindString(rest)
		if m == "" {
			return nil, invalid("itemAttributes: at %q a condition is expected. Write conditions like ITEMS.GENRE = \"Comedy\" or ITEMS.YEAR = 1994, joined by AND.", short(rest))
		}
		if rest = rest[len(m):]; rest == "" {
			break
		}
		a := and.FindString(rest)
		if a == "" {
			return nil, invalid("itemAttributes: at %q AND is expected. Conditions are joined by AND.", short(rest))
		}
		rest = rest[len(a):]
	}
	const before = "INCLUDE ItemID WHERE "
	p, err := filter.Compile(before+text, schemas)
	var syntax *filter.SyntaxError
	if errors.As(err, &syntax) {
		syntax.Position -= len(before)
		return nil, invalid("itemAttributes: %s", syntax.Mistake())
	}
	return p, err
}

// short gives the beginning of a text.
func short(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
