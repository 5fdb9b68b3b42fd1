package dataset

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// clicks is a file of interactions as other tools write them: columns in another
// order and more of them, times with a unit, NaN for null, two row groups.
type click struct {
	Time   time.Time         `parquet:"TIMESTAMP,timestamp(microsecond)"`
	Extra  []string          `parquet:"tags,list"`
	Item   string            `parquet:"ITEM_ID,dict"`
	User   string            `parquet:"USER_ID"`
	More   map[string]string `parquet:"more"`
	Device *string           `parquet:"DEVICE,optional"`
	Value  float64           `parquet:"EVENT_VALUE"`
	Type   string            `parquet:"EVENT_TYPE"`
}

func parquetFileOf[T any](t testing.TB, groups ...[]T) []byte {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b)
	for _, g := range groups {
		if _, err := w.Write(g); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parquetClicks(t testing.TB) []byte {
	tv := "a \"tv\", large\nand flat"
	at := func(n int64) time.Time { return time.Unix(n, 999e6) }
	return parquetFileOf(t, []click{
		{at(1_700_000_005), []string{"x", "y"}, "i", "a long id of a user", map[string]string{"a": "b"}, &tv, 1700000000, "click"},
		{at(6), nil, "j", "v", nil, nil, math.NaN(), "buy"}},
		[]click{{at(7), []string{"z"}, "i", "v", nil, &tv, .5, "click"}})
}

func importBytes(s *Schema, opt ImportOptions, list ...[]byte) (*Part, error) {
	var in []File
	for i, b := range list {
		in = append(in, File{Name: string(rune('a'+i)) + ".parquet", R: bytes.NewReader(b), Size: int64(len(b))})
	}
	var out bytes.Buffer
	if _, err := Import(context.Background(), in, s, &out, opt); err != nil {
		return nil, err
	}
	return ReadPart(bytes.NewReader(out.Bytes()), int64(out.Len()), s)
}

func TestImportOfParquet(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE null|float", "DEVICE null|string categorical")...)
	want, _, err := importAll(t, s, ImportOptions{}, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE\n"+
		"a long id of a user,i,1700000005,click,1700000000,\"a \"\"tv\"\", large\nand flat\"\nv,j,6,buy,,\nv,i,7,click,.5,\"a \"\"tv\"\", large\nand flat\"\n")
	if err != nil {
		t.Fatal(err)
	}
	var report Report
	var read int64
	got, err := importBytes(s, ImportOptions{Workers: 3, Report: &report, Progress: func(_, _, rows int64) { read = rows }}, parquetClicks(t))
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(float64(got.Values[1])) {
		t.Errorf("NaN became %v", got.Values[1])
	}
	got.Values[1], want.Values[1] = 0, 0
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if report.Rows != 3 || report.BadRows != 0 || read != 3 {
		t.Errorf("report %+v, %d rows read", report, read)
	}
}

func TestImportRefusesParquet(t *testing.T) {
	s := mustSchema(t, "", "Interactions", inter...)
	type row struct {
		User string `parquet:"USER_ID"`
		Item string `parquet:"ITEM_ID"`
		Time int64  `parquet:"TIMESTAMP"`
	}
	type lists struct {
		User []string `parquet:"USER_ID"`
		Item string   `parquet:"ITEM_ID"`
		Time int64    `parquet:"TIMESTAMP"`
	}
	type dates struct {
		User string `parquet:"USER_ID"`
		Item string `parquet:"ITEM_ID"`
		Time int32  `parquet:"TIMESTAMP,date"`
	}
	good := parquetFileOf(t, []row{{"u", "i", 1}})
	type user struct {
		User string `parquet:"USER_ID"`
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"a missing column":   {parquetFileOf(t, []user{{"u"}}), "missing the following columns:[ITEM_ID, TIMESTAMP]"},
		"lists":              {parquetFileOf(t, []lists{{[]string{"u"}, "i", 1}}), "column USER_ID holds lists or records"},
		"days":               {parquetFileOf(t, []dates{{"u", "i", 1}}), "column TIMESTAMP is of the type DATE. Write it as a number"},
		"milliseconds":       {parquetFileOf(t, []row{{"u", "i", 1}, {"u", "i", 1710000000000}}), "a.parquet, row 2, column TIMESTAMP, value \"1710000000000\": Unix seconds were expected"},
		"no id":              {parquetFileOf(t, []row{{"", "i", 1}}), "a.parquet, row 1, column USER_ID, value \"\": a value is missing"},
		"what is not UTF-8":  {parquetFileOf(t, []row{{"caf\xe9", "i", 1}}), "row 1: the value \"caf\\xe9\" is not UTF-8"},
		"half a file":        {good[:len(good)/2], "a.parquet is not a whole Parquet file"},
		"a file with a hole": {bytes.Replace(good, []byte("TIMESTAMP"), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 9), "a.parquet"},
	} {
		_, err := importBytes(s, ImportOptions{Now: 1_700_000_000}, c.file)
		var bad *ImportError
		if !errors.As(err, &bad) || !strings.Contains(bad.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestParquetReadErrors: what the disk does is not the customer's mistake.
func TestParquetReadErrors(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE null|float", "DEVICE null|string categorical")...)
	b := parquetClicks(t)
	for left := range 30 {
		_, err := Import(t.Context(), []File{{Name: "x", R: &failsAfter{bytes.NewReader(b), left}, Size: int64(len(b))}}, s, new(bytes.Buffer), ImportOptions{Workers: 1})
		var bad *ImportError
		if errors.As(err, &bad) || err != nil && !strings.Contains(err.Error(), "cable cut") {
			t.Fatalf("after %d reads: %v", left, err)
		}
		if err == nil {
			if left == 0 {
				t.Error("no read fails")
			}
			return
		}
	}
}

type failsAfter struct {
	*bytes.Reader
	left int
}

func (f *failsAfter) ReadAt(p []byte, at int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("cable cut")
	}
	return f.Reader.ReadAt(p, at)
}

func TestMixedFiles(t *testing.T) {
	s := mustSchema(t, "", "Interactions", inter...)
	type row struct {
		User string `parquet:"USER_ID"`
		Item string `parquet:"ITEM_ID"`
		Time int64  `parquet:"TIMESTAMP"`
	}
	p, err := importBytes(s, ImportOptions{Workers: 2}, []byte("ITEM_ID,USER_ID,TIMESTAMP\ni,u,1\n"), parquetFileOf(t, []row{{"v", "i", 2}}))
	if err != nil || !reflect.DeepEqual(p.UserIDs, []string{"u", "v"}) || !reflect.DeepEqual(p.Times, []int64{1, 2}) {
		t.Errorf("got %+v, %v", p, err)
	}
}

// FuzzParquet has damaged files answered with an error, and the same by any number of
// workers.
func FuzzParquet(f *testing.F) {
	b := parquetClicks(f)
	f.Add(b, 0, byte(0))
	f.Add(b, len(b)/2, byte(0xff))
	f.Add(b, len(b)-20, byte(1))
	f.Add(b[:len(b)/3], 9, byte(1))
	s := mustSchema(f, "", "Interactions", with(event, "EVENT_VALUE null|float", "DEVICE null|string categorical")...)
	f.Fuzz(func(t *testing.T, b []byte, at int, flip byte) {
		if len(b) == 0 || len(b) > 1<<16 {
			return
		}
		b = bytes.Clone(b)
		b[uint(at)%uint(len(b))] ^= flip
		one, err1 := importBytes(s, ImportOptions{Workers: 1}, b)
		two, err2 := importBytes(s, ImportOptions{Workers: 3}, b)
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("1 worker: %v; 3 workers: %v", err1, err2)
		}
		if err1 == nil && !bytes.Equal(floatBytes(one.Values), floatBytes(two.Values)) {
			t.Error("the workers disagree")
		}
	})
}

func floatBytes(list []float32) []byte {
	var sum partSum
	for _, x := range list {
		sum.buf = appendFloat(sum.buf, float64(x))
	}
	return sum.buf
}
