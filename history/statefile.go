package history

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"

	"usher/dataset"
	"usher/eventlog"
	"usher/internal/sized"
)

// A state file is, little-endian: magic, version (1 byte), and one after the other
// what is in a state; then the CRC32C of all that. A column is the number of its
// elements (u64) and the elements; a list of texts is a column of their lengths
// (u32) and a column of their bytes; records of the log's kinds are Changes. In
// version 1 events have no moments: they say nothing in the customer's own columns.
// From version 3 on it ends with what users were shown: the ids, and the imported and
// the live exposures as events have them.

const (
	stateMagic     = "ushrhst\n"
	stateVersion   = 3
	unshownVersion = 2 // without what was shown
	bareVersion    = 1 // without moments, too
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteState writes what the group knows, from which those begin who load it when
// the log names it. Equal states give equal bytes.
func (g *Group) WriteState(w io.Writer) (Saved, error) {
	s, err := g.state()
	if err == nil {
		err = s.write(w)
	}
	if err != nil {
		return Saved{}, fmt.Errorf("write state: %w", err)
	}
	return Saved{s.offset, s.work}, nil
}

// stateWriter keeps the first error.
type stateWriter struct {
	w   *bufio.Writer
	buf []byte
	one []byte // a change
	err error
}

func (s *state) write(to io.Writer) error {
	sum := crc32.New(castagnoli)
	w := &stateWriter{w: bufio.NewWriterSize(io.MultiWriter(to, sum), 1<<18)}
	w.bytes([]byte(stateMagic))
	w.bytes([]byte{stateVersion})
	w.u64(uint64(s.offset))
	for _, list := range [][]string{s.users, s.items, s.types} {
		w.texts(list)
	}
	w.u64(uint64(len(s.schemas)))
	for i := range s.schemas {
		w.change(&dataset.Change{Schema: &s.schemas[i]})
	}
	writeColumn(w, s.named)
	writeColumn(w, s.past.erased)
	live := s.past.live.folded(s.past.erased)
	own, lists := s.own.compact(s.past.bulk.without(s.past.erased), &live.packed)
	w.moments(own)
	for _, p := range lists {
		w.packed(p)
	}
	w.sessions(s.sessions)
	w.eventIDs(s.seen.young)
	w.eventIDs(s.seen.old)
	for _, t := range tableTypes {
		w.rows(s.tables[t].bulk)
		w.rows(s.tables[t].single)
	}
	w.shown(&s.shown, s.past.erased)
	if err := cmp.Or(w.err, w.w.Flush()); err != nil {
		return err
	}
	_, err := to.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

func (w *stateWriter) bytes(b []byte) { w.w.Write(b) } //nolint:errcheck // bufio keeps it for Flush

func (w *stateWriter) u64(x uint64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf[:0], x)
	w.bytes(w.buf)
}

// element is what a column is made of.
type element interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int64 | ~float32
}

// writeColumn writes a column.
func writeColumn[T element](w *stateWriter, list []T) {
	w.u64(uint64(len(list)))
	for part := range slices.Chunk(list, 4096) {
		var err error
		if w.buf, err = binary.Append(w.buf[:0], binary.LittleEndian, part); err != nil && w.err == nil {
			w.err = err
		}
		w.bytes(w.buf)
	}
}

func (w *stateWriter) texts(list []string) {
	lengths := make([]uint32, len(list))
	total := uint64(0)
	for i, s := range list {
		lengths[i] = uint32(len(s))
		total += uint64(len(s))
	}
	writeColumn(w, lengths)
	w.u64(total)
	for _, s := range list {
		w.w.WriteString(s) //nolint:errcheck // bufio keeps it for Flush
	}
}

// change writes a Change behind its length.
func (w *stateWriter) change(c *dataset.Change) {
	var err error
	if w.one, err = c.Append(w.one[:0]); err != nil && w.err == nil {
		w.err = err
	}
	writeColumn(w, w.one)
}

func (w *stateWriter) packed(p *packed) {
	writeColumn(w, p.start)
	writeColumn(w, p.items)
	writeColumn(w, p.times)
	writeColumn(w, p.wide)
	writeColumn(w, p.types)
	writeColumn(w, p.types2)
	writeColumn(w, p.values)
	writeColumn(w, p.rests)
	writeColumn(w, p.own)
}

// moments writes the columns, each its name and its values as the row of a Change,
// and the codes.
func (w *stateWriter) moments(m moments) {
	w.u64(uint64(len(m.columns)))
	for _, c := range m.columns {
		w.texts([]string{c.name})
		w.change(&dataset.Change{Item: &dataset.Entity{Row: c.values}})
	}
	writeColumn(w, m.codes)
	full := uint64(0)
	if m.full {
		full = 1
	}
	w.u64(full)
}

