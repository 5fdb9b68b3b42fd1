package dataset

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"

	"usher/internal/sized"
)

// A snapshot file is, little-endian: magic, version (u32), offset (u64); three
// lists of strings (users, items, event types); the number of events; where each
// user's events begin (u64 each); the events, 18 bytes each; two tables; and the
// CRC32C of all that. Where events have contexts the version is 2, events have 22
// bytes, and there are three tables. Where it is known what users were shown the version
// is 3: as 2, with a third table that may be none, and behind it the number of
// exposures, where each user's begin (u64 each), and of each its time (u64) and item
// (u32). A list of strings is its length, its bytes (u64 each), the
// strings' lengths (u32 each), the bytes. A table is 0, or 1, its schema, its
// number of rows and each row behind its length.

const (
	snapshotMagic   = "usher-snapshot\r\n"
	snapshotVersion = 1
	contextVersion  = 2 // of snapshots with contexts
	shownVersion    = 3 // of snapshots with exposures
	eventBytes      = 8 + 4 + 4 + 2
	contextBytes    = 4 // more, with contexts
	exposureBytes   = 8 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// snapshotWriter keeps the first error, as bufio.Writer does.
type snapshotWriter struct {
	w   *bufio.Writer
	buf []byte
	err error
}

func (w *snapshotWriter) write(b []byte) { w.w.Write(b) } //nolint:errcheck // bufio keeps it for Flush

func (w *snapshotWriter) u32(x uint32) {
	w.buf = binary.LittleEndian.AppendUint32(w.buf[:0], x)
	w.write(w.buf)
}

func (w *snapshotWriter) u64(x uint64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf[:0], x)
	w.write(w.buf)
}

func (w *snapshotWriter) strings(list []string) {
	total := 0
	for _, s := range list {
		total += len(s)
		if len(s) > math.MaxUint32 && w.err == nil {
			w.err = fmt.Errorf("string of %d bytes", len(s))
		}
	}
	w.u64(uint64(len(list)))
	w.u64(uint64(total))
	for _, s := range list {
		w.u32(uint32(len(s)))
	}
	for _, s := range list {
		w.w.WriteString(s) //nolint:errcheck // bufio keeps it for Flush
	}
}

func (w *snapshotWriter) events(list []Event, contexts bool) {
	for i := range list {
		e := &list[i]
		b := binary.LittleEndian.AppendUint64(w.buf[:0], uint64(e.Time))
		b = binary.LittleEndian.AppendUint32(b, uint32(e.Item))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(e.Value))
		b = binary.LittleEndian.AppendUint16(b, e.Type)
		if contexts {
			b = binary.LittleEndian.AppendUint32(b, e.Context)
		}
		w.buf = b
		w.write(w.buf)
	}
}

func (w *snapshotWriter) table(t *Table) {
	if t == nil {
		w.write([]byte{0})
		return
	}
	w.write([]byte{1})
	w.record(appendSchema(nil, t.Schema))
	w.u64(uint64(len(t.rows)))
	var b []byte
	for _, r := range t.rows {
		var err error
		if b, err = appendRow(b[:0], r); err != nil && w.err == nil {
			w.err = err
		}
		w.record(b)
	}
}

func (w *snapshotWriter) record(b []byte) {
	w.buf = binary.AppendUvarint(w.buf[:0], uint64(len(b)))
	w.write(w.buf)
	w.write(b)
}

func appendSchema(b []byte, s *Schema) []byte {
	b = appendString(appendString(b, string(s.Type)), s.Domain)
	b = binary.AppendUvarint(b, uint64(len(s.Fields)))
	for _, f := range s.Fields {
		b = appendString(appendString(b, f.Name), string(f.Kind))
		for _, on := range []bool{f.Nullable, f.Categorical, f.Textual, f.ItemName} {
			b = appendBool(b, on)
		}
	}
	return b
}

func (d *decoder) schema() *Schema {
	s := &Schema{Type: Type(d.string()), Domain: d.string()}
	n := d.count()
	if n > maxCells {
		d.fail()
		return s
	}
	s.Fields = make([]Field, n)
	for i := range s.Fields {
		s.Fields[i] = Field{Name: d.string(), Kind: Kind(d.string()),
			Nullable: d.bool(), Categorical: d.bool(), Textual: d.bool(), ItemName: d.bool()}
	}
	return s
}

