package dataset

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func files(texts ...string) (list []File) {
	for i, t := range texts {
		list = append(list, File{Name: fmt.Sprintf("%c.csv", 'a'+i), R: strings.NewReader(t), Size: int64(len(t))})
	}
	return list
}

// importAll imports texts and reads the part.
func importAll(t testing.TB, s *Schema, opt ImportOptions, texts ...string) (*Part, []byte, error) {
	t.Helper()
	var b bytes.Buffer
	rows, err := Import(context.Background(), files(texts...), s, &b, opt)
	if err != nil {
		return nil, nil, err
	}
	p, err := ReadPart(bytes.NewReader(b.Bytes()), int64(b.Len()), s)
	if err != nil {
		t.Fatal(err)
	}
	if p.Rows != rows {
		t.Errorf("Import says %d rows, the part has %d", rows, p.Rows)
	}
	return p, b.Bytes(), nil
}

func itemSchema(t testing.TB) *Schema {
	return mustSchema(t, "", "Items", "ITEM_ID string", "G null|string categorical", "TEXT null|string textual", "N null|int", "L null|long", "F null|float", "D null|double", "B null|boolean")
}

const itemHeader = "ITEM_ID,G,TEXT,N,L,F,D,B\n"

func TestImportOfInteractions(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE null|float", "DEVICE null|string categorical")...)
	for name, texts := range map[string][]string{
		"plain": {"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE\nu,x,5,click,1.5,tv\nv,x,6,buy,,\nu,y,7,click,2,tv\n"},
		"other order, more columns, byte order mark, line ends, blank lines, no last line end": {
			"\ufeffDEVICE,more,EVENT_VALUE,EVENT_TYPE,TIMESTAMP,ITEM_ID,USER_ID\r\n\r\ntv,1,1.5,click,5,x,u\r\n\n,2,,buy,6,x,v\r\ntv,,2,click,7,y,u"},
		"quotes":    {"\"USER_ID\",ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE\n\"u\",x,\"5\",click,1.5,tv\n\nv,\"x\",6,buy,,\"\"\r\nu,y,7,click,2,\"tv\""},
		"two files": {"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE\nu,x,5,click,1.5,tv\n", "ITEM_ID,USER_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE\nx,v,6,buy,,\ny,u,7,click,2,tv\n"},
	} {
		for chunk := int64(1); chunk < 50; chunk += 7 {
			p, _, err := importAll(t, s, ImportOptions{Workers: 3, chunk: chunk}, texts...)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if v := p.Values[1]; !math.IsNaN(float64(v)) {
				t.Errorf("%s: an absent value is %v", name, v)
			}
			p.Values[1] = -1
			tv := Value{Kind: String, Str: "tv"}
			want := &Part{Type: Interactions, Rows: 3,
				UserIDs: []string{"u", "v"}, ItemIDs: []string{"x", "y"}, EventTypes: []string{"click", "buy"},
				Users: []Index{0, 1, 0}, Items: []Index{0, 0, 1}, Types: []uint16{0, 1, 0}, Times: []int64{5, 6, 7}, Values: []float32{1.5, -1, 2},
				Cells: []Row{{5: tv}, {5: {}}, {5: tv}},
			}
			if !reflect.DeepEqual(p, want) {
				t.Fatalf("%s in chunks of %d: got %+v, want %+v", name, chunk, p, want)
			}
		}
	}
}

func TestImportWithoutOptionalColumns(t *testing.T) {
	p, _, err := importAll(t, mustSchema(t, "", "Interactions", inter...), ImportOptions{}, "USER_ID,ITEM_ID,TIMESTAMP\nu,x,5\n")
	if err != nil {
		t.Fatal(err)
	}
	if p.Types != nil || p.Values != nil || p.Cells != nil || p.EventTypes != nil {
		t.Errorf("got %+v with columns that the schema does not have", p)
	}
}