func (w *stateWriter) shown(s *frozenShown, erased flags) {
	ids, lists := s.compact(erased)
	w.texts(ids)
	for _, p := range lists {
		w.packed(p)
	}
}

func (w *stateWriter) sessions(m map[string]dataset.Index) {
	ids := slices.Sorted(maps.Keys(m))
	users := make([]dataset.Index, len(ids))
	for i, id := range ids {
		users[i] = m[id]
	}
	w.texts(ids)
	writeColumn(w, users)
}

func (w *stateWriter) eventIDs(m map[eventID]struct{}) {
	list := slices.SortedFunc(maps.Keys(m), func(a, b eventID) int { return bytes.Compare(a[:], b[:]) })
	w.u64(uint64(len(list)))
	for _, id := range list {
		w.bytes(id[:])
	}
}

// rows writes records: numbers, positions in the log, and rows as Changes.
func (w *stateWriter) rows(m map[dataset.Index]numbered) {
	order := slices.Sorted(maps.Keys(m))
	seqs := make([]uint64, len(order))
	for i, n := range order {
		seqs[i] = m[n].seq
	}
	writeColumn(w, order)
	writeColumn(w, seqs)
	for _, n := range order {
		w.change(&dataset.Change{Item: &dataset.Entity{Row: m[n].row}})
	}
}

var errDamaged = errors.New("damaged state")

// stateReader reads a state's file.
type stateReader struct {
	*sized.Reader
	version byte
	buf     []byte
}

// readState reads what WriteState wrote. Damaged bytes give an error, never a panic.
func readState(from io.ReaderAt, size int64) (*state, error) {
	r := &stateReader{Reader: sized.New(from, size, errDamaged), buf: make([]byte, 1<<16)}
	if b := r.bytes(len(stateMagic) + 1); r.Err != nil || string(b[:len(stateMagic)]) != stateMagic {
		return nil, errors.Join(errors.New("read state: not a state file"), r.Err)
	} else if v := b[len(stateMagic)]; v < bareVersion || v > stateVersion {
		return nil, fmt.Errorf("read state: version %d, want %d to %d", v, bareVersion, stateVersion)
	} else {
		r.version = v
	}
	s := r.state()
	if r.End() == nil && !s.sound() {
		r.Damage()
	}
	if r.Err != nil {
		return nil, fmt.Errorf("read state: %w", r.Err)
	}
	return s, nil
}

func (r *stateReader) state() *state {
	s := &state{offset: eventlog.Offset(r.U64()), users: r.texts(), items: r.texts(), types: r.texts(), past: &interactions{}, tables: map[dataset.Type]*records{}}
	for range r.Count(8) {
		if c := r.change(); c != nil && c.Schema != nil {
			s.schemas = append(s.schemas, *c.Schema)
		} else {
			r.Damage()
		}
	}
	s.named = column[uint64](r)
	s.past.erased = column[uint64](r)
	s.own = r.moments()
	s.past.bulk, s.past.live.packed = r.packed(), r.packed()
	s.sessions = r.sessions()
	s.seen = EventIDs{young: r.eventIDs(), old: r.eventIDs()}
	for _, t := range tableTypes {
		s.tables[t] = &records{bulk: r.rows(), single: r.rows()}
	}
	s.shown = r.shown()
	return s
}

// bytes reads up to len(buf) bytes. They are valid until the next call.
func (r *stateReader) bytes(n int) []byte {
	b := r.buf[:n]
	r.Fill(b)
	return b
}

// column reads what writeColumn wrote; nil when it is empty.
func column[T element](r *stateReader) []T {
	size := int64(binary.Size(T(0)))
	n := r.Count(size)
	if n == 0 {
		return nil
	}
	out := make([]T, n)
	for part := range slices.Chunk(out, len(r.buf)/8) {
		if _, err := binary.Decode(r.bytes(len(part)*int(size)), binary.LittleEndian, part); err != nil {
			r.Fail(err)
		}
	}
	return out
}

func (r *stateReader) texts() []string {
	lengths := column[uint32](r)
	text := make([]byte, r.Count(1))
	r.Fill(text)
	all := string(text) // one allocation for all; they live and die together
	list := make([]string, len(lengths))
	for i, n := range lengths {
		if int64(n) > int64(len(all)) {
			r.Damage()
			return nil
		}
		list[i], all = all[:n], all[n:]
	}
	if all != "" {
		r.Damage()
	}
	return list
}

func (r *stateReader) change() *dataset.Change {
	b := column[uint8](r)
	if r.Err != nil {
		return nil
	}
	c, err := dataset.ParseChange(b)
	if err != nil {
		r.Fail(err)
		return nil
	}
	return c
}