// WriteSnapshot writes s so that ReadSnapshot, in another process, gives the same.
// Equal snapshots give equal bytes.
func WriteSnapshot(w io.Writer, s *Snapshot) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	sum := crc32.New(castagnoli)
	out := &snapshotWriter{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<18)}
	out.write([]byte(snapshotMagic))
	version := s.version()
	contexts := version >= contextVersion
	out.u32(version)
	out.u64(s.Offset)
	out.strings(s.UserIDs)
	out.strings(s.ItemIDs)
	out.strings(s.EventTypes)
	out.u64(uint64(len(s.Events)))
	for _, x := range s.Start {
		out.u64(uint64(x))
	}
	out.events(s.Events, contexts)
	out.table(s.ItemTable)
	out.table(s.UserTable)
	if contexts {
		out.table(s.ContextTable)
	}
	if version == shownVersion {
		out.shown(s.Shown)
	}
	err := errors.Join(out.err, out.w.Flush())
	if err == nil {
		_, err = w.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	}
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// version is the lowest that can say what s does.
func (s *Snapshot) version() uint32 {
	switch {
	case s.Shown != nil:
		return shownVersion
	case s.ContextTable != nil:
		return contextVersion
	}
	return snapshotVersion
}

func (w *snapshotWriter) shown(s *Shown) {
	w.u64(uint64(len(s.List)))
	for _, x := range s.Start {
		w.u64(uint64(x))
	}
	for _, x := range s.List {
		w.u64(uint64(x.Time))
		w.u32(uint32(x.Item))
	}
}

// check finds snapshots whose parts do not fit together.
func (s *Snapshot) check() error {
	if len(s.Start) != len(s.UserIDs)+1 || s.Start[0] != 0 || s.Start[len(s.UserIDs)] != int64(len(s.Events)) {
		return errors.New("the users' starts do not fit the events")
	}
	for u := range s.UserIDs {
		if s.Start[u] > s.Start[u+1] || s.Start[u+1] > int64(len(s.Events)) {
			return fmt.Errorf("the events of user %d overlap others", u)
		}
		history := s.History(Index(u))
		for i, e := range history {
			if int(e.Item) >= len(s.ItemIDs) || int(e.Type) >= len(s.EventTypes) {
				return fmt.Errorf("an event of user %d has the item %d and type %d of %d and %d", u, e.Item, e.Type, len(s.ItemIDs), len(s.EventTypes))
			}
			if int(e.Context) >= max(1, s.ContextTable.Len()) {
				return fmt.Errorf("an event of user %d has the context %d of %d", u, e.Context, s.ContextTable.Len())
			}
			if i > 0 && e.Time < history[i-1].Time {
				return fmt.Errorf("the events of user %d are not ordered by time", u)
			}
		}
	}
	for _, t := range []*Table{s.ItemTable, s.UserTable, s.ContextTable} {
		if err := t.check(); err != nil {
			return err
		}
	}
	return s.Shown.check(len(s.UserIDs), len(s.ItemIDs))
}

func (s *Shown) check(users, items int) error {
	if s == nil {
		return nil
	}
	if len(s.Start) != users+1 || s.Start[0] != 0 || s.Start[users] != int64(len(s.List)) || !slices.IsSorted(s.Start) {
		return errors.New("the users' starts do not fit the exposures")
	}
	for _, x := range s.List {
		if int(x.Item) >= items {
			return fmt.Errorf("an exposure has the item %d of %d", x.Item, items)
		}
	}
	for u := range users {
		if !slices.IsSortedFunc(s.Of(Index(u)), func(a, b Exposure) int { return cmp.Compare(a.Time, b.Time) }) {
			return fmt.Errorf("the exposures of user %d are not ordered by time", u)
		}
	}
	return nil
}

func (t *Table) check() error {
	if t == nil {
		return nil
	}
	if t.Schema == nil {
		return errors.New("a table has no schema")
	}
	return nil
}

// snapshotReader reads a snapshot's file.
type snapshotReader struct {
	*sized.Reader
	buf [eventBytes + contextBytes]byte
}

func (r *snapshotReader) strings() []string {
	n := r.U64()
	total := r.U64()
	if n > uint64(r.Left/4) || total > uint64(r.Left)-4*n {
		r.Damage()
	}
	if r.Err != nil {
		return nil
	}
	lengths := make([]uint32, n)
	sum := uint64(0)
	for i := range lengths {
		lengths[i] = r.U32()
		sum += uint64(lengths[i])
	}
	if sum != total {
		r.Damage()
	}
	if r.Err != nil {
		return nil
	}
	bytes := make([]byte, total)
	r.Fill(bytes)
	all := string(bytes) // one allocation for all ids; they live and die together
	list := make([]string, n)
	for i, l := range lengths {
		list[i], all = all[:l], all[l:]
	}
	return list
}

