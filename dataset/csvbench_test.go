package dataset

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkImport compares with what one writes first: encoding/csv and maps.
func BenchmarkImport(b *testing.B) {
	s := mustSchema(b, "", "Interactions", with(event, "EVENT_VALUE float")...)
	const rows = 300_000
	text := randomInteractions(rand.New(rand.NewPCG(3, 4)), rows)
	var part bytes.Buffer
	if _, err := Import(context.Background(), files(text), s, &part, ImportOptions{}); err != nil {
		b.Fatal(err)
	}
	for name, run := range map[string]func() error{
		"import": func() error {
			_, err := Import(context.Background(), files(text), s, io.Discard, ImportOptions{Workers: 1})
			return err
		},
		"import without writing": func() error {
			in := &importer{schema: s, workers: 1, last: lastTime, opt: ImportOptions{chunk: chunkBytes}}
			err := in.open(files(text))
			if err == nil {
				err = in.read(context.Background())
			}
			if err == nil {
				_, err = in.number(context.Background())
			}
			return err
		},
		"csv+map without writing": func() error { return plainImport(text) },
		"read part": func() error {
			_, err := ReadPart(bytes.NewReader(part.Bytes()), int64(part.Len()), s)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

func plainImport(text string) error {
	r := csv.NewReader(strings.NewReader(text))
	r.ReuseRecord = true
	dicts := [3]map[string]uint32{{}, {}, {}}
	var refs [3][]uint32
	var values []float32
	var times []int64
	if _, err := r.Read(); err != nil {
		return err
	}
	for {
		rec, err := r.Read()
		if err == io.EOF {
			if len(values) != len(refs[0]) || len(times) != len(refs[0]) {
				return errors.New("columns of different lengths")
			}
			return nil
		}
		if err != nil {
			return err
		}
		for i := range dicts {
			n, ok := dicts[i][rec[i]]
			if !ok {
				n = uint32(len(dicts[i]))
				dicts[i][strings.Clone(rec[i])] = n
			}
			refs[i] = append(refs[i], n)
		}
		v, err := strconv.ParseFloat(rec[3], 32)
		if err != nil {
			return err
		}
		ts, err := strconv.ParseInt(rec[4], 10, 64)
		if err != nil {
			return err
		}
		values, times = append(values, float32(v)), append(times, ts)
	}
}
