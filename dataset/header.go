package dataset

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// header is the first line of a CSV file.
type header struct {
	size   int64 // bytes, line end included
	names  []string
	fields []int // for each column of the file its field in the schema, or -1
}

const maxHeader = 1 << 20

// readHeader reads the first line and, if there is a schema, finds its fields by
// name.
func readHeader(f File, s *Schema) (header, error) {
	line := make([]byte, min(f.Size, maxHeader))
	if n, err := f.R.ReadAt(line, 0); n < len(line) {
		return header{}, fmt.Errorf("read %q: %w", f.Name, cmpErr(err))
	}
	h := header{}
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i+1]
	} else if f.Size > maxHeader {
		return h, importError("%s: the first line is longer than %d bytes. It must be the header: the names of the schema's fields, separated by commas.", f.Name, maxHeader)
	}
	h.size = int64(len(line))
	if bytes.HasPrefix(line, []byte{0xff, 0xfe}) || bytes.HasPrefix(line, []byte{0xfe, 0xff}) {
		return h, importError("%s is UTF-16. Save it as UTF-8.", f.Name)
	}
	if bytes.HasPrefix(line, []byte{0x1f, 0x8b}) { // imports unpack it before
		return h, importError("%s is compressed with gzip. Unpack it.", f.Name)
	}
	if !utf8.Valid(line) {
		return h, importError("%s: the header is not UTF-8. Save the file as UTF-8.", f.Name)
	}
	text := strings.TrimRight(strings.TrimPrefix(string(line), "\ufeff"), "\r\n")
	if strings.TrimSpace(text) == "" {
		return h, importError("%s has no header. The first line must be the names of the schema's fields, separated by commas.", f.Name)
	}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if len(name) > 1 && name[0] == '"' && name[len(name)-1] == '"' {
			name = name[1 : len(name)-1]
		}
		h.names = append(h.names, name)
	}
	if s == nil {
		return h, nil
	}
	return h, h.match(f.Name, s)
}

// cmpErr makes a short read without an error one.
func cmpErr(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// match fills h.fields.
func (h *header) match(file string, s *Schema) error {
	h.fields = make([]int, len(h.names))
	for i, name := range h.names {
		if name != "" && slices.Contains(h.names[:i], name) {
			return importError("%s: the header has the column %s twice. Remove one.", file, shorten(name))
		}
		h.fields[i] = slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
	}
	var missing []string
	hint := ""
	for i, f := range s.Fields {
		if slices.Contains(h.fields, i) {
			continue
		}
		missing = append(missing, f.Name)
		for _, name := range h.names {
			if bare(name) == bare(f.Name) {
				hint = fmt.Sprintf(" The column %s must be spelled %s, as in the schema.", shorten(name), f.Name)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if hint == "" && len(h.names) == 1 && strings.ContainsAny(h.names[0], ";\t|") {
		hint = " Columns must be separated by commas."
	}
	if hint == "" {
		names := make([]string, len(h.names))
		for i, n := range h.names {
			names[i] = shorten(n)
		}
		hint = fmt.Sprintf(" The first line of %s has %s.", file, strings.Join(names[:min(len(names), 10)], ", "))
	}
	return importError("Input CSV is missing the following columns:[%s].%s", strings.Join(missing, ", "), hint)
}

// sameColumns compares the header with that of the first file.
func (h *header) sameColumns(file string, first *source) error {
	a, b := slices.Sorted(slices.Values(h.names)), slices.Sorted(slices.Values(first.header.names))
	if slices.Equal(a, b) {
		return nil
	}
	return importError("%s and %s have different columns. All files of an import need the same header.", file, first.Name)
}
