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

// File is one CSV file of an import, opened by the caller: this room opens no
// blobs. Name is used in messages.
type File struct {
	Name string
	R    io.ReaderAt
	Size int64
}

// RowError is one bad place in the customer's files.
type RowError struct {
	File   string
	Line   int64 // 1 is the header
	Column string
	Value  string // shortened
	Want   string // what was expected, and a hint how to mend it
}

func (e RowError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, line %d", e.File, e.Line)
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
	Now      int64                                   // Unix seconds, to recognise times in milliseconds

	chunk int64 // bytes that a worker reads at once; only tests set it
}

const (
	mostRowErrors = 10
	chunkBytes    = 4 << 20
	maxLine       = 8 << 20
)

// Import reads CSV files with a header by the schema and writes one part to w.
// A customer's mistake is an *ImportError; nothing of w is then of use. The
// number of rows is returned. When ctx is done, it stops soon with its cause.
//
// Workers take chunks of files, cut on line borders, and number ids in
// dictionaries of their own. Afterwards the chunks are gone through in the order
// of the files and all numbers become those of first appearance, so that the
// bytes written do not depend on the number of workers.
func Import(ctx context.Context, files []File, s *Schema, w io.Writer, opt ImportOptions) (rows int64, err error) {
	in := &importer{schema: s, opt: opt, workers: cmp.Or(opt.Workers, runtime.GOMAXPROCS(0))}
	in.opt.chunk = cmp.Or(opt.chunk, chunkBytes)
	in.last = lastTime
	if opt.Now > 0 {
		in.last = opt.Now + century
	}
	if err := in.open(files); err != nil {
		return 0, err
	}
	if err := in.read(ctx); err != nil {
		return 0, err
	}
	if err := in.verdict(); err != nil {
		return 0, err
	}
	data, err := in.number(ctx)
	if err != nil {
		return 0, err
	}
	if err := writePart(ctx, w, s, data); err != nil {
		return 0, err
	}
	return data.rows, nil
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
	header header
	chunks []*chunk // in file order
	quoted bool     // a quote was seen: importer.mu
	done   int64    // bytes read: importer.mu
	rows   int64    // importer.mu
}

// open reads the files' headers.
func (in *importer) open(files []File) error {
	if len(files) == 0 {
		return importError("Invalid Data location. No CSV file was found there.")
	}
	for _, f := range files {
		h, err := readHeader(f, in.schema)
		if err != nil {
			return err
		}
		if len(in.files) > 0 {
			if err := h.sameColumns(f.Name, in.files[0]); err != nil {
				return err
			}
		}
		n := (f.Size - h.size + in.opt.chunk - 1) / in.opt.chunk
		in.files = append(in.files, &source{File: f, header: h, chunks: make([]*chunk, n), done: h.size})
		in.total += f.Size
	}
	return nil
}

// read fills the chunks of all files: first those without quotes in parallel
// chunks; then files that turned out to have quotes, where a line break need not
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
		return in.readers[worker].plain(tasks[i].src, tasks[i].k)
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

// verdict collects the bad places of all chunks in order.
func (in *importer) verdict() error {
	bad := &ImportError{}
	var rows int64
	for _, src := range in.files {
		line := int64(1)
		for _, c := range src.chunks {
			for _, e := range c.bad {
				if len(bad.Rows) < mostRowErrors {
					e.Line += line
					bad.Rows = append(bad.Rows, e)
				}
			}
			bad.Total += c.badTotal
			line += c.lines
			rows += int64(c.rows)
		}
	}
	if bad.Total > 0 {
		return bad
	}
	if rows < in.opt.MinRows {
		what := "rows"
		if in.schema.Type == Interactions {
			what = "interactions"
		}
		return importError("Input CSV has fewer than %d %s: %d rows were found. Import at least %[1]d %[2]s.", in.opt.MinRows, what, rows)
	}
	if rows > int64(NoIndex)-1 {
		return importError("Input CSV has %d rows. One import takes at most %d; use several imports.", rows, NoIndex-1)
	}
	return nil
}
