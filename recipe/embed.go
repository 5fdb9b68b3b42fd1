package recipe

import (
	"context"
	"fmt"
	"slices"

	"usher/dataset"
)

// Embed makes vectors of texts, all of one length, each like those of texts that mean
// something similar. It may be asked again for texts that it has been asked for.
type Embed func(ctx context.Context, texts []string) ([][]float32, error)

// Embedded gives a table with a column of vectors beside each textual one. Where the
// embedder fails the table itself is given, with the error: words are learnt from
// anyway.
func Embedded(ctx context.Context, t *dataset.Table, embed Embed) (*dataset.Table, error) {
	if t == nil || t.Schema == nil || embed == nil {
		return t, nil
	}
	out := t
	for at, f := range t.Schema.Fields {
		if !f.Textual {
			continue
		}
		vectors, err := vectorsOf(ctx, t, at, embed)
		if err != nil {
			return t, fmt.Errorf("embed %s: %w", f.Name, err)
		}
		out = withVectors(out, f.Name, vectors)
	}
	return out, nil
}

// vectorsOf asks for the different texts of a column.
func vectorsOf(ctx context.Context, t *dataset.Table, at int, embed Embed) (map[dataset.Index][]float32, error) {
	of := map[string][]dataset.Index{}
	var texts []string
	for i := range dataset.Index(t.Len()) {
		row := t.Row(i)
		if row == nil || row[at].Str == "" {
			continue
		}
		if of[row[at].Str] == nil {
			texts = append(texts, row[at].Str)
		}
		of[row[at].Str] = append(of[row[at].Str], i)
	}
	if len(texts) == 0 {
		return nil, nil
	}
	vectors, err := embed(ctx, texts)
	if err != nil {
		return nil, err
	}
	if len(vectors) != len(texts) {
		return nil, fmt.Errorf("%d vectors for %d texts", len(vectors), len(texts))
	}
	out := map[dataset.Index][]float32{}
	for k, x := range vectors {
		if len(x) == 0 || len(x) != len(vectors[0]) {
			return nil, fmt.Errorf("vectors of %d and %d numbers", len(vectors[0]), len(x))
		}
		for _, i := range of[texts[k]] {
			out[i] = x
		}
	}
	return out, nil
}

// withVectors gives a table with a column more.
func withVectors(t *dataset.Table, name string, vectors map[dataset.Index][]float32) *dataset.Table {
	s := &dataset.Schema{Type: t.Schema.Type, Domain: t.Schema.Domain,
		Fields: append(slices.Clone(t.Schema.Fields), dataset.Field{Name: name + " vector", Kind: dataset.Vector, Nullable: true})}
	out := dataset.NewTable(s)
	for i := range dataset.Index(t.Len()) {
		row := t.Row(i)
		if row == nil {
			continue
		}
		cell := dataset.Value{}
		if x := vectors[i]; x != nil {
			cell = dataset.VectorValue(x)
		}
		out.Set(i, append(slices.Clip(row), cell))
	}
	return out
}
