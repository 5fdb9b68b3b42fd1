package evaluate

import (
	"bytes"
	"compress/gzip"
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"usher/dataset"
)

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadFolder(t *testing.T) {
	dir := fstest.MapFS{
		"interactions/a.csv.gz": {Data: zipped(t, "userId,movieId,rating,timestamp\r\nann,x,3.5,20\r\nann,y,,10\r\nann,x,3.5,20\r\n")},
		"interactions/b.csv":    {Data: []byte("USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP\nbob,\"z, the last\",1,5\n")},
		"films.csv":             {Data: []byte("movieId,title,YEAR,genres\nx,\"A, film\",1999,a|b\nnew,B,2001,a\ny,C,2001,a\nq,C,2001,b\n")},
		"users/u.csv":           {Data: []byte("USER_ID,AGE\nbob,31\nann,\n")},
		"README.txt":            {Data: []byte("nothing")},
		"schema.json":           {Data: []byte(`{"type":"record","name":"Users","fields":[{"name":"USER_ID","type":"string"},{"name":"AGE","type":["null","int"]}]}`)},
	}
	s, err := ReadFolder(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	h := s.History(0)
	if s.Users() != 2 || s.Items() != 5 || len(s.Events) != 3 || len(h) != 2 {
		t.Fatalf("%d users, %d items, %d events", s.Users(), s.Items(), len(s.Events))
	}
	if s.ItemIDs[h[0].Item] != "y" || h[0].Value == h[0].Value || h[1].Value != 3.5 {
		t.Errorf("the first user's history is %+v", h)
	}
	row := s.ItemTable.Row(0)
	fields := s.ItemTable.Schema.Fields
	at := s.ItemTable.Schema.Column
	if row[at("title")].Str != "A, film" || row[at("YEAR")].Num != 1999 || !fields[at("genres")].Categorical || fields[at("YEAR")].Kind != dataset.Double {
		t.Errorf("item x is %+v of %+v", row, fields)
	}
	if got := s.UserTable.Row(1)[1]; got.Kind != dataset.Int || got.Int != 31 {
		t.Errorf("bob's age is %+v", got)
	}
}

func TestReadFolderRefuses(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"nothing", "a.txt", "", "no CSV file has interactions"},
		{"no time", "a.csv", "USER_ID,ITEM_ID\na,b\n", "no column TIMESTAMP"},
		{"other columns", "a.csv", "x,y\n1,2\n", "neither USER_ID nor ITEM_ID"},
		{"a bad row", "a.csv", "USER_ID,ITEM_ID,TIMESTAMP\na,b,soon\n", "line 2, column TIMESTAMP"},
		{"not gzip", "a.csv.gz", "USER_ID", "read a.csv.gz"},
		{"an empty file", "a.csv", "", "read a.csv: the first line, which names the columns, is empty"},
		{"semicolons", "a.csv", "USER_ID;ITEM_ID;TIMESTAMP\na;b;1\n", "columns are separated by commas"},
		{"Parquet", "a.csv", "PAR1\x15\x04", "it is a Parquet file"},
		{"a broken schema", "a.json", `{"type":"record","name":"Users","fields":[{"name":"AGE","type":"int"}]}`, "read the schema in a.json: "},
	} {
		_, err := ReadFolder(context.Background(), fstest.MapFS{c.file: {Data: []byte(c.text)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestTwoFilesOfAKind: with the same columns, in any order, they are one; with others
// it is not known which one is meant.
func TestTwoFilesOfAKind(t *testing.T) {
	films := &fstest.MapFile{Data: []byte("movieId,title\nx,A\n")}
	ratings := &fstest.MapFile{Data: []byte("userId,movieId,timestamp\nann,x,1\n")}
	more := &fstest.MapFile{Data: []byte("timestamp,userId,movieId\n2,bob,x\n")}
	s, err := ReadFolder(context.Background(), fstest.MapFS{"films.csv": films, "more.csv": more, "ratings.csv": ratings})
	if err != nil || len(s.Events) != 2 {
		t.Errorf("%d events, %v", len(s.Events), err)
	}
	_, err = ReadFolder(context.Background(), fstest.MapFS{"films.csv": films, "links.csv": {Data: []byte("movieId,url\nx,u\n")}, "ratings.csv": ratings})
	want := `read links.csv: it has items as films.csv has, with other columns: "ITEM_ID,url" here, "ITEM_ID,title" there; name the files that you mean on the command line`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestReadFiles: named files are read whatever their names end in, gzipped ones too.
func TestReadFiles(t *testing.T) {
	s, err := ReadFiles(context.Background(), fstest.MapFS{
		"events.txt":  {Data: zipped(t, "time,contentId,personId,sessionId\n7,x,ann,s1\n")},
		"schema.avsc": {Data: []byte(`{"type":"record","name":"Items","fields":[{"name":"ITEM_ID","type":"string"},{"name":"SIZE","type":"int"}]}`)},
		"items":       {Data: []byte("ITEM_ID,SIZE\nx,4\n")},
	}, "events.txt", "schema.avsc", "items")
	if err != nil {
		t.Fatal(err)
	}
	if s.UserIDs[0] != "ann" || s.ContextTable == nil || s.ContextTable.Schema.Fields[0].Name != "sessionId" {
		t.Errorf("users %q, context %+v", s.UserIDs, s.ContextTable)
	}
	if f := s.ItemTable.Schema.Fields; f[1].Kind != dataset.Int {
		t.Errorf("the schema does not count: %+v", f)
	}
	if _, err := ReadFiles(context.Background(), fstest.MapFS{"a.txt": {Data: []byte("x,y\n")}}, "a.txt"); err == nil || !strings.Contains(err.Error(), "read a.txt") {
		t.Errorf("a named file that is no table: %v", err)
	}
}

// TestColumns: what a column is, by its cells.
func TestColumns(t *testing.T) {
	text := "ITEM_ID,PRICE,GENRE,DESCRIPTION,SOLD_OUT\n" + strings.Repeat("x,1.5,drama|war,"+strings.Repeat("long words ", 8)+",\n", 30)
	g := group{}
	if err := g.add("items.csv", []byte(text)); err != nil {
		t.Fatal(err)
	}
	s := columns(dataset.Items, g.files[1])
	for name, want := range map[string]dataset.Field{
		"ITEM_ID":     {Kind: dataset.String},
		"PRICE":       {Kind: dataset.Double, Nullable: true},
		"GENRE":       {Kind: dataset.String, Nullable: true, Categorical: true},
		"DESCRIPTION": {Kind: dataset.String, Nullable: true, Textual: true},
		"SOLD_OUT":    {Kind: dataset.String, Nullable: true, Categorical: true},
	} {
		want.Name = name
		if got := s.Fields[s.Column(name)]; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// TestReadFolderReadsImpressions: of items that are known, in files of events or of items.
func TestReadFolderReadsImpressions(t *testing.T) {
	s, err := ReadFolder(context.Background(), fstest.MapFS{
		"a.csv": {Data: []byte("USER_ID,ITEM_ID,TIMESTAMP,IMPRESSION\nann,x,20,y|x|never\nann,y,10,x|q\nbob,x,5,\n")},
		"b.csv": {Data: []byte("ITEM_ID,GENRE\nq,a\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range s.Shown.Of(0) {
		got = append(got, s.ItemIDs[x.Item])
	}
	if strings.Join(got, " ") != "x q y" || len(s.Shown.Of(1)) > 0 {
		t.Errorf("ann was shown %q, bob %v", got, s.Shown.Of(1))
	}
}
