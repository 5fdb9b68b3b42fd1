//go:build unix

package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
)

// duckDB is DuckDB's side of BenchmarkImport: CSV into Parquet with zstd. It prints
// the CPU seconds of the statement alone.
const duckDB = `
import sys, time, duckdb
c = duckdb.connect()
c.execute("SET threads=2")
c.execute("SET enable_progress_bar=false")
cpu = time.process_time()
c.execute(f"COPY (SELECT * FROM read_csv('{sys.argv[1]}', header=true, columns={{'USER_ID':'VARCHAR',"
          "'ITEM_ID':'VARCHAR','EVENT_TYPE':'VARCHAR','EVENT_VALUE':'FLOAT','TIMESTAMP':'BIGINT'}))"
          f" TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd)")
print(time.process_time() - cpu)
`

// BenchmarkImport imports interactions, as an import job does, in turns with DuckDB
// writing the same CSV as Parquet. USHER_DUCKDB names a Python that has DuckDB;
// without it there is no ratio. Of both the processor's seconds count.
func BenchmarkImport(b *testing.B) {
	python := os.Getenv("USHER_DUCKDB")
	for _, millions := range []int64{1, 3, 10} {
		b.Run(strconv.FormatInt(millions, 10)+"m", func(b *testing.B) {
			csv := makeCSV(b, millions*1_000_000)
			part, parquet := filepath.Join(b.TempDir(), "part"), filepath.Join(b.TempDir(), "duck.parquet")
			for b.Loop() {
				var mine, theirs []float64
				for range rounds {
					mine = append(mine, importCSV(b, csv, part))
					if python != "" {
						theirs = append(theirs, duckImport(b, python, csv, parquet))
					}
				}
				b.ReportMetric(median(mine), "usher-cpu-s")
				b.ReportMetric(median(mine)/float64(millions), "cpu-s/Mrow")
				if python != "" {
					b.ReportMetric(median(theirs), "duckdb-cpu-s")
					b.ReportMetric(median(mine)/median(theirs), "ratio")
					b.ReportMetric(size(b, part)/size(b, parquet), "size-ratio")
				}
			}
		})
	}
}

// BenchmarkImportLarge imports 100 million interactions once and gives the most
// memory that this process has had. It has to run alone.
func BenchmarkImportLarge(b *testing.B) {
	const millions = 100
	csv := makeCSV(b, millions*1_000_000)
	for b.Loop() {
		cpu := importCSV(b, csv, filepath.Join(b.TempDir(), "part"))
		b.ReportMetric(cpu, "usher-cpu-s")
		b.ReportMetric(cpu/millions, "cpu-s/Mrow")
		b.ReportMetric(float64(usage(b).Maxrss)/(1<<20), "GiB") // KiB on Linux
	}
}

func makeCSV(b *testing.B, rows int64) string {
	name := filepath.Join(b.TempDir(), "interactions.csv")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(WriteInteractions(f, rows, seed.Seed(1)), f.Close()); err != nil {
		b.Fatal(err)
	}
	return name
}

// importCSV makes a part of a CSV file and gives the CPU seconds.
func importCSV(b *testing.B, csv, part string) float64 {
	before := cpuSeconds(b)
	if err := writePart(b.Context(), csv, part); err != nil {
		b.Fatal(err)
	}
	return cpuSeconds(b) - before
}

func writePart(ctx context.Context, csv, part string) error {
	s, err := dataset.ParseSchema(InteractionsSchema, "")
	if err != nil {
		return err
	}
	in, err := os.Open(csv)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.Create(part)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	_, err = dataset.Import(ctx, []dataset.File{{Name: csv, R: in, Size: info.Size()}}, s, w, dataset.ImportOptions{})
	return errors.Join(err, w.Flush(), out.Sync(), out.Close())
}

func duckImport(b *testing.B, python, csv, parquet string) float64 {
	out, err := exec.CommandContext(b.Context(), python, "-c", duckDB, csv, parquet).Output()
	if err != nil {
		b.Fatal(fmt.Errorf("run DuckDB: %w", err))
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return seconds
}

func usage(b *testing.B) (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

func cpuSeconds(b *testing.B) float64 {
	u := usage(b)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func size(b *testing.B, name string) float64 {
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size())
}
