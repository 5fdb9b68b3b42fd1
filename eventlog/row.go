package eventlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"
)

// A row of the table holds one record as it is, or several that were appended
// together, packed into its data: a statement costs more than the bytes of an
// event. off is the offset of the first; at, id are its own when it is alone.
//
//	packed = for each record: at (varint, microseconds), length of id (uvarint), id,
//	         length of data (uvarint), data

// Bounds of a packed row, so that a reader does not take in much more than it
// asked for.
const (
	rowRecords = 512
	rowBytes   = 256 << 10
)

// row is a row of the table.
type row struct {
	off, count, at int64
	id             string
	data           []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers everything in a row, its place included.
func (r *row) checksum() uint32 {
	var head [24]byte
	binary.LittleEndian.PutUint64(head[:], uint64(r.off))
	binary.LittleEndian.PutUint64(head[8:], uint64(r.at))
	binary.LittleEndian.PutUint64(head[16:], uint64(len(r.id)))
	sum := crc32.Update(0, castagnoli, head[:])
	sum = crc32.Update(sum, castagnoli, []byte(r.id))
	sum = crc32.Update(sum, castagnoli, r.data)
	if r.count != 1 { // rows of the first version had no count
		sum = crc32.Update(sum, castagnoli, binary.LittleEndian.AppendUint64(nil, uint64(r.count)))
	}
	return sum
}

// pack makes a row of the first of these records, which have offsets and times,
// and gives the others.
func pack(recs []Record) (row, []Record) {
	r := row{off: int64(recs[0].Offset), count: 1, at: recs[0].Time.UnixMicro(), id: recs[0].ID, data: recs[0].Data}
	n, size := 0, 0
	for n < len(recs) && n < rowRecords && (n == 0 || size+len(recs[n].ID)+len(recs[n].Data) <= rowBytes) {
		size += len(recs[n].ID) + len(recs[n].Data) + 16
		n++
	}
	if n == 1 {
		return r, recs[1:]
	}
	b := make([]byte, 0, size)
	for _, x := range recs[:n] {
		b = binary.AppendVarint(b, x.Time.UnixMicro())
		b = binary.AppendUvarint(b, uint64(len(x.ID)))
		b = append(b, x.ID...)
		b = binary.AppendUvarint(b, uint64(len(x.Data)))
		b = append(b, x.Data...)
	}
	r.count, r.at, r.id, r.data = int64(n), 0, "", b
	return r, recs[n:]
}

// unpack appends a row's records.
func (r *row) unpack(to []Record) ([]Record, error) {
	if r.count == 1 {
		return append(to, Record{Offset: Offset(r.off), Time: time.UnixMicro(r.at).UTC(), ID: r.id, Data: r.data}), nil
	}
	b := r.data
	ok := r.count > 0
	text := func() []byte {
		n, w := binary.Uvarint(b)
		if ok = ok && w > 0 && n <= uint64(len(b)-w); !ok {
			return nil
		}
		x := b[w : w+int(n) : w+int(n)]
		b = b[w+int(n):]
		return x
	}
	for i := int64(0); i < r.count; i++ {
		at, w := binary.Varint(b)
		if ok = ok && w > 0; !ok {
			break
		}
		b = b[w:]
		to = append(to, Record{Offset: Offset(r.off + i), Time: time.UnixMicro(at).UTC(), ID: string(text()), Data: text()})
	}
	if !ok || len(b) > 0 {
		return nil, fmt.Errorf("%w: offset %d", ErrDamaged, r.off)
	}
	return to, nil
}
