package filter

import (
	"fmt"
	"unicode/utf8"
)

// SyntaxError says what is wrong with an expression and where. Its text is for
// the customer and begins as AWS's do.
type SyntaxError struct {
	Position int    // in characters, from 1
	Got      string // what stands there, "" at the end
	Want     string // what was expected; "" where Msg says all
	Msg      string
}

// Error implements error.
func (e *SyntaxError) Error() string { return "Could not create filter. " + e.Mistake() }

// Mistake is the text without what is said of creating a filter, for expressions that
// are part of something else.
func (e *SyntaxError) Mistake() string {
	if e.Want == "" {
		return fmt.Sprintf("%s (at character %d)", e.Msg, e.Position)
	}
	got := fmt.Sprintf("%q", e.Got)
	if e.Got == "" {
		got = "the end"
	}
	return fmt.Sprintf("Invalid Expression: %s was expected at character %d, where %s stands.", e.Want, e.Position, got)
}

// kind of a token.
type kind uint8

const (
	end kind = iota
	word
	text
	number
	param
	symbol
)

// token is a piece of an expression. Of a text, s is what it stands for, of a
// param its name without $.
type token struct {
	kind kind
	s    string
	at   int // byte
	to   int // byte behind it
}

// scanner cuts an expression into tokens.
type scanner struct {
	src string
	at  int
}

func (sc *scanner) fail(at, to int, want string) error {
	return &SyntaxError{Position: utf8.RuneCountInString(sc.src[:at]) + 1, Got: clip(sc.src[at:to]), Want: want}
}

// clip shortens what is shown of a text.
func clip(s string) string {
	const most = 100
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// next gives the next token.
func (sc *scanner) next() (token, error) {
	s := sc.src
	for sc.at < len(s) && isBlank(s[sc.at]) {
		sc.at++
	}
	from := sc.at
	if from == len(s) {
		return token{kind: end, at: from, to: from}, nil
	}
	c := s[from]
	switch {
	case isLetter(c):
		sc.name()
		return token{word, s[from:sc.at], from, sc.at}, nil
	case c == '$':
		sc.at++
		sc.name()
		if sc.at == from+1 {
			return token{}, sc.fail(from, from+1, "the name of a parameter behind $")
		}
		return token{param, s[from+1 : sc.at], from, sc.at}, nil
	case c == '"':
		t, err := sc.quoted()
		return token{text, t, from, sc.at}, err
	case isDigit(c), c == '-' && from+1 < len(s) && isDigit(s[from+1]):
		return sc.number()
	}
	for _, sym := range [...]string{"!=", "<=", ">=", "<", ">", "=", "(", ")", ",", ".", "|", "*"} {
		if len(s)-from >= len(sym) && s[from:from+len(sym)] == sym {
			sc.at += len(sym)
			return token{symbol, sym, from, sc.at}, nil
		}
	}
	_, size := utf8.DecodeRuneInString(s[from:])
	return token{}, sc.fail(from, from+size, "a word, a text in double quotes, a number or a parameter")
}

func (sc *scanner) name() {
	for sc.at < len(sc.src) && (isLetter(sc.src[sc.at]) || isDigit(sc.src[sc.at])) {
		sc.at++
	}
}

func (sc *scanner) number() (token, error) {
	from := sc.at
	sc.at++
	digits := func() {
		for sc.at < len(sc.src) && isDigit(sc.src[sc.at]) {
			sc.at++
		}
	}
	digits()
	if sc.at+1 < len(sc.src) && sc.src[sc.at] == '.' && isDigit(sc.src[sc.at+1]) {
		sc.at++
		digits()
	}
	if sc.at < len(sc.src) && isLetter(sc.src[sc.at]) {
		sc.name()
		return token{}, sc.fail(from, sc.at, "a number, or a text in double quotes,")
	}
	return token{number, sc.src[from:sc.at], from, sc.at}, nil
}

// quoted reads a text in double quotes. A quote inside is written \", a
// backslash before it \\; any other backslash stands for itself.
func (sc *scanner) quoted() (string, error) {
	from := sc.at
	var out []byte
	for i := from + 1; i < len(sc.src); i++ {
		switch c := sc.src[i]; {
		case c == '"':
			sc.at = i + 1
			return string(out), nil
		case c == '\\' && i+1 < len(sc.src) && (sc.src[i+1] == '"' || sc.src[i+1] == '\\'):
			i++
			out = append(out, sc.src[i])
		default:
			out = append(out, c)
		}
	}
	return "", sc.fail(from, len(sc.src), "the closing double quote of a text")
}
