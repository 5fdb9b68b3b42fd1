package dataset

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"unicode/utf8"
)

// record takes a CSV record apart that may have quotes, line by line. Inside
// quotes \" and "" are a quote, \\ is a backslash, a line break stays; outside,
// quotes and backslashes are ordinary.
type record struct {
	text  []byte // of all fields from begin on, without quotes and escapes
	begin int
	ends  []int
	state recordState
}

type recordState byte

const (
	fieldBegins recordState = iota
	inField
	inQuotes
	behindQuote
)

// reset makes ready for the next record. Where keep is set, what slices of the text
// say stays.
func (r *record) reset(keep bool) {
	r.begin = len(r.text)
	if !keep {
		r.begin = 0
	}
	r.text, r.ends, r.state = r.text[:r.begin], r.ends[:0], fieldBegins
}

func (r *record) endField() {
	r.ends = append(r.ends, len(r.text))
	r.state = fieldBegins
}

// add takes the next line, its end included. done says that the record is
// complete; a wrong record is complete too.
func (r *record) add(b []byte) (done bool, wrong string) {
	body := bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	for i := 0; ; {
		switch r.state {
		case fieldBegins, inField:
			if r.state == fieldBegins && i < len(body) && body[i] == '"' {
				r.state = inQuotes
				i++
				continue
			}
			n := bytes.IndexByte(body[i:], ',')
			if n < 0 {
				r.text = append(r.text, body[i:]...)
				r.endField()
				return true, ""
			}
			r.text = append(r.text, body[i:i+n]...)
			r.endField()
			i += n + 1
		case inQuotes:
			n := bytes.IndexAny(b[i:], `"\`)
			if n < 0 {
				r.text = append(r.text, b[i:]...)
				return false, ""
			}
			r.text = append(r.text, b[i:i+n]...)
			i += n
			next := byte(0)
			if i+1 < len(b) {
				next = b[i+1]
			}
			switch {
			case b[i] == '"' && next == '"', b[i] == '\\' && (next == '"' || next == '\\'):
				r.text = append(r.text, next)
				i += 2
			case b[i] == '\\':
				r.text = append(r.text, '\\')
				i++
			default:
				r.state = behindQuote
				i++
			}
		case behindQuote:
			if i >= len(body) {
				r.endField()
				return true, ""
			}
			if body[i] != ',' {
				return true, fmt.Sprintf("column %d has text behind its closing quote; write a quote inside a quoted value as \\\" or \"\"", len(r.ends)+1)
			}
			r.endField()
			i++
		}
	}
}

// quoted reads a whole file record by record.
func (r *chunkReader) quoted(ctx context.Context, src *source) error {
	src.chunks = src.chunks[:0]
	r.in.sawQuote(src) // chunks that were read as plain meanwhile do not count
	in := bufio.NewReaderSize(io.NewSectionReader(src.R, src.header.size, src.Size-src.header.size), 1<<18)
	rec := &record{}
	at := int64(0) // bytes of the chunk
	began := int64(0)
	size := 0 // bytes of the record
	r.begin(src, 0)
	for {
		line, err := readLine(in, r.buf[:0])
		r.buf = line
		if err == errLongLine {
			return tooLong(src, src.done)
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("read %q: %w", src.Name, err)
		}
		if len(line) == 0 { // the end
			break
		}
		r.out.lines++
		at += int64(len(line))
		if size == 0 {
			if len(bytes.Trim(line, "\r\n")) == 0 {
				continue
			}
			began = r.out.lines
		}
		size += len(line)
		r.record(rec, line, began, &size)
		if at >= r.in.opt.chunk && size == 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r.finish(at)
			at = 0
		}
	}
	if size > 0 {
		r.neverClosed(began)
	}
	r.finish(at)
	return nil
}

// record gives a line to the record being read. *size becomes 0 when it ends.
func (r *chunkReader) record(rec *record, line []byte, began int64, size *int) {
	if !utf8.Valid(line) {
		r.notUTF8(line)
		rec.reset(r.rowsWaiting > 0)
		*size = 0
		return
	}
	done, wrong := rec.add(line)
	switch {
	case wrong != "":
		r.bad(began, wrong)
	case done:
		r.fields = r.fields[:0]
		from := rec.begin
		for _, to := range rec.ends {
			r.fields = append(r.fields, rec.text[from:to])
			from = to
		}
		r.row(began)
	case *size > maxLine:
		r.neverClosed(began)
	default:
		return
	}
	rec.reset(r.rowsWaiting > 0)
	*size = 0
}

func (r *chunkReader) neverClosed(line int64) {
	r.out.torn = true
	r.bad(line, `a double quote that opens a value on this line is never closed; close it, and write a quote inside a value as \" or ""`)
}

// finish puts away the chunk and begins the next.
func (r *chunkReader) finish(bytes int64) {
	r.lookUp()
	r.src.chunks = append(r.src.chunks, r.out)
	r.in.progress(r.src, bytes, int64(r.out.rows))
	r.begin(r.src, r.out.rows+r.out.rows/8)
}

var errLongLine = fmt.Errorf("line of more than %d bytes", maxLine)

// readLine appends a line with its end to b.
func readLine(in *bufio.Reader, b []byte) ([]byte, error) {
	for {
		part, err := in.ReadSlice('\n')
		b = append(b, part...)
		if err != bufio.ErrBufferFull {
			return b, err
		}
		if len(b) > maxLine {
			return b, errLongLine
		}
	}
}
