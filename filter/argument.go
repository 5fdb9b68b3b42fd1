package filter

import (
	"fmt"
	"slices"
	"strings"
)

// ArgumentError says what is wrong with the values that were given for a
// filter's parameters. Its text is for the customer.
type ArgumentError struct{ Msg string }

// Error implements error.
func (e *ArgumentError) Error() string { return e.Msg }

func badArgument(format string, args ...any) error {
	return &ArgumentError{fmt.Sprintf(format, args...)}
}

// parseArguments reads the values of a parameter: texts in double quotes or
// numbers, with commas between; truth values may stand without quotes too.
func parseArguments(name, given string) ([]string, error) {
	bad := func() error {
		return badArgument("The value of the filter parameter %s is %q. Give texts in double quotes, with commas between: \"\\\"comedy\\\",\\\"drama\\\"\"; numbers may stand without quotes.", name, clip(given))
	}
	sc := scanner{src: given}
	var out []string
	for {
		t, err := sc.next()
		_, truth := truths[strings.ToLower(t.s)]
		if err != nil || t.kind != text && t.kind != number && !truth {
			return nil, bad()
		}
		out = append(out, t.s)
		if t, err = sc.next(); err != nil {
			return nil, bad()
		}
		switch {
		case t.kind == end:
			return out, nil
		case t.kind != symbol || t.s != ",":
			return nil, bad()
		}
	}
}

// arguments are the parsed values by parameter.
type arguments map[string][]string

// arguments checks and reads what was given.
func (p *Program) arguments(given map[string]string) (arguments, error) {
	if len(given) == 0 && len(p.params) == 0 {
		return nil, nil
	}
	out := arguments{}
	for name, v := range given {
		if !slices.Contains(p.params, name) {
			if len(p.params) == 0 {
				return nil, badArgument("The filter has no parameter %s: it has none. Leave filterValues out.", clip(name))
			}
			return nil, badArgument("The filter has no parameter %s. It has %s; upper and lower case count.", clip(name), strings.Join(p.params, ", "))
		}
		list, err := parseArguments(name, v)
		if err != nil {
			return nil, err
		}
		out[name] = list
	}
	return out, nil
}

// missing gives the first parameter of an expression that has no value.
func (e *expression) missing(args arguments) (string, bool) {
	for _, name := range e.params {
		if _, ok := args[name]; !ok {
			return name, true
		}
	}
	return "", false
}
