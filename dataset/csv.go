package dataset

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// File is one CSV or Parquet file of an import, opened by the caller: this room opens no
// blobs. Name is used in messages.
type File struct {
	Name string
	R    io.ReaderAt
	Size int64
}

// RowError is one bad place in the customer's files.
type RowError struct {
	File   string
	Line   int64 // 1 is the header; the row, from 1 on, where Row is set
	Row    bool  // of a Parquet file, which has no lines
	Column string
	Value  string // shortened
	Want   string // what was expected, and a hint how to mend it
}

func (e RowError) Error() string {
	var b strings.Builder
	place := "line"
	if e.Row {
		place = "row"
	}
	fmt.Fprintf(&b, "%s, %s %d", e.File, place, e.Line)
	if e.Column != "" {
		fmt.Fprintf(&b, ", column %s", e.Column)
	}
	if e.Value != "" {
		fmt.Fprintf(&b, ", value %s", e.Value)
	}
	return b.String() + ": " + e.Want
}

// ImportError says why files could not be imported: the first ten bad places
// and how many there are. Its text is the import job's failureReason.
type ImportError struct {
	Msg   string // for errors that are not about rows, for example missing columns
	Rows  []RowError
	Total int64
}

func (e *ImportError) Error() string {
	if len(e.Rows) == 0 {
		return e.Msg
	}
	var b strings.Builder
	if e.Msg != "" {
		b.WriteString(e.Msg + " ")
	}
	if e.Total == 1 {
		b.WriteString("Input CSV has 1 bad value.")
	} else {
		fmt.Fprintf(&b, "Input CSV has %d bad values.", e.Total)
	}
	if n := int64(len(e.Rows)); n < e.Total {
		fmt.Fprintf(&b, " The first %d:", n)
	}
	for i, r := range e.Rows {
		if len(e.Rows) > 1 {
			b.WriteString(" (" + strconv.Itoa(i+1) + ")")
		}
		b.WriteString(" " + r.Error() + ".")
	}
	return b.String()
}

func importError(format string, args ...any) error {
	return &ImportError{Msg: fmt.Sprintf(format, args...)}
}

// ImportOptions configure Import.
type ImportOptions struct {
	MinRows  int64                                   // fewer rows are refused
	Workers  int                                     // 0: one for each CPU
	Progress func(doneBytes, totalBytes, rows int64) // may be nil; never called twice at once
	Written  func(done, total int64)                 // rows of the part; may be nil
	Now      int64                                   // Unix seconds, to recognise times in milliseconds
	MaxBad   int64                                   // so many bad rows are left out before the import is refused
	Report   *Report                                 // if not nil: filled with what was found, also when the import is refused

	chunk int64 // bytes that a worker reads at once; only tests set it
}

// Report says what was found in the files of an import.
type Report struct {
	Rows      int64      // that are good
	BadRows   int64      // that were left out, or for which the import was refused
	BadValues int64      // in them
	Bad       []RowError // the first 100, in the order of files and lines
}

const (
	mostRowErrors = 10  // in an ImportError
	mostReported  = 100 // in a Report
	chunkBytes    = 4 << 20
	maxLine       = 8 << 20
)

// Import reads CSV files with a header, and Parquet files, by the schema and writes one part to w.
// A customer's mistake is an *ImportError; nothing of w is then of use. The
// number of rows is returned. When ctx is done, it stops soon with its cause.
//
// Workers take chunks of files, cut on line borders, and number ids in
// dictionaries of their own. Afterwards the chunks are gone through in the order
// of the files and all numbers become those of first appearance, so that the
// bytes written do not depend on the number of workers.
func Import(ctx context.Context, files []File, s *Schema, w io.Writer, opt ImportOptions) (rows int64, err error) {
	in := newImporter(s, opt)
	if err := in.judge(ctx, files); err != nil {
		return 0, err
	}
	data, err := in.number(ctx)
	if err != nil {
		return 0, err
	}
	if err := writePart(ctx, w, s, data, opt.Written); err != nil {
		return 0, err
	}
	return data.rows, nil
}

// Check judges files as Import does and writes nothing. A customer's mistake is an
// *ImportError, as there; the report is good in either case.
func Check(ctx context.Context, files []File, s *Schema, opt ImportOptions) (*Report, error) {
	report := &Report{}
	opt.Report = report
	return report, newImporter(s, opt).judge(ctx, files)
}

func newImporter(s *Schema, opt ImportOptions) *importer {
	in := &importer{schema: s, opt: opt, workers: cmp.Or(opt.Workers, runtime.GOMAXPROCS(0)), last: lastTime}
	in.opt.chunk = cmp.Or(opt.chunk, chunkBytes)
	if opt.Now > 0 {
		in.last = opt.Now + century
	}
	return in
}

// judge reads the files and says whether they can be imported.
func (in *importer) judge(ctx context.Context, files []File) error {
	if err := in.open(files); err != nil {
		return err
	}
	if err := in.read(ctx); err != nil {
		return err
	}
	return in.verdict()
}

// importer is one call of Import.
type importer struct {
	schema  *Schema
	opt     ImportOptions
	workers int
	last    int64 // the last second that is taken for a time
	files   []*source
	readers []*chunkReader // one for each worker

	mu    sync.Mutex
	err   error // the first that is not the customer's mistake
	total int64
}

// source is one file and what was read from it.
type source struct {
	File
	header  header
	parquet *parquetFile // nil: a CSV
	chunks  []*chunk     // in file order
	quoted  bool         // a quote was seen: importer.mu
	done    int64        // bytes read: importer.mu
	rows    int64        // importer.mu
}

