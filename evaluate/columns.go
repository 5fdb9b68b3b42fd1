package evaluate

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"usher/dataset"
)

// sampleRows is how many rows of each file are looked at to know its columns: all
// of most, because one text makes a column of numbers one of texts.
const sampleRows = 1_000_000

// columns makes a schema for files without one: numbers where every cell is one,
// categories where few texts come often, and texts else.
func columns(kind dataset.Type, files []table) *dataset.Schema {
	s := &dataset.Schema{Type: kind}
	for i, name := range files[0].header {
		if name == "" || slices.Contains(files[0].header[:i], name) {
			continue
		}
		if f, ok := fixed[name]; ok {
			f.Name = name
			s.Fields = append(s.Fields, f)
			continue
		}
		s.Fields = append(s.Fields, guess(name, cells(files, i), kind))
	}
	return s
}

// fixed are the columns whose meaning is known.
var fixed = map[string]dataset.Field{
	"USER_ID":            {Kind: dataset.String},
	"ITEM_ID":            {Kind: dataset.String},
	"TIMESTAMP":          {Kind: dataset.Long},
	"CREATION_TIMESTAMP": {Kind: dataset.Long, Nullable: true},
	"EVENT_TYPE":         {Kind: dataset.String},
	"EVENT_VALUE":        {Kind: dataset.Float, Nullable: true},
	"IMPRESSION":         {Kind: dataset.String, Nullable: true},
}

// cells gives some cells of a column that are not empty.
func cells(files []table, column int) (out []string) {
	for _, t := range files {
		r := csv.NewReader(bytes.NewReader(t.body))
		r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = true, -1, true
		for range sampleRows {
			row, err := r.Read()
			if err == io.EOF {
				break
			}
			if err == nil && column < len(row) && row[column] != "" {
				out = append(out, strings.Clone(row[column]))
			}
		}
	}
	return out
}

// textLength is the mean length from which on a column is text. Categories are
// shorter, and most of them come again.
const textLength = 40

func guess(name string, cells []string, kind dataset.Type) dataset.Field {
	f := dataset.Field{Name: name, Kind: dataset.Double, Nullable: true}
	length := 0
	for _, c := range cells {
		length += len(c)
		if _, err := strconv.ParseFloat(c, 64); err != nil {
			f.Kind = dataset.String
		}
	}
	if f.Kind != dataset.String && len(cells) > 0 {
		return f
	}
	f.Kind = dataset.String
	words := slices.Clone(cells)
	slices.Sort(words)
	different := len(slices.Compact(words))
	f.Textual = kind == dataset.Items && (length > textLength*len(cells) || different*10 > len(cells)*9)
	f.Categorical = !f.Textual
	return f
}
