package codec

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// tree is a structure that reads anything the Reader can give.
type tree struct {
	S    *string
	E    string
	J    *string
	I    *int32
	F    *float64
	G    *float32
	B    *bool
	T    *time.Time
	Sub  *tree
	List []string
}

func (t *tree) ReadJSON(r *Reader) {
	for r.Object(); r.Member(); {
		switch string(r.Name()) {
		case "s":
			r.At("s")
			t.S = r.String()
		case "e":
			r.At("e")
			t.E = r.Enum()
		case "j":
			r.At("j")
			t.J = r.JSONText()
		case "i":
			r.At("i")
			t.I = r.Int32()
		case "f":
			r.At("f")
			t.F = r.Float64()
		case "g":
			r.At("g")
			t.G = r.Float32()
		case "b":
			r.At("b")
			t.B = r.Bool()
		case "t":
			r.At("t")
			t.T = r.Time()
		case "sub":
			r.At("sub")
			t.Sub = Structure[tree](r)
		case "list":
			r.At("list")
			t.List = nil
			if r.Array() {
				t.List = []string{}
				for r.Next() {
					t.List = append(t.List, r.Text())
				}
			}
		default:
			r.Skip()
		}
	}
}

func readTree(text string) (*tree, error) {
	var r Reader
	r.Reset([]byte(text))
	t := &tree{}
	t.ReadJSON(&r)
	return t, r.End()
}

func ptr[T any](v T) *T { return &v }