// open reads the files' headers.
func (in *importer) open(files []File) error {
	if len(files) == 0 {
		return importError("Invalid Data location. No CSV file was found there.")
	}
	for _, f := range files {
		src, err := in.openFile(f)
		if err != nil {
			return err
		}
		if len(in.files) > 0 {
			if err := src.header.sameColumns(f.Name, in.files[0]); err != nil {
				return err
			}
		}
		in.files = append(in.files, src)
		in.total += f.Size
	}
	return nil
}

func (in *importer) openFile(f File) (*source, error) {
	isParquet, err := isParquet(f)
	if err != nil {
		return nil, err
	}
	if isParquet {
		h, p, err := openParquet(f, in.schema)
		if err != nil {
			return nil, err
		}
		return &source{File: f, header: h, parquet: p, chunks: make([]*chunk, len(p.file.RowGroups()))}, nil
	}
	h, err := readHeader(f, in.schema)
	if err != nil {
		return nil, err
	}
	n := (f.Size - h.size + in.opt.chunk - 1) / in.opt.chunk
	return &source{File: f, header: h, chunks: make([]*chunk, n), done: h.size}, nil
}

// read fills the chunks of all files: first those of Parquet and those without
// quotes, in parallel chunks; then files that turned out to have quotes, where a line break need not
// end a record, each from its beginning.
func (in *importer) read(ctx context.Context) error {
	in.readers = make([]*chunkReader, in.workers)
	for i := range in.readers {
		in.readers[i] = newChunkReader(in, i)
	}
	type task struct {
		src *source
		k   int
	}
	var tasks []task
	for _, src := range in.files {
		for k := range src.chunks {
			tasks = append(tasks, task{src, k})
		}
	}
	in.parallel(ctx, len(tasks), func(worker, i int) error {
		t := tasks[i]
		if t.src.parquet != nil {
			return in.readers[worker].parquet(t.src, t.k)
		}
		return in.readers[worker].plain(t.src, t.k)
	})
	var quoted []*source
	for _, src := range in.files {
		if src.quoted {
			quoted = append(quoted, src)
		}
	}
	in.parallel(ctx, len(quoted), func(worker, i int) error {
		return in.readers[worker].quoted(ctx, quoted[i])
	})
	if in.err != nil {
		return in.err
	}
	return nil
}

// parallel runs n tasks on the workers until one fails or ctx is done. The first
// error is kept in in.err.
func (in *importer) parallel(ctx context.Context, n int, run func(worker, i int) error) {
	next := make(chan int)
	var wg sync.WaitGroup
	for worker := range in.workers {
		wg.Go(func() {
			for i := range next {
				if in.failed() {
					continue
				}
				if err := run(worker, i); err != nil {
					in.fail(err)
				}
			}
		})
	}
	for i := 0; i < n && !in.failed(); i++ {
		if ctx.Err() != nil {
			in.fail(context.Cause(ctx))
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		in.fail(context.Cause(ctx))
	}
}

func (in *importer) failed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err != nil
}

func (in *importer) fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
	}
}

// progress counts what was read of src and tells the caller.
func (in *importer) progress(src *source, bytes, rows int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	src.done += bytes
	src.rows += rows
	if in.opt.Progress == nil {
		return
	}
	var allBytes, allRows int64
	for _, f := range in.files {
		allBytes += f.done
		allRows += f.rows
	}
	in.opt.Progress(allBytes, in.total, allRows)
}

// sawQuote notes that a file has to be read anew, record by record.
func (in *importer) sawQuote(src *source) {
	in.mu.Lock()
	defer in.mu.Unlock()
	src.quoted, src.done, src.rows = true, src.header.size, 0
}

func (in *importer) isQuoted(src *source) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return src.quoted
}

// report collects the rows and the bad places of all chunks in order.
func (in *importer) report() *Report {
	out := &Report{}
	for _, src := range in.files {
		line := int64(1) // the header
		if src.parquet != nil {
			line = 0
		}
		for _, c := range src.chunks {
			for _, e := range c.bad {
				if len(out.Bad) < mostReported {
					e.Line += line
					out.Bad = append(out.Bad, e)
				}
			}
			out.Rows += int64(c.rows)
			out.BadRows += c.badRows
			out.BadValues += c.badTotal
			line += c.lines
		}
	}
	return out
}

// verdict says whether what was read can be imported.
func (in *importer) verdict() error {
	found := in.report()
	if in.opt.Report != nil {
		*in.opt.Report = *found
	}
	rows := found.Rows
	switch {
	case found.BadRows > in.opt.MaxBad || in.torn():
		bad := &ImportError{Rows: found.Bad[:min(len(found.Bad), mostRowErrors)], Total: found.BadValues}
		if in.opt.MaxBad > 0 {
			bad.Msg = fmt.Sprintf("%d rows are bad, and at most %d may be left out.", found.BadRows, in.opt.MaxBad)
		}
		return bad
	case rows < in.opt.MinRows:
		what := "rows"
		if in.schema.Type == Interactions {
			what = "interactions"
		}
		return importError("Input CSV has fewer than %d %s: %d rows were found. Import at least %[1]d %[2]s.", in.opt.MinRows, what, rows)
	case rows > int64(NoIndex)-1:
		return importError("Input CSV has %d rows. One import takes at most %d; use several imports.", rows, NoIndex-1)
	}
	return nil
}

// torn says whether it is not known where the rows of a file end, so that none of
// them can be left out.
func (in *importer) torn() bool {
	for _, src := range in.files {
		for _, c := range src.chunks {
			if c.torn {
				return true
			}
		}
	}
	return false
}
