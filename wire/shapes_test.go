package wire_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"usher/wire/internal/codec"
	"usher/wire/internal/generate"
	"usher/wire/personalize"
	"usher/wire/personalizeevents"
	"usher/wire/personalizeruntime"
)

// services are the three APIs with the types of their interfaces.
var services = map[string]reflect.Type{
	"personalize":        reflect.TypeFor[personalize.API](),
	"personalizeevents":  reflect.TypeFor[personalizeevents.API](),
	"personalizeruntime": reflect.TypeFor[personalizeruntime.API](),
}

func model(t testing.TB, service string) *generate.Model {
	t.Helper()
	text, err := os.ReadFile("model/" + service + ".json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := generate.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// codecs is what every input and output can do.
type codecs interface {
	AppendJSON([]byte) []byte
	ReadJSON(*codec.Reader)
}

// fill gives every part of a value something random.
func fill(rng *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(rng, v.Elem())
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(time.UnixMilli(rng.Int64N(1 << 42)).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(rng, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+rng.IntN(3), 4))
		for i := range v.Len() {
			fill(rng, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(rng, k)
		fill(rng, e)
		v.SetMapIndex(k, e)
	case reflect.String:
		v.SetString(string([]rune{'a', rune(rng.IntN(0xd000)), '"', 0x1f600, '\\'}))
	case reflect.Int32:
		v.SetInt(int64(int32(rng.Uint32())))
	case reflect.Float64:
		v.SetFloat(rng.NormFloat64())
	case reflect.Float32:
		v.SetFloat(float64(float32(rng.NormFloat64())))
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 1)
	}
}

// TestRoundTrip: every shape comes back as it was sent, and its members have
// the names of the model.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	shapes := 0
	for service, api := range services {
		m := model(t, service)
		if api.NumMethod() != len(m.Operations) {
			t.Errorf("%s has %d methods for %d operations", service, api.NumMethod(), len(m.Operations))
		}
		for _, op := range m.Operations {
			method, ok := api.MethodByName(op.Name)
			if !ok {
				t.Errorf("%s has no %s", service, op.Name)
				continue
			}
			roundTrip(t, rng, m, op.Input, method.Type.In(1).Elem())
			shapes++
			if op.Output != "" {
				roundTrip(t, rng, m, op.Output, method.Type.Out(0).Elem())
				shapes++
			}
		}
	}
	if shapes != 2*79-15 {
		t.Errorf("tested %d shapes", shapes)
	}
}

func roundTrip(t *testing.T, rng *rand.Rand, m *generate.Model, name string, typ reflect.Type) {
	t.Helper()
	sent, got := reflect.New(typ), reflect.New(typ)
	fill(rng, sent.Elem())
	text := sent.Interface().(codecs).AppendJSON(nil)
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatalf("%s is written as %s: %v", name, text, err)
	}
	want := m.Shape(name).Members
	for _, f := range want {
		if _, ok := members[f.Name]; !ok {
			t.Errorf("%s is written without %s", name, f.Name)
		}
	}
	if len(members) != len(want) {
		t.Errorf("%s has %d members, the model %d", name, len(members), len(want))
	}
	var r codec.Reader
	r.Reset(text)
	got.Interface().(codecs).ReadJSON(&r)
	if err := r.End(); err != nil || !reflect.DeepEqual(sent.Interface(), got.Interface()) {
		t.Errorf("%s came back otherwise: %v\n%s", name, err, text)
	}
	if again := got.Interface().(codecs).AppendJSON(nil); !bytes.Equal(again, text) {
		t.Errorf("%s is written in two ways", name)
	}
}

// TestEmptyLists: lists of answers are written even if there is nothing in them.
func TestEmptyLists(t *testing.T) {
	if got := string(new(personalize.ListFiltersOutput).AppendJSON(nil)); got != `{"Filters":[]}` {
		t.Error(got)
	}
	if got := string(new(personalizeruntime.GetRecommendationsOutput).AppendJSON(nil)); !strings.Contains(got, `"itemList":[]`) {
		t.Error(got)
	}
}

// TestLongLists: a list far beyond its bound costs no more than one member too many.
func TestLongLists(t *testing.T) {
	var r codec.Reader
	r.Reset([]byte(`{"trackingId":"t","sessionId":"s","eventList":[` + strings.Repeat(`{},`, 1e6) + `{}]}`))
	var in personalizeevents.PutEventsInput
	in.ReadJSON(&r)
	if err := r.End(); err != nil || len(in.EventList) != 11 {
		t.Errorf("%d events, %v", len(in.EventList), err)
	}
}

func ptr[T any](v T) *T { return &v }

func recommendations() *personalizeruntime.GetRecommendationsOutput {
	out := &personalizeruntime.GetRecommendationsOutput{RecommendationId: ptr("RID-0b1c")}
	for i := range 25 {
		out.ItemList = append(out.ItemList, personalizeruntime.PredictedItem{ItemId: ptr("item-" + string(rune('a'+i))), Score: ptr(0.0123456 / float64(i+1))})
	}
	return out
}

func putEvents() *personalizeevents.PutEventsInput {
	in := &personalizeevents.PutEventsInput{TrackingId: ptr("tracking"), SessionId: ptr("session"), UserId: ptr("user")}
	for range 10 {
		in.EventList = append(in.EventList, personalizeevents.Event{EventType: ptr("click"), ItemId: ptr("item"), SentAt: ptr(time.Unix(1e9, 0).UTC()), Properties: ptr(`{"a":1}`), Impression: []string{"a", "b"}})
	}
	return in
}

// TestAllocations: answers are written, and good inputs checked, for nothing.
func TestAllocations(t *testing.T) {
	out, b := recommendations(), make([]byte, 0, 8192)
	if n := testing.AllocsPerRun(100, func() { b = out.AppendJSON(b[:0]) }); n != 0 {
		t.Errorf("writing GetRecommendations allocates %v times", n)
	}
	events := putEvents()
	ask := &personalizeruntime.GetRecommendationsInput{
		CampaignArn: ptr("arn:aws:personalize:us-east-1:000000000000:campaign/a"), UserId: ptr("7"), NumResults: ptr(int32(25)), Context: map[string]string{"DEVICE": "phone"},
	}
	for name, validate := range map[string]func() error{"PutEvents": events.Validate, "GetRecommendations": ask.Validate} {
		if err := validate(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := testing.AllocsPerRun(100, func() { validate() }); n != 0 {
			t.Errorf("checking %s allocates %v times", name, n)
		}
	}
}

func BenchmarkAppendGetRecommendations(b *testing.B) {
	out, buf := recommendations(), make([]byte, 0, 8192)
	b.ReportAllocs()
	for b.Loop() {
		buf = out.AppendJSON(buf[:0])
	}
}

func BenchmarkReadPutEvents(b *testing.B) {
	text := putEvents().AppendJSON(nil)
	b.ReportAllocs()
	var r codec.Reader
	for b.Loop() {
		var in personalizeevents.PutEventsInput
		r.Reset(text)
		in.ReadJSON(&r)
		if r.End() != nil || in.Validate() != nil {
			b.Fatal("not read")
		}
	}
}
