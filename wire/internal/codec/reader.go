package codec

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxDepth bounds how deep objects and arrays may nest.
const MaxDepth = 64

// Error says where a text is not what it should be.
type Error struct {
	Path   string // of the member, as in "eventList.1.member.sentAt"; may be empty
	Offset int    // byte position
	Text   string
}

// Error gives the text for people.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s, at byte %d", e.Text, e.Offset)
	}
	return fmt.Sprintf("%s, at '%s', byte %d", e.Text, e.Path, e.Offset)
}

// frame is an open object or array: the member that is being read.
type frame struct {
	open  byte   // { or [
	begun bool   // a member was read
	name  string // of an object's member
	index int    // of an array's member, from 1
}

// Reader reads one JSON text. Its zero value with Reset is ready.
type Reader struct {
	data  []byte
	pos   int
	err   *Error
	name  []byte // of the current member, valid until the next call
	buf   []byte // unescaped text
	depth int
	path  [MaxDepth]frame
}

// Reset begins a text. The Reader keeps data until the next Reset but nothing
// that it gives points into it.
func (r *Reader) Reset(data []byte) {
	r.data, r.pos, r.err, r.depth = data, 0, nil, 0
}

// Err gives the first error, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// End checks that nothing stands behind the text and gives the first error.
func (r *Reader) End() error {
	r.space()
	if r.err == nil && r.pos < len(r.data) {
		r.fail("unexpected text behind the end of the JSON value")
	}
	return r.Err()
}

func (r *Reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Path: r.where(), Offset: r.pos, Text: fmt.Sprintf(format, args...)}
	}
	r.pos = len(r.data)
}

// where gives the path of the member that is being read.
func (r *Reader) where() string {
	var parts []string
	for i := range r.path[:r.depth] {
		switch f := &r.path[i]; {
		case f.index > 0:
			parts = append(parts, strconv.Itoa(f.index), "member")
		case f.name != "":
			name := strings.ToValidUTF8(f.name, "\ufffd")
			if len(name) > 64 {
				name = strings.ToValidUTF8(name[:64], "") + "…"
			}
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, ".")
}

func (r *Reader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\n', '\r', '\t':
			r.pos++
		default:
			return
		}
	}
}

// peek gives the next byte that is not space, 0 at the end.
func (r *Reader) peek() byte {
	r.space()
	if r.pos < len(r.data) {
		return r.data[r.pos]
	}
	return 0
}

// Null consumes a null, if there is one.
func (r *Reader) Null() bool { return r.peek() == 'n' && r.word("null") }

func (r *Reader) word(w string) bool {
	if len(r.data)-r.pos < len(w) || string(r.data[r.pos:r.pos+len(w)]) != w {
		r.fail("unexpected text where %s may stand", w)
		return false
	}
	r.pos += len(w)
	return true
}

// wrong reports a value of another type than the member has.
func (r *Reader) wrong(want string) {
	var got string
	switch c := r.peek(); {
	case c == 0:
		r.fail("unexpected end of the JSON text")
		return
	case c == '"':
		got = "STRING_VALUE"
	case c == '{':
		got = "START_OBJECT"
	case c == '[':
		got = "START_ARRAY"
	case c == 't':
		got = "TRUE_VALUE"
	case c == 'f':
		got = "FALSE_VALUE"
	case c == 'n':
		got = "NULL_VALUE"
	case c == '-' || c >= '0' && c <= '9':
		got = "NUMBER_VALUE"
	default:
		r.fail("unexpected character %q", c)
		return
	}
	r.fail("%s can not be converted to %s", got, want)
}

// Object opens an object; Member gives its members. A null or another value is an error.
func (r *Reader) Object() { r.open('{', "a structure or map") }

// Array opens an array unless a null stands there; Next gives its members.
func (r *Reader) Array() bool {
	if r.Null() {
		return false
	}
	r.open('[', "a list")
	return r.err == nil
}

// Map opens an object unless a null stands there; Member gives its members.
func (r *Reader) Map() bool {
	if r.Null() {
		return false
	}
	r.Object()
	return r.err == nil
}

func (r *Reader) open(c byte, what string) {
	if r.peek() != c {
		r.wrong(what)
		return
	}
	if r.depth == MaxDepth {
		r.fail("nested deeper than %d levels", MaxDepth)
		return
	}
	r.pos++
	r.path[r.depth] = frame{open: c}
	r.depth++
}

// Next goes to the next member of the open array, or closes it and gives false.
func (r *Reader) Next() bool {
	if !r.more(']') {
		return false
	}
	r.path[r.depth-1].index++
	return true
}

// Member goes to the next member of the open object, or closes it and gives
// false. Name gives its name.
func (r *Reader) Member() bool {
	if !r.more('}') {
		return false
	}
	f := &r.path[r.depth-1]
	f.name = ""
	if r.peek() != '"' {
		r.fail("expected the name of a member in quotes")
		return false
	}
	r.name = r.text()
	if r.peek() != ':' {
		r.fail("expected a colon behind the name of a member")
		return false
	}
	r.pos++
	return true
}

// Name gives the name of the member. It is valid until the next call.
func (r *Reader) Name() []byte { return r.name }

// At tells the Reader the member's name for its errors: a constant, so that
// nothing is allocated.
func (r *Reader) At(name string) {
	if r.depth > 0 {
		r.path[r.depth-1].name = name
	}
}

func (r *Reader) more(end byte) bool {
	if r.err != nil || r.depth == 0 {
		return false
	}
	f := &r.path[r.depth-1]
	c := r.peek()
	if c == end {
		r.pos++
		r.depth--
		return false
	}
	if f.begun {
		if c != ',' {
			r.unexpected(c, end)
			return false
		}
		r.pos++
		if c = r.peek(); c == end {
			r.fail("unexpected %q behind a comma", c)
			return false
		}
	}
	if c == 0 {
		r.unexpected(c, end)
		return false
	}
	f.begun = true
	return true
}

func (r *Reader) unexpected(c, end byte) {
	if c == 0 && r.pos >= len(r.data) {
		r.fail("unexpected end of the JSON text")
		return
	}
	r.fail("unexpected character %q where a comma or %q should stand", c, end)
}

// Skip passes over a value of any type, without recursion.
func (r *Reader) Skip() {
	for floor := r.depth; ; {
		r.skipOne()
		for inside := false; !inside; {
			if r.err != nil || r.depth == floor {
				return
			}
			if r.path[r.depth-1].open == '[' {
				inside = r.Next()
			} else {
				inside = r.Member()
			}
		}
	}
}

// skipOne passes over a scalar or opens an object or array.
func (r *Reader) skipOne() {
	switch c := r.peek(); {
	case c == '{' || c == '[':
		r.open(c, "")
	case c == '"':
		r.text()
	case c == 't':
		r.word("true")
	case c == 'f':
		r.word("false")
	case c == 'n':
		r.word("null")
	case c == '-' || c >= '0' && c <= '9':
		r.number()
	default:
		r.wrong("a value")
	}
}

// structure is a generated structure.
type structure[T any] interface {
	*T
	ReadJSON(*Reader)
}

// Structure reads a structure; nil for null.
func Structure[T any, P structure[T]](r *Reader) *T {
	if r.Null() {
		return nil
	}
	v := new(T)
	P(v).ReadJSON(r)
	return v
}
