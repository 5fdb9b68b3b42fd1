package ingest

import (
	"encoding/json"
	"maps"
	"testing"
	"unicode/utf8"
)

// FuzzFlat compares the quick reader with package json.
func FuzzFlat(f *testing.F) {
	for _, text := range []string{`{}`, ` { "a" : 1 , "b":"x" } `, `{"a":-0.5e+3,"é":null,"c":true,"d":false}`, `{"a":1,"a":2}`, `{"a":[1]}`, `{"a":"\n"}`, `{"a":01}`, `{"a":1.}`, `{"a":1}x`, `{"a":1,}`, `{"a":}`, `{"a"`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, "{\"a\":\"\xff\"}", "{\"a\":\"\x01\"}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quick, ok := flat(text, nil)
		slow, err := object(text)
		if !ok {
			// It may refuse only what is nested, escaped, repeated or wrong.
			return
		}
		if err != nil {
			t.Fatalf("%q is wrong (%v), and was read as %v", text, err, quick)
		}
		a, b := map[string]any{}, map[string]any{}
		for _, m := range quick {
			a[m.key] = m.value
		}
		for _, m := range slow {
			b[m.key] = m.value
		}
		if !maps.Equal(a, b) || len(quick) != len(slow) {
			t.Fatalf("%q is %v, was read as %v", text, b, a)
		}
	})
}

func TestFlatReadsWhatIsUsual(t *testing.T) {
	for text, want := range map[string]int{`{}`: 0, `{"device": "phone"}`: 1, ` {"a":1, "b":"é", "c":null,"d":true} `: 4, `{"a":-1.5e3}`: 1} {
		if got, ok := flat(text, nil); !ok || len(got) != want {
			t.Errorf("%s: %v %v", text, got, ok)
		}
	}
	got, ok := flat(`{"n":12.50,"s":"x"}`, nil)
	if !ok || got[0].value != json.Number("12.50") || got[1].value != "x" || !utf8.ValidString(got[1].key) {
		t.Errorf("%v %v", got, ok)
	}
}