func TestImportOfActionInteractions(t *testing.T) {
	p, _, err := importAll(t, mustSchema(t, "", "ActionInteractions", acts...), ImportOptions{}, "USER_ID,ACTION_ID,TIMESTAMP,EVENT_TYPE\nu,x,5,Taken\n")
	if err != nil || p.ItemIDs[0] != "x" || p.EventTypes[0] != "Taken" || p.Users[0] != 0 || p.Items[0] != 0 {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestImportOfItems(t *testing.T) {
	text := itemHeader +
		`1,a|b,"say ""hi"", \"you\" \\ \n",-7,9007199254740993,0.1,1e300,true` + "\n" +
		`2,,"two` + "\r\n\r\n" + `lines, one record",,,,,` + "\n" +
		`3,5" disk,plain \ text,2147483647,-1,.5,5.,false`
	p, _, err := importAll(t, itemSchema(t), ImportOptions{chunk: 10}, text)
	if err != nil {
		t.Fatal(err)
	}
	str := func(s string) Value { return Value{Kind: String, Str: s} }
	want := &Part{Type: Items, Rows: 3, IDs: []string{"1", "2", "3"}, Cells: []Row{
		{str("1"), str("a|b"), str(`say "hi", "you" \ \n`), {Int, "", -7, -7}, {Long, "", 9007199254740992, 9007199254740993}, {Float, "", .1, 0}, {Double, "", 1e300, 0}, {Boolean, "", 1, 0}},
		{str("2"), {}, str("two\r\n\r\nlines, one record"), {}, {}, {}, {}, {}},
		{str("3"), str(`5" disk`), str(`plain \ text`), {Int, "", math.MaxInt32, math.MaxInt32}, {Long, "", -1, -1}, {Float, "", .5, 0}, {Double, "", 5, 0}, {Boolean, "", 0, 0}},
	}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
}

func TestImportRefusesFiles(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE null|float")...)
	head := "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n"
	for _, tt := range []struct {
		texts []string
		want  string
	}{
		{nil, "Invalid Data location."},
		{[]string{""}, "a.csv has no header"},
		{[]string{"\n"}, "a.csv has no header"},
		{[]string{"\xff\xfeU"}, "UTF-16"},
		{[]string{"\x1f\x8b\b"}, "compressed with gzip"},
		{[]string{"USER_ID,\xe9\n"}, "not UTF-8"},
		{[]string{"USER_ID,TIMESTAMP,EVENT_TYPE\n"}, "Input CSV is missing the following columns:[ITEM_ID, EVENT_VALUE]."},
		{[]string{"user_id,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n"}, `columns:[USER_ID]. The column "user_id" must be spelled USER_ID`},
		{[]string{"USER_ID;ITEM_ID;TIMESTAMP\n"}, "separated by commas"},
		{[]string{"USER_ID,USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n"}, `has the column "USER_ID" twice`},
		{[]string{head, "x," + head}, "b.csv and a.csv have different columns"},
		{[]string{head + "u,i,1,t,\n"}, "fewer than 2 interactions: 1 rows"},
		{[]string{head + "u,i,1\nu,i,1,t,\n"}, "a.csv, line 2: the row has 3 columns, the header has 5"},
		{[]string{head + "u,i,1,t,\n", head + "\n\r\n,i,1,t,\n"}, "has 1 bad value. b.csv, line 4, column USER_ID, value \"\": a value is missing; every row needs its USER_ID"},
		{[]string{head + "u,i,1,,\n"}, "line 2, column EVENT_TYPE, value \"\": every row needs an EVENT_TYPE"},
		{[]string{head + "u,i,1710000000000,t,\n"}, "looks like milliseconds: write 1710000000"},
		{[]string{head + "u,i,x,t,y\n"}, `has 2 bad values. (1) a.csv, line 2, column TIMESTAMP, value "x": a whole number (long) was expected. (2) a.csv, line 2, column EVENT_VALUE`},
		{[]string{head + "u,\"" + strings.Repeat("i", 257) + "\",1,t,\n"}, "Length cannot be more than 256 characters for ITEM_ID."},
		{[]string{head + "u,i,1,t,\nu,caf\xe9,1,t,\n"}, "line 3: the byte 0xE9 at position 6 of the line is not UTF-8"},
		{[]string{head + "\"u,i,1,t,\nu,i,1,t,\n"}, "line 2: a double quote that opens a value on this line is never closed"},
		{[]string{head + "\"u\"v,i,1,t,\n"}, "line 2: column 1 has text behind its closing quote"},
	} {
		for _, workers := range []int{1, 4} {
			_, _, err := importAll(t, s, ImportOptions{MinRows: 2, Workers: workers, chunk: 16, Now: 1_700_000_000}, tt.texts...)
			var bad *ImportError
			if !errors.As(err, &bad) || !strings.Contains(bad.Error(), tt.want) {
				t.Errorf("%.60q: error %v, want one with %q", tt.texts, err, tt.want)
			}
		}
	}
}

func TestImportListsTheFirstTenBadPlaces(t *testing.T) {
	var b strings.Builder
	b.WriteString("USER_ID,ITEM_ID,TIMESTAMP\n")
	for i := range 500 {
		fmt.Fprintf(&b, "u%d,i,%s\n", i, map[bool]string{true: "x", false: "7"}[i%7 == 3])
	}
	s := mustSchema(t, "", "Interactions", inter...)
	var want *ImportError
	for _, workers := range []int{1, 2, 4} {
		_, _, err := importAll(t, s, ImportOptions{Workers: workers, chunk: 64}, b.String())
		var bad *ImportError
		if !errors.As(err, &bad) {
			t.Fatal(err)
		}
		if bad.Total != 71 || len(bad.Rows) != 10 || bad.Rows[0].Line != 5 || bad.Rows[9].Line != 68 {
			t.Errorf("%d workers: %d bad places, lines %d to %d", workers, bad.Total, bad.Rows[0].Line, bad.Rows[len(bad.Rows)-1].Line)
		}
		if want != nil && !reflect.DeepEqual(bad, want) {
			t.Errorf("%d workers give %v, 1 gives %v", workers, bad, want)
		}
		want = bad
	}
	if !strings.Contains(want.Error(), "71 bad values. The first 10: (1) a.csv, line 5, column TIMESTAMP") {
		t.Errorf("text %q", want.Error())
	}
}

type badReader struct{}

func (badReader) ReadAt([]byte, int64) (int, error) { return 0, errors.New("cable cut") }

func TestImportPassesOnReadErrors(t *testing.T) {
	_, err := Import(context.Background(), []File{{"x", badReader{}, 9}}, mustSchema(t, "", "Interactions", inter...), io.Discard, ImportOptions{})
	var bad *ImportError
	if err == nil || errors.As(err, &bad) || !strings.Contains(err.Error(), "cable cut") {
		t.Errorf("error %v, want the reader's, and not an ImportError", err)
	}
}

func TestImportStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("shutting down")
	text := "USER_ID,ITEM_ID,TIMESTAMP\n" + strings.Repeat("u,i,1\n", 1000)
	calls := 0
	_, err := Import(ctx, files(text), mustSchema(t, "", "Interactions", inter...), io.Discard, ImportOptions{chunk: 60, Workers: 1,
		Progress: func(_, _, _ int64) { calls++; cancel(why) }})
	if !errors.Is(err, why) || calls > 3 {
		t.Errorf("error %v after %d chunks, want %v soon", err, calls, why)
	}
}

func TestImportTellsItsProgress(t *testing.T) {
	for _, row := range []string{"u,i,1\n", "\"u\",i,1\n"} {
		text := "USER_ID,ITEM_ID,TIMESTAMP\n" + strings.Repeat(row, 100)
		var done, total, rows int64
		_, _, err := importAll(t, mustSchema(t, "", "Interactions", inter...), ImportOptions{chunk: 60, Workers: 4,
			Progress: func(d, a, n int64) { done, total, rows = d, a, n }}, text)
		if err != nil || done != int64(len(text)) || total != done || rows != 100 {
			t.Errorf("at the end %d of %d bytes and %d rows were reported, %v", done, total, rows, err)
		}
	}
}

// randomItems makes rows and writes them as CSV with random quoting.
func randomItems(r *rand.Rand, n int, quotes bool) (text string, rows []Row) {
	words := []string{"a", "b c", "é|ö", "x\\y", "日本", "0"}
	if quotes {
		words = append(words, `"`, `say "hi", you`, "a\nb", `\"`, `end\`, ",")
	}
	var b strings.Builder
	b.WriteString(itemHeader)
	for i := range n {
		row := Row{{Kind: String, Str: "item" + strconv.Itoa(r.IntN(n)+i)}, {}, {}, {}, {}, {}, {}, {}}
		if r.IntN(3) > 0 {
			row[1] = Value{Kind: String, Str: words[r.IntN(len(words))]}
			row[2] = Value{Kind: String, Str: words[r.IntN(len(words))] + words[r.IntN(len(words))]}
			x := int64(r.Int32()) - 1<<30
			row[3] = Value{Kind: Int, Num: float64(x), Int: x}
			row[6] = Value{Kind: Double, Num: r.NormFloat64()}
		}
		if r.IntN(3) > 0 {
			x := r.Int64() - 1<<62
			row[4] = Value{Kind: Long, Num: float64(x), Int: x}
			row[5] = Value{Kind: Float, Num: float64(r.IntN(1000)) / 100}
			row[7] = Value{Kind: Boolean, Num: float64(r.IntN(2))}
		}
		rows = append(rows, row)
		for c, v := range row {
			if c > 0 {
				b.WriteByte(',')
			}
			b.WriteString(cellText(r, v, quotes))
		}
		b.WriteString([]string{"\n", "\r\n", "\n\n"}[r.IntN(3)])
	}
	return b.String(), rows
}

func cellText(r *rand.Rand, v Value, quotes bool) string {
	text := v.Str
	switch v.Kind {
	case Int, Long:
		text = strconv.FormatInt(v.Int, 10)
	case Float, Double:
		text = strconv.FormatFloat(v.Num, 'g', -1, 64)
	case Boolean:
		text = strconv.FormatBool(v.Num != 0)
	}
	must := strings.HasPrefix(text, `"`) || strings.ContainsAny(text, ",\n")
	if !must && (!quotes || r.IntN(2) == 0) {
		return text
	}
	text = strings.ReplaceAll(text, `\`, `\\`)
	return `"` + strings.ReplaceAll(text, `"`, []string{`""`, `\"`}[r.IntN(2)]) + `"`
}

func TestImportAndReadPartGiveTheRowsBack(t *testing.T) {
	s := itemSchema(t)
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		text, want := randomItems(r, 1+r.IntN(200), seed%2 == 0)
		var first []byte
		for _, workers := range []int{1, 4} {
			p, b, err := importAll(t, s, ImportOptions{Workers: workers, chunk: 200}, text)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if !reflect.DeepEqual(p.Cells, want) {
				t.Fatalf("seed %d, %d workers: other rows came back", seed, workers)
			}
			if first != nil && !bytes.Equal(b, first) {
				t.Errorf("seed %d: the bytes depend on the number of workers", seed)
			}
			first = b
		}
	}
}

// randomInteractions writes rows; a share of users and items comes only once.
func randomInteractions(r *rand.Rand, n int) string {
	var b strings.Builder
	b.WriteString("USER_ID,ITEM_ID,EVENT_TYPE,EVENT_VALUE,TIMESTAMP\n")
	for range n {
		u, i := r.ExpFloat64()*float64(n)/50, r.ExpFloat64()*float64(n)/200
		fmt.Fprintf(&b, "user-%d,%d,%s,%d,%d\n", int(u), int(i), []string{"click", "buy", "view"}[r.IntN(3)], r.IntN(6), 1_600_000_000+r.IntN(1e7))
	}
	return b.String()
}

func TestNumbersAreByFirstAppearance(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE float")...)
	text := randomInteractions(rand.New(rand.NewPCG(1, 2)), 3000)
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for _, workers := range []int{1, 2, 4} {
		p, b, err := importAll(t, s, ImportOptions{Workers: workers, chunk: 500}, text)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !bytes.Equal(b, first) {
			t.Errorf("the bytes of %d workers differ", workers)
		}
		first = b
		users, items, types := NewDict(), NewDict(), NewDict()
		for i, rec := range records[1:] {
			value, _ := strconv.ParseFloat(rec[3], 32)
			time, _ := strconv.ParseInt(rec[4], 10, 64)
			if p.Users[i] != users.Intern(rec[0]) || p.Items[i] != items.Intern(rec[1]) || Index(p.Types[i]) != types.Intern(rec[2]) ||
				p.Values[i] != float32(value) || p.Times[i] != time {
				t.Fatalf("%d workers: row %d is not %v", workers, i, rec)
			}
		}
		if !reflect.DeepEqual(p.UserIDs, users.IDs()) || !reflect.DeepEqual(p.ItemIDs, items.IDs()) || !reflect.DeepEqual(p.EventTypes, types.IDs()) {
			t.Errorf("%d workers: other dictionaries", workers)
		}
	}
}

func TestReadPartFindsDamage(t *testing.T) {
	s := mustSchema(t, "", "Interactions", with(event, "EVENT_VALUE float")...)
	p, b, err := importAll(t, s, ImportOptions{}, randomInteractions(rand.New(rand.NewPCG(1, 2)), 300))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(b); i += 3 {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		got, err := ReadPart(bytes.NewReader(bad), int64(len(bad)), s)
		if err == nil && !reflect.DeepEqual(got, p) { // a changed statistic harms nobody
			t.Errorf("byte %d was changed, and other data was read", i)
		}
		if _, err := ReadPart(bytes.NewReader(b[:i]), int64(i), s); err == nil {
			t.Errorf("the file was cut at %d and nobody saw it", i)
		}
	}
}

func TestReadPartWithAnotherSchema(t *testing.T) {
	_, b, err := importAll(t, mustSchema(t, "", "Users", "USER_ID string", "AGE int"), ImportOptions{}, "USER_ID,AGE\nu,5\n")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string, fields ...string) (*Part, error) {
		return ReadPart(bytes.NewReader(b), int64(len(b)), mustSchema(t, "", name, fields...))
	}
	p, err := read("Users", "USER_ID string", "AGE int", "NEW null|string")
	if err != nil || !reflect.DeepEqual(p.Cells[0], Row{{Kind: String, Str: "u"}, {Kind: Int, Num: 5, Int: 5}, {}}) {
		t.Errorf("with one more column: %+v, %v", p, err)
	}
	p, err = read("Users", "NEW null|string", "AGE int", "USER_ID string")
	if err != nil || !reflect.DeepEqual(p.Cells[0], Row{{}, {Kind: Int, Num: 5, Int: 5}, {Kind: String, Str: "u"}}) {
		t.Errorf("with the columns in another order: %+v, %v", p, err)
	}
	if _, err := read("Users", "USER_ID string", "AGE long"); err == nil {
		t.Error("an int was read as long")
	}
	if _, err := read("Users", "USER_ID string", "AGE int", "NEW int"); err == nil {
		t.Error("a column that must not be null was read from a part without it")
	}
	if _, err := read("Items", "ITEM_ID string", "AGE int"); err == nil {
		t.Error("users were read as items")
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte("1,a,b,1,2,3,4,true\n"), byte(9))
	f.Add([]byte("\"1\",\"a\"\"\\\"\n\",b,,,,,\r\n\n2,,,,,,,"), byte(3))
	s := itemSchema(f)
	f.Fuzz(func(t *testing.T, body []byte, chunk byte) {
		text := itemHeader + string(body)
		one, b1, err1 := importAll(t, s, ImportOptions{Workers: 1, chunk: int64(chunk) + 1}, text)
		two, b2, err2 := importAll(t, s, ImportOptions{Workers: 3, chunk: int64(chunk) + 1}, text)
		if (err1 == nil) != (err2 == nil) || err1 != nil && err1.Error() != err2.Error() {
			t.Fatalf("1 worker: %v; 3 workers: %v", err1, err2)
		}
		if !reflect.DeepEqual(one, two) || !bytes.Equal(b1, b2) {
			t.Error("the workers disagree")
		}
		whole, _, err := importAll(t, s, ImportOptions{Workers: 1}, text)
		if (err == nil) != (err1 == nil) || !reflect.DeepEqual(whole, one) {
			t.Errorf("in one chunk: %v; in many: %v", err, err1)
		}
	})
}

// FuzzReadPart has damaged parts answered with an error or read as they were.
func FuzzReadPart(f *testing.F) {
	s := itemSchema(f)
	_, b, err := importAll(f, s, ImportOptions{}, itemHeader+"1,a|b,text,-7,9007199254740993,.5,1e300,true\n2,,,,,,,\n")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, 0, byte(0))
	f.Add(b, len(b)/2, byte(1))
	f.Add(b, len(b)-9, byte(0x80))
	f.Add(b[:len(b)/2], 3, byte(1))
	whole, err := ReadPart(bytes.NewReader(b), int64(len(b)), s)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file []byte, at int, flip byte) {
		if len(file) == 0 || len(file) > 1<<16 {
			return
		}
		own := bytes.Equal(file, b)
		file = bytes.Clone(file)
		file[uint(at)%uint(len(file))] ^= flip
		p, err := ReadPart(bytes.NewReader(file), int64(len(file)), s)
		if err == nil && own && !reflect.DeepEqual(p, whole) {
			t.Error("one byte was changed, and other data was read")
		}
	})
}
