package recipe

import (
	"context"
	"errors"
	"testing"

	"usher/dataset"
)

func described(texts ...string) *dataset.Table {
	t := dataset.NewTable(&dataset.Schema{Type: dataset.Items, Fields: []dataset.Field{
		{Name: "ITEM_ID", Kind: dataset.String}, {Name: "ABOUT", Kind: dataset.String, Nullable: true, Textual: true}}})
	for i, x := range texts {
		cell := dataset.Value{}
		if x != "" {
			cell = dataset.Value{Kind: dataset.String, Str: x}
		}
		t.Set(dataset.Index(2*i), dataset.Row{{Kind: dataset.String, Str: "i"}, cell})
	}
	return t
}

// TestEmbedded: each different text is asked for once, and a record has the vector of
// its own; the table that was given does not change.
func TestEmbedded(t *testing.T) {
	table := described("one", "", "three", "one")
	var asked []string
	out, err := Embedded(t.Context(), table, func(_ context.Context, texts []string) (v [][]float32, err error) {
		asked = append(asked, texts...)
		for _, x := range texts {
			v = append(v, []float32{float32(len(x)), -1})
		}
		return v, nil
	})
	if err != nil || len(asked) != 2 {
		t.Fatalf("asked for %q, %v", asked, err)
	}
	if f := out.Schema.Fields; len(f) != 3 || f[2].Kind != dataset.Vector || len(table.Schema.Fields) != 2 || len(table.Row(0)) != 2 {
		t.Errorf("columns %+v of %+v", f, table.Schema.Fields)
	}
	for i, want := range map[dataset.Index]float32{0: 3, 4: 5, 6: 3} {
		if x := out.Row(i)[2].Vector(); len(x) != 2 || x[0] != want || x[1] != -1 {
			t.Errorf("vector %v of item %d", x, i)
		}
	}
	if x := out.Row(2)[2]; x.Kind != "" {
		t.Errorf("an item without a text has %v", x)
	}
}

// TestEmbeddedFails: without good vectors the table is what it was.
func TestEmbeddedFails(t *testing.T) {
	table := described("one", "two")
	for name, embed := range map[string]Embed{
		"error":   func(context.Context, []string) ([][]float32, error) { return nil, errors.New("down") },
		"fewer":   func(context.Context, []string) ([][]float32, error) { return [][]float32{{1}}, nil },
		"lengths": func(context.Context, []string) ([][]float32, error) { return [][]float32{{1}, {1, 2}}, nil },
		"empty":   func(context.Context, []string) ([][]float32, error) { return [][]float32{{}, {}}, nil },
	} {
		if out, err := Embedded(t.Context(), table, embed); err == nil || out != table {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
	if out, err := Embedded(t.Context(), table, nil); err != nil || out != table {
		t.Errorf("without an embedder: %v, %v", out, err)
	}
}
