package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// This file looks through the footer of a Parquet file, which is a struct in
// Thrift's compact protocol, before it is decoded: the decoder believes the lengths
// that it finds, and those of a damaged file can keep it busy for hours.

// Types of the compact protocol.
const (
	thriftStop   = 0
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI64    = 6 // and the shorter ones before it: a varint
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

const thriftDepth = 32 // Parquet's own structs are less deep than this

// openColumns opens a Parquet file whose footer can be.
func openColumns(r io.ReaderAt, size int64) (*parquet.File, error) {
	if err := checkFooter(r, size); err != nil {
		return nil, err
	}
	return parquet.OpenFile(r, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
}

// checkFooter says whether the lengths in a Parquet file's footer can be.
func checkFooter(r io.ReaderAt, size int64) error {
	const tail = 8 // length and magic
	var end [tail]byte
	if size < tail {
		return fmt.Errorf("it has %d bytes", size)
	}
	if n, err := r.ReadAt(end[:], size-tail); n < tail {
		return cmpErr(err)
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if length > size-tail {
		return fmt.Errorf("its footer has %d bytes", length)
	}
	footer := make([]byte, length)
	if n, err := r.ReadAt(footer, size-tail-length); n < len(footer) {
		return cmpErr(err)
	}
	d := &decoder{b: footer}
	d.skipThriftStruct(thriftDepth)
	if d.err != nil {
		return errors.New("its footer is damaged")
	}
	return nil
}

func (d *decoder) skipThriftStruct(depth int) {
	if depth == 0 {
		d.fail()
	}
	for d.err == nil {
		head := d.byte()
		kind := head & 15
		if kind == thriftStop {
			return
		}
		if head>>4 == 0 {
			d.uvarint() // the field's number
		}
		if kind != thriftTrue && kind != thriftFalse { // the kind is the value
			d.skipThrift(kind, depth)
		}
	}
}

// skipThrift skips one value. A list cannot have more members than there are bytes.
func (d *decoder) skipThrift(kind byte, depth int) {
	switch {
	case kind <= thriftByte: // of a list, also a truth value
		d.byte()
	case kind <= thriftI64:
		d.uvarint()
	case kind == thriftDouble:
		d.skip(8)
	case kind == thriftBinary:
		d.skip(d.count())
	case kind == thriftList, kind == thriftSet:
		head := d.byte()
		n := int(head >> 4)
		if n == 15 {
			n = d.count()
		}
		d.skipThriftList(n, depth, head&15)
	case kind == thriftMap:
		if n := d.count(); n > 0 {
			kinds := d.byte()
			d.skipThriftList(n, depth, kinds>>4, kinds&15)
		}
	case kind == thriftStruct:
		d.skipThriftStruct(depth - 1)
	default:
		d.fail()
	}
}

// skipThriftList skips n times the values of these kinds.
func (d *decoder) skipThriftList(n, depth int, kinds ...byte) {
	for ; n > 0 && d.err == nil; n-- {
		for _, kind := range kinds {
			d.skipThrift(kind, depth)
		}
	}
}

func (d *decoder) skip(n int) {
	if n > len(d.b) {
		d.fail()
		return
	}
	d.b = d.b[n:]
}
