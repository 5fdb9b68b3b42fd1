package ingest

import (
	"encoding/json"
	"unicode/utf8"
)

// member is one key of a flat JSON object with its value: nil, bool, string or
// json.Number.
type member struct {
	key   string
	value any
}

// flat reads a JSON object without nested values and escapes, which properties
// nearly always are, far quicker than package json. Of anything else, right or
// wrong, it says that it cannot.
func flat(text string, to []member) ([]member, bool) {
	s := scanner{text: text}
	s.blanks()
	if !s.take('{') {
		return nil, false
	}
	s.blanks()
	if s.take('}') {
		s.blanks()
		return to, s.at == len(text)
	}
	for {
		s.blanks()
		key, ok := s.quoted()
		if !ok {
			return nil, false
		}
		for _, m := range to {
			if m.key == key { // the last one counts
				return nil, false
			}
		}
		s.blanks()
		if !s.take(':') {
			return nil, false
		}
		s.blanks()
		v, ok := s.value()
		if !ok {
			return nil, false
		}
		to = append(to, member{key, v})
		s.blanks()
		if s.take(',') {
			continue
		}
		if !s.take('}') {
			return nil, false
		}
		s.blanks()
		return to, s.at == len(text)
	}
}

// scanner goes through a text.
type scanner struct {
	text string
	at   int
}

func (s *scanner) blanks() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t' || s.text[s.at] == '\n' || s.text[s.at] == '\r') {
		s.at++
	}
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) word(w string) bool {
	if len(s.text)-s.at >= len(w) && s.text[s.at:s.at+len(w)] == w {
		s.at += len(w)
		return true
	}
	return false
}

// quoted takes a string without escapes.
func (s *scanner) quoted() (string, bool) {
	if !s.take('"') {
		return "", false
	}
	from, ascii := s.at, true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			x := s.text[from:s.at]
			s.at++
			return x, ascii || utf8.ValidString(x)
		case c == '\\' || c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

func (s *scanner) value() (any, bool) {
	if s.at == len(s.text) {
		return nil, false
	}
	switch s.text[s.at] {
	case '"':
		return s.quoted()
	case 't':
		return true, s.word("true")
	case 'f':
		return false, s.word("false")
	case 'n':
		return nil, s.word("null")
	}
	return s.number()
}

// number takes a number by the grammar of JSON.
func (s *scanner) number() (any, bool) {
	from := s.at
	s.take('-')
	if !s.take('0') && !s.digits() {
		return nil, false
	}
	if s.take('.') && !s.digits() {
		return nil, false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return nil, false
		}
	}
	return json.Number(s.text[from:s.at]), true
}

// digits takes at least one digit.
func (s *scanner) digits() bool {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > from
}