func (r *snapshotReader) events(n int, size int64) []Event {
	list := make([]Event, n)
	for i := range list {
		r.Fill(r.buf[:size])
		list[i] = Event{
			Time:  int64(binary.LittleEndian.Uint64(r.buf[:])),
			Item:  Index(binary.LittleEndian.Uint32(r.buf[8:])),
			Value: math.Float32frombits(binary.LittleEndian.Uint32(r.buf[12:])),
			Type:  binary.LittleEndian.Uint16(r.buf[16:]),
		}
		if size > eventBytes {
			list[i].Context = binary.LittleEndian.Uint32(r.buf[eventBytes:])
		}
	}
	return list
}

// record reads a length and that many bytes, which are valid until the next record.
func (r *snapshotReader) record(keep []byte) []byte {
	n, shift := uint64(0), 0
	for {
		r.Fill(r.buf[:1])
		n |= uint64(r.buf[0]&0x7f) << shift
		if r.buf[0] < 0x80 {
			break
		}
		if shift += 7; shift > 56 {
			r.Damage()
		}
	}
	if n > uint64(r.Left) {
		r.Damage()
	}
	if r.Err != nil {
		return nil
	}
	if uint64(cap(keep)) < n {
		keep = make([]byte, n)
	}
	keep = keep[:n]
	r.Fill(keep)
	return keep
}

func (r *snapshotReader) table() *Table {
	r.Fill(r.buf[:1])
	switch {
	case r.Err != nil || r.buf[0] == 0:
		return nil
	case r.buf[0] != 1:
		r.Damage()
		return nil
	}
	b := r.record(nil)
	d := &decoder{b: b}
	t := &Table{Schema: d.schema()}
	if d.err != nil || len(d.b) > 0 {
		r.Damage()
	}
	n := r.Count(2)
	if n == 0 {
		return t
	}
	t.rows = make([]Row, n)
	for i := range t.rows {
		b = r.record(b)
		d := &decoder{b: b}
		t.rows[i] = d.row()
		if d.err != nil || len(d.b) > 0 {
			r.Damage()
		}
		if r.Err != nil {
			return nil
		}
	}
	return t
}

// starts reads where each of so many users' things begin, and all end.
func (r *snapshotReader) starts(users int) []int64 {
	out := make([]int64, users+1)
	for i := range out {
		out[i] = int64(r.U64())
	}
	return out
}

func (r *snapshotReader) shown(users int) *Shown {
	n := r.Count(exposureBytes)
	if int64(users+1) > r.Left/8 {
		r.Damage()
	}
	if r.Err != nil {
		return nil
	}
	s := &Shown{Start: r.starts(users), List: make([]Exposure, n)}
	for i := range s.List {
		s.List[i] = Exposure{int64(r.U64()), Index(r.U32())}
	}
	return s
}

// ReadSnapshot reads what WriteSnapshot wrote, and checks its checksum. Damaged
// bytes give an error, never a panic.
func ReadSnapshot(r io.ReaderAt, size int64) (*Snapshot, error) {
	s, err := readSnapshot(r, size)
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	return s, nil
}

func readSnapshot(from io.ReaderAt, size int64) (*Snapshot, error) {
	r := &snapshotReader{Reader: sized.New(from, size, errDamaged)}
	magic := make([]byte, len(snapshotMagic))
	if r.Fill(magic); r.Err != nil || string(magic) != snapshotMagic {
		return nil, errors.Join(errors.New("not a snapshot file"), r.Err)
	}
	v := r.U32()
	if r.Err == nil && (v < snapshotVersion || v > shownVersion) {
		return nil, fmt.Errorf("version %d, want %d to %d", v, snapshotVersion, shownVersion)
	}
	each := int64(eventBytes)
	if v >= contextVersion {
		each += contextBytes
	}
	s := &Snapshot{Offset: r.U64(), UserIDs: r.strings(), ItemIDs: r.strings(), EventTypes: r.strings()}
	events := r.Count(each)
	if int64(len(s.UserIDs)+1) > r.Left/8 {
		r.Damage()
	}
	if r.Err != nil {
		return nil, r.Err
	}
	s.Start = r.starts(len(s.UserIDs))
	s.Events = r.events(events, each)
	s.ItemTable, s.UserTable = r.table(), r.table()
	if v >= contextVersion {
		s.ContextTable = r.table()
	}
	if v == shownVersion {
		s.Shown = r.shown(len(s.UserIDs))
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return s, s.check()
}