func TestRead(t *testing.T) {
	at := time.Date(2018, 11, 16, 16, 36, 1, 837e6, time.UTC)
	for _, c := range []struct {
		text string
		want tree
	}{
		{`{}`, tree{}},
		{" \t\r\n{ } \n", tree{}},
		{`{"s":"a\"\\\/\b\f\n\r\tz"}`, tree{S: ptr("a\"\\/\b\f\n\r\tz")}},
		{`{"s":"\u00e9\ud83d\ude00\ud83dx\u0000"}`, tree{S: ptr("é😀\ufffdx\x00")}},
		{`{"s":""}`, tree{S: ptr("")}},
		{`{"s":null,"e":null,"i":null,"f":null,"g":null,"b":null,"t":null,"sub":null,"list":null,"j":null}`, tree{}},
		{`{"s":"a","s":"b"}`, tree{S: ptr("b")}},
		{`{"list":["a","b"],"list":["c"]}`, tree{List: []string{"c"}}},
		{`{"list":[]}`, tree{List: []string{}}},
		{`{"i":-12,"f":1.5e3,"g":0.1,"b":true}`, tree{I: ptr(int32(-12)), F: ptr(1500.0), G: ptr(float32(0.1)), B: ptr(true)}},
		{`{"i":12.0,"f":0}`, tree{I: ptr(int32(12)), F: ptr(0.0)}},
		{`{"f":"Infinity"}`, tree{F: ptr(math.Inf(1))}},
		{`{"t":1542386161.837}`, tree{T: ptr(at)}},
		{`{"t":1542386161}`, tree{T: ptr(at.Truncate(time.Second))}},
		{`{"t":"2018-11-16T17:36:01.837+01:00"}`, tree{T: ptr(at)}},
		{`{"sub":{"s":"x"}}`, tree{Sub: &tree{S: ptr("x")}}},
		{`{"j":"{\"a\":1}"}`, tree{J: ptr(`{"a":1}`)}},
		{`{"j": {"a": [1, "}"]} }`, tree{J: ptr(`{"a": [1, "}"]}`)}},
		{`{"x":[{"y":[[],{}, null,true,false,-1.5e-3,"\u0041"]}],"e":"A"}`, tree{E: "A"}},
		{`{"\u0073":"named by an escape"}`, tree{S: ptr("named by an escape")}},
	} {
		got, err := readTree(c.text)
		if err != nil || !reflect.DeepEqual(got, &c.want) {
			t.Errorf("%s: %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	deep := strings.Repeat(`{"sub":`, MaxDepth+1)
	for text, want := range map[string]string{
		``:                                     "unexpected end",
		`{`:                                    "unexpected end",
		`[]`:                                   "START_ARRAY can not be converted to a structure",
		`"x"`:                                  "STRING_VALUE",
		`null`:                                 "NULL_VALUE",
		`{}x`:                                  "behind the end",
		`{} {}`:                                "behind the end",
		`{"s":"a",}`:                           "behind a comma",
		`{"s":"a" "e":"b"}`:                    "where a comma",
		`{"list":["a",]}`:                      "behind a comma",
		`{"list":["a""b"]}`:                    "where a comma",
		`{"list":["a",null]}`:                  "NULL_VALUE can not be converted to a String, at 'list.2.member'",
		`{"sub":{"list":["a",7]}}`:             "NUMBER_VALUE can not be converted to a String, at 'sub.list.2.member'",
		`{s:"a"}`:                              "in quotes",
		`{"s" "a"}`:                            "expected a colon",
		`{"s":7}`:                              "NUMBER_VALUE can not be converted to a String, at 's'",
		`{"s":{}}`:                             "START_OBJECT",
		`{"s":tru}`:                            "TRUE_VALUE",
		`{"s":nul}`:                            "null",
		`{"s":?}`:                              "unexpected character",
		`{"i":"7"}`:                            "STRING_VALUE can not be converted to an Integer",
		`{"i":1.5}`:                            "whole number",
		`{"i":2147483648}`:                     "whole number",
		`{"i":01}`:                             "malformed number",
		`{"i":-}`:                              "malformed number",
		`{"f":1.}`:                             "malformed number",
		`{"f":1e}`:                             "malformed number",
		`{"f":.5}`:                             "unexpected character",
		`{"f":1e999}`:                          "out of range",
		`{"f":"seven"}`:                        "STRING_VALUE can not be converted to a Number",
		`{"g":1e39}`:                           "too large for 32 bits",
		`{"b":"true"}`:                         "STRING_VALUE can not be converted to a Boolean",
		`{"b":truE}`:                           "true",
		`{"t":"yesterday"}`:                    "not a timestamp",
		`{"t":1e18}`:                           "out of range",
		`{"t":true}`:                           "TRUE_VALUE",
		`{"s":"a`:                              "without an end",
		`{"s":"a\`:                             "escape",
		`{"s":"\x41"}`:                         "escape",
		`{"s":"\u12G4"}`:                       "escape",
		`{"s":"\u+123"}`:                       "escape",
		"{\"s\":\"a\nb\"}":                     "control character",
		"{\"s\":\"\\n\x01\"}":                  "control character",
		"{\"s\":\"\xff\"}":                     "UTF-8",
		"{\"s\":\"\\n\xff\"}":                  "UTF-8",
		"{\"\xff\":1}":                         "UTF-8",
		"{\"x\":\"\xff\"}":                     "UTF-8",
		`{"x":[1,2}`:                           "where a comma",
		`{"x":[{]}`:                            "in quotes",
		`{"x":`:                                "unexpected end",
		deep + `{`:                             "nested deeper",
		`{"x":` + strings.Repeat(`[`, 1e6):     "nested deeper",
		`{"x":` + strings.Repeat(`{"y":`, 1e5): "nested deeper",
		`{"j":{"a":}`:                          "unexpected character",
	} {
		_, err := readTree(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v; want %q", text, err, want)
		}
	}
}

func TestAppend(t *testing.T) {
	for got, want := range map[string]string{
		string(AppendString(nil, "a\"\\\n\r\t\x01é😀")):                       `"a\"\\\n\r\t\u0001é😀"`,
		string(AppendString(nil, "a\xffb\xc3")):                              `"a` + "\ufffd" + `b` + "\ufffd" + `"`,
		string(AppendInt(nil, int32(-7))):                                    `-7`,
		string(AppendFloat64(nil, 0.1)):                                      `0.1`,
		string(AppendFloat64(nil, 1e-7)):                                     `1e-07`,
		string(AppendFloat32(nil, 0.1)):                                      `0.1`,
		string(AppendFloat64(nil, math.NaN())):                               `"NaN"`,
		string(AppendFloat64(nil, math.Inf(-1))):                             `"-Infinity"`,
		string(AppendBool(nil, true)):                                        `true`,
		string(AppendTime(nil, time.Unix(1542386161, 837e6))):                `1542386161.837`,
		string(AppendTime(nil, time.Unix(1542386161, 7e6))):                  `1542386161.007`,
		string(AppendTime(nil, time.Unix(1542386161, 0))):                    `1542386161`,
		string(AppendTime(nil, time.Unix(-2, 5e8))):                          `-1.500`,
		strings.Join(Keys(nil, map[string]int{"b": 1, "a": 2, "c": 3}), ","): `a,b,c`,
	} {
		if got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}

// FuzzReader: the Reader takes nothing that encoding/json refuses, never panics,
// and reads back what is appended.
func FuzzReader(f *testing.F) {
	for _, s := range []string{`{}`, `{"s":"a","list":["b"],"x":[{"y":1}],"t":1.5}`, `{"s":"\ud83d"}`, `{"j":{"a":[]}}`, `{"sub":{"i":1e2}}`, `{"x":-0.0e+1}`, "{\"s\":\"\xff\"}", `{"list":[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readTree(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("read %q, which is not JSON", text)
		}
		if got.S != nil {
			var back string
			if err := json.Unmarshal(AppendString(nil, *got.S), &back); err != nil || back != *got.S {
				t.Fatalf("%q came back as %q, %v", *got.S, back, err)
			}
		}
	})
}
