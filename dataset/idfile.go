package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// An id file takes the place of a part whose rows do not count any more: it holds
// what numbers are given by, and nothing else of the customer's data.

const (
	idMagic   = "ushrids\n"
	idVersion = 1
)

// IDFileName names the id file of a part.
func IDFileName(part string) string { return part + ".ids" }

// WriteIDs writes the ids of a part: those of interactions by their local numbers,
// those of items and users by first appearance.
func WriteIDs(w io.Writer, p *Part) error {
	d := NewDict()
	for _, id := range p.IDs {
		d.Intern(id)
	}
	b := append([]byte(idMagic), idVersion)
	b = appendString(b, string(p.Type))
	for _, list := range [][]string{p.UserIDs, p.ItemIDs, p.EventTypes, d.IDs()} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, id := range list {
			b = appendString(b, id)
		}
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write ids: %w", err)
	}
	return nil
}

// ReadIDs reads a file that WriteIDs wrote. Of the part it gives type and ids.
func ReadIDs(r io.ReaderAt, size int64) (*Part, error) {
	p, err := readIDs(r, size)
	if err != nil {
		return nil, fmt.Errorf("read ids: %w", err)
	}
	return p, nil
}

func readIDs(r io.ReaderAt, size int64) (*Part, error) {
	if size < int64(len(idMagic)+5) {
		return nil, errDamaged
	}
	b := make([]byte, size)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, cmpErr(err)
	}
	if string(b[:len(idMagic)]) != idMagic {
		return nil, errors.New("not an id file")
	}
	if v := b[len(idMagic)]; v != idVersion {
		return nil, fmt.Errorf("version %d, want %d", v, idVersion)
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[len(body):]) {
		return nil, errDamaged
	}
	d := &decoder{b: body[len(idMagic)+1:]}
	p := &Part{Type: Type(d.string())}
	for _, list := range []*[]string{&p.UserIDs, &p.ItemIDs, &p.EventTypes, &p.IDs} {
		for range d.count() {
			*list = append(*list, d.string())
		}
	}
	if d.err == nil && len(d.b) > 0 {
		d.fail()
	}
	return p, d.err
}