func (r *stateReader) packed() packed {
	p := packed{start: column[uint32](r), items: column[uint32](r), times: column[uint32](r), wide: column[int64](r),
		types: column[uint8](r), types2: column[uint16](r), values: column[float32](r), rests: column[uint32](r)}
	if r.version > bareVersion {
		p.own = column[uint32](r)
	}
	return p
}

func (r *stateReader) moments() (m moments) {
	if r.version == bareVersion {
		return m
	}
	for range r.Count(1) {
		name, c := r.texts(), r.change()
		if len(name) != 1 || c == nil || c.Item == nil {
			r.Damage()
			return moments{}
		}
		m.columns = append(m.columns, ownColumn{name[0], c.Item.Row})
	}
	m.codes = column[uint32](r)
	m.full = r.U64() != 0
	return m
}

func (r *stateReader) shown() (s frozenShown) {
	if r.version <= unshownVersion {
		return s
	}
	s.ids = r.texts()
	s.bulk, s.live.packed = r.packed(), r.packed()
	return s
}

func (r *stateReader) sessions() map[string]dataset.Index {
	ids, users := r.texts(), column[dataset.Index](r)
	if len(ids) != len(users) {
		r.Damage()
		return nil
	}
	m := make(map[string]dataset.Index, len(ids))
	for i, id := range ids {
		m[id] = users[i]
	}
	return m
}

func (r *stateReader) eventIDs() map[eventID]struct{} {
	n := r.Count(int64(len(eventID{})))
	if n == 0 {
		return nil
	}
	m := make(map[eventID]struct{}, n)
	for range n {
		m[eventID(r.bytes(len(eventID{})))] = struct{}{}
	}
	return m
}

func (r *stateReader) rows() map[dataset.Index]numbered {
	order, seqs := column[dataset.Index](r), column[uint64](r)
	if len(order) != len(seqs) {
		r.Damage()
		return nil
	}
	m := make(map[dataset.Index]numbered, len(order))
	for i, n := range order {
		c := r.change()
		if c == nil || c.Item == nil {
			r.Damage()
			return nil
		}
		m[n] = numbered{c.Item.Row, seqs[i]}
	}
	return m
}

// sound says whether all numbers are numbers of something. What WriteState wrote is
// so; a file with a right checksum that somebody else wrote need not be.
func (s *state) sound() bool {
	seen := &state{users: s.users, items: s.shown.ids, types: []string{""}}
	ok := s.own.sound() && s.past.bulk.sound(s) && s.past.live.packed.sound(s) && s.shown.bulk.sound(seen) && s.shown.live.packed.sound(seen)
	for _, u := range s.sessions {
		ok = ok && int(u) < len(s.users)
	}
	for t, ids := range map[dataset.Type][]string{dataset.Items: s.items, dataset.Users: s.users} {
		for _, rows := range []map[dataset.Index]numbered{s.tables[t].bulk, s.tables[t].single} {
			for n := range rows {
				ok = ok && int(n) < len(ids)
			}
		}
	}
	return ok
}

func (m *moments) sound() bool {
	if len(m.codes)%max(1, len(m.columns)) != 0 || len(m.columns) == 0 && len(m.codes) > 0 {
		return false
	}
	for i, c := range m.codes {
		if int64(c) > int64(len(m.columns[i%len(m.columns)].values)) {
			return false
		}
	}
	return true
}

func (p *packed) sound(s *state) bool {
	n := len(p.items)
	if n == 0 {
		*p = packed{start: p.start}
	}
	one := func(a, b int) bool { return (a == n) != (b == n) || n == 0 && a == 0 && b == 0 }
	maybe := func(a int) bool { return a == 0 || a == n }
	if len(p.start) > len(s.users)+1 || len(p.start) > 0 && (p.start[0] != 0 || int(p.start[len(p.start)-1]) != n) || len(p.start) == 0 && n > 0 ||
		!slices.IsSorted(p.start) || !one(len(p.times), len(p.wide)) || !one(len(p.types), len(p.types2)) || !maybe(len(p.values)) || !maybe(len(p.rests)) || !maybe(len(p.own)) {
		return false
	}
	for _, i := range p.items {
		if int(i) >= len(s.items) {
			return false
		}
	}
	for _, o := range p.own {
		if int64(o) > int64(s.own.len()) {
			return false
		}
	}
	most := -1
	for _, t := range p.types {
		most = max(most, int(t))
	}
	for _, t := range p.types2 {
		most = max(most, int(t))
	}
	return most < len(s.types) && (most < 0 || most <= math.MaxUint16)
}
