package check

import (
	"regexp"
	"strings"
)

// Pattern is a regular expression of the model. Java's matches() is meant: the
// whole text has to match.
type Pattern struct {
	Source string
	Match  func(string) bool
}

// NewPattern makes the pattern of the model's source. Those on the way of every
// request are matched by hand.
func NewPattern(source string) *Pattern {
	if match, ok := byHand()[source]; ok {
		return &Pattern{source, match}
	}
	return &Pattern{source, compile(source).MatchString}
}

// compile makes Go's expression of Java's. Java's dot stops at more line ends
// than Go's, Go has no \p{ASCII}, and Go refuses counts above 1000; in the one
// place with such a count the length is bounded by its own rule as well.
func compile(source string) *regexp.Regexp {
	s := strings.ReplaceAll(source, `\p{ASCII}{0,1500}`, `[\x00-\x7F]*`)
	s = strings.ReplaceAll(s, `\p{ASCII}`, `[\x00-\x7F]`)
	var out strings.Builder
	class := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			out.WriteByte(c)
			i++
			out.WriteByte(s[i])
			continue
		case c == '.' && !class:
			out.WriteString(`[^\n\r\x{85}\x{2028}\x{2029}]`)
			continue
		case c == '[':
			class = true
		case c == ']':
			class = false
		}
		out.WriteByte(s[i])
	}
	return regexp.MustCompile(`\A(?:` + out.String() + `)\z`)
}

// byHand gives loops for the patterns that nearly every request passes.
func byHand() map[string]func(string) bool {
	return map[string]func(string) bool{
		`arn:([a-z\d-]+):personalize:.*:.*:.+`:   arn,
		`^[a-zA-Z0-9][a-zA-Z0-9\-_]*`:            name,
		`[A-Za-z_][A-Za-z\d_]*`:                  identifier,
		`[A-Za-z\d_]+`:                           word,
		`[A-Za-z0-9_]+`:                          word,
		`^[A-Za-z_]+$`:                           letters,
		`\p{ASCII}{0,1500}`:                      func(s string) bool { return len(s) <= 1500 && all(s, func(c byte) bool { return c < 0x80 }) },
		`^[\x20-\x7E]*[\x21-\x7E]+[\x20-\x7E]*$`: printable,
	}
}

func all(s string, ok func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
func inWord(c byte) bool { return letter(c) || digit(c) || c == '_' }

func word(s string) bool       { return s != "" && all(s, inWord) }
func identifier(s string) bool { return word(s) && !digit(s[0]) }
func letters(s string) bool {
	return s != "" && all(s, func(c byte) bool { return letter(c) || c == '_' })
}
func name(s string) bool {
	return s != "" && (letter(s[0]) || digit(s[0])) && all(s, func(c byte) bool { return inWord(c) || c == '-' })
}
func printable(s string) bool {
	return all(s, func(c byte) bool { return c >= 0x20 && c <= 0x7e }) && strings.Trim(s, " ") != ""
}

// arn matches arn:PARTITION:personalize:REGION:ACCOUNT:REST.
func arn(s string) bool {
	s, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return false
	}
	partition, s, ok := strings.Cut(s, ":personalize:")
	if !ok || partition == "" || !all(partition, func(c byte) bool { return c >= 'a' && c <= 'z' || digit(c) || c == '-' }) {
		return false
	}
	if strings.ContainsAny(s, "\n\r\u0085\u2028\u2029") {
		return false
	}
	_, s, ok = strings.Cut(s, ":")
	if !ok {
		return false
	}
	_, s, ok = strings.Cut(s, ":")
	return ok && s != ""
}
