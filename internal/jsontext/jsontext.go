// Package jsontext says what is wrong with JSON in the words of those who wrote it:
// encoding/json speaks of Go's types, which no customer has seen.
package jsontext

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
)

// Mistake gives a text for an error of encoding/json's when it reads: what was
// expected, and where. It begins in lower case and has no full stop.
func Mistake(err error) string {
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typ):
		return wrongType(typ)
	case errors.Is(err, io.EOF):
		return "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end of JSON input"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func wrongType(e *json.UnmarshalTypeError) string {
	text := wanted(e.Type) + " was expected, not " + given(e.Value)
	if e.Field == "" {
		return text
	}
	return e.Field + ": " + text
}

// wanted names what fits into a Go type.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text in double quotes"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// given names what encoding/json found: its word, behind which a number may stand.
func given(value string) string {
	kind, rest, _ := strings.Cut(value, " ")
	switch kind {
	case "string":
		return "a text"
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	case "number":
		return strings.TrimSpace("a number " + rest)
	}
	return value
}
