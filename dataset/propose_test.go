package dataset

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func fields(s *Schema) (list []string) {
	for _, f := range s.Fields {
		text := f.Name + " "
		if f.Nullable {
			text += "null|"
		}
		text += string(f.Kind)
		for name, on := range map[string]bool{" categorical": f.Categorical, " textual": f.Textual} {
			if on {
				text += name
			}
		}
		list = append(list, text)
	}
	return list
}

func TestPropose(t *testing.T) {
	long := strings.Repeat("a long text ", 9)
	for name, c := range map[string]struct {
		text    string
		fields  []string
		remarks []string
	}{
		"interactions": {"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE,DEVICE\nu,i,1700000000,view,,tv\n\"u\",j,1700000001,buy,2.5,\n",
			[]string{"USER_ID string", "ITEM_ID string", "TIMESTAMP long", "EVENT_TYPE string", "EVENT_VALUE null|float", "DEVICE null|string categorical"}, nil},
		"MovieLens": {"userId,movieId,rating,timestamp\n1,2,3.5,1700000000000\n",
			[]string{"USER_ID string", "ITEM_ID string", "EVENT_VALUE float", "TIMESTAMP long"},
			[]string{`"userId" to USER_ID`, `"movieId" to ITEM_ID`, `"rating" to EVENT_VALUE`, "looks like milliseconds: write Unix seconds, for example 1700000000", `"timestamp" to TIMESTAMP`}},
		"items": {"ITEM_ID,genres,Page Count,big,price,in-stock,2nd,plot\na,x|y,7,3000000000,1.5,true,,\"" + long + "\"\nb,x,,1,2,false,,\"" + long + "\"\n",
			[]string{"ITEM_ID string", "GENRES string categorical", "PAGE_COUNT null|int", "BIG long", "PRICE float", "IN_STOCK boolean", "COLUMN_2ND null|string categorical", "PLOT string textual"},
			[]string{`"genres" to GENRES`, `"Page Count" to PAGE_COUNT`, "BIG", "PRICE", "IN_STOCK", "COLUMN_2ND", "PLOT"}},
		"users":   {"USER_ID,AGE\nu,7\nv,\n", []string{"USER_ID string", "AGE null|int"}, nil},
		"actions": {"ACTION_ID,VALUE,KIND\na,3,x\n", []string{"ACTION_ID string", "VALUE long", "KIND string categorical"}, nil},
		"what users did with actions": {"USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP\nu,a,Taken,5\n",
			[]string{"USER_ID string", "ACTION_ID string", "EVENT_TYPE string", "TIMESTAMP long"}, nil},
		"what has to be mended": {"USER_ID,ITEM_ID,TIMESTAMP,a,b,c,d,e,f,A\nu,,soon,1,1,1,1,1,1,1\n",
			[]string{"USER_ID string", "ITEM_ID string", "TIMESTAMP long", "A int", "B int", "C int", "D int", "E int"},
			[]string{"1 rows have nothing in ITEM_ID", "TIMESTAMP has other values than numbers of the type long", `"a" to A`, "B", "C", "D", "E", `"f" is left out: a dataset of type INTERACTIONS can have at most 5`, `"A" is left out: another one`}},
	} {
		p, err := Propose(files(c.text)[0], "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s, err := ParseSchema(p.Schema, "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := fields(s); !reflect.DeepEqual(got, c.fields) {
			t.Errorf("%s: got %q, want %q", name, got, c.fields)
		}
		if len(p.Remarks) != len(c.remarks) {
			t.Errorf("%s: remarks %q, want %q", name, p.Remarks, c.remarks)
			continue
		}
		for i, want := range c.remarks {
			if !strings.Contains(p.Remarks[i], want) {
				t.Errorf("%s: remark %q, want %q", name, p.Remarks[i], want)
			}
		}
		if len(c.remarks) == 0 {
			if _, err := Import(context.Background(), files(c.text), s, io.Discard, ImportOptions{}); err != nil {
				t.Errorf("%s: not a word, but the file is refused: %v", name, err)
			}
		}
	}
}

func TestProposeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\n1,2\n":        "has none of USER_ID, ITEM_ID and ACTION_ID",
		"":                  "has no header",
		"ITEM_ID\ni\n":      "does not make a dataset of type ITEMS: The schema needs at least one metadata field",
		"USER_ID,ITEM_ID\n": "The required field TIMESTAMP is missing",
	} {
		_, err := Propose(files(text)[0], "")
		var bad *ImportError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzPropose: whatever the file, what is proposed is a schema.
func FuzzPropose(f *testing.F) {
	f.Add("USER_ID,ITEM_ID,TIMESTAMP,x y\nu,i,1,\"a\n\"\"b\"\n")
	f.Add("sku,ö,_,1\n,,,\n")
	f.Add("item,\"plot\"\r\n1,\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Propose(files(text)[0], "")
		if err != nil {
			return
		}
		if _, err := ParseSchema(p.Schema, ""); err != nil {
			t.Errorf("%q: proposed %s: %v", text, p.Schema, err)
		}
	})
}
