package dataset

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// A segment is records of a group's log in a Parquet file, a row each. What an
// interaction says stands in columns of its own, so that any tool can read it; what
// has no column is in REST, and other changes are in CHANGE as they were in the
// log. Metadata: version, rows, and a CRC32C over the file (seal.go).

// Logged is one record of a log.
type Logged struct {
	Offset uint64
	Time   int64 // Unix microseconds
	ID     string
	Data   []byte // a Change
}

const (
	segmentVersion    = "1"
	keySegmentVersion = "usher.segment.version"
	keySegmentRows    = "usher.segment.rows"
)

// segmentRow is a row of the file. Names of columns are on disk.
type segmentRow struct {
	Offset    int64    `parquet:"LOG_OFFSET,delta"`
	Time      int64    `parquet:"RECEIVED_AT,delta"` // Unix microseconds
	ID        string   `parquet:"RECORD_ID"`
	User      string   `parquet:"USER_ID,dict"`
	Session   string   `parquet:"SESSION_ID,dict"`
	Item      string   `parquet:"ITEM_ID,dict"`
	Type      string   `parquet:"EVENT_TYPE,dict"`
	Timestamp int64    `parquet:"TIMESTAMP,delta"`
	Value     *float64 `parquet:"EVENT_VALUE,optional"`
	Rest      []byte   `parquet:"REST,dict"`
	Change    []byte   `parquet:"CHANGE,optional"` // of other changes than interactions
}

// WriteSegment writes records, whose offsets grow. Equal records give equal bytes.
func WriteSegment(w io.Writer, recs []Logged) error {
	var file bytes.Buffer
	out := parquet.NewGenericWriter[segmentRow](&file, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.CreatedBy("usher", segmentVersion, ""))
	rows := make([]segmentRow, 0, batchRows)
	for part := range slices.Chunk(recs, batchRows) {
		rows = rows[:0]
		for i := range part {
			row, err := part[i].row()
			if err != nil {
				return fmt.Errorf("write segment: record %d: %w", part[i].Offset, err)
			}
			rows = append(rows, row)
		}
		if _, err := out.Write(rows); err != nil {
			return fmt.Errorf("write segment: %w", err)
		}
	}
	out.SetKeyValueMetadata(keySegmentVersion, segmentVersion)
	out.SetKeyValueMetadata(keySegmentRows, strconv.Itoa(len(recs)))
	out.SetKeyValueMetadata(keySeal, unsealed)
	err := out.Close()
	if err == nil {
		err = seal(file.Bytes())
	}
	if err == nil {
		_, err = w.Write(file.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write segment: %w", err)
	}
	return nil
}

// row takes a record apart. One that cannot be put together again byte by byte
// stays as it is.
func (r *Logged) row() (segmentRow, error) {
	row := segmentRow{Offset: int64(r.Offset), Time: r.Time, ID: r.ID}
	c, err := ParseChange(r.Data)
	if err != nil {
		return row, err
	}
	if x := c.Interaction; x != nil {
		row.User, row.Session, row.Item, row.Type, row.Timestamp, row.Value = x.User, x.Session, x.Item, x.Type, x.Time, x.Value
		rest := Interaction{EventID: x.EventID, Impression: x.Impression, RecommendationID: x.RecommendationID, Source: x.Source, Properties: x.Properties}
		if rest.EventID == r.ID {
			rest.EventID = ""
		}
		if row.Rest, err = rest.append(nil); err != nil {
			return row, err
		}
		if again, err := row.logged(); err == nil && bytes.Equal(again.Data, r.Data) {
			return row, nil
		}
	}
	return segmentRow{Offset: row.Offset, Time: row.Time, ID: row.ID, Change: r.Data}, nil
}

// logged puts a record together.
func (row *segmentRow) logged() (Logged, error) {
	r := Logged{Offset: uint64(row.Offset), Time: row.Time, ID: row.ID}
	if len(row.Change) > 0 { // null is read as nil or as empty
		r.Data = bytes.Clone(row.Change)
		return r, nil
	}
	d := &decoder{b: row.Rest}
	x := d.interaction()
	if d.err == nil && len(d.b) > 0 {
		d.fail()
	}
	if d.err != nil {
		return r, d.err
	}
	x.EventID = cmp.Or(x.EventID, row.ID)
	x.User, x.Session, x.Item, x.Type, x.Time, x.Value = row.User, row.Session, row.Item, row.Type, row.Timestamp, row.Value
	var err error
	r.Data, err = (&Change{Interaction: x}).Append(make([]byte, 0, len(row.Rest)+len(row.User)+len(row.Session)+len(row.Item)+len(row.Type)+len(row.ID)+24))
	return r, err
}

// ReadSegment gives the records of a file that WriteSegment wrote. Damaged bytes
// give an error before the first record.
func ReadSegment(r io.ReaderAt, size int64) iter.Seq2[Logged, error] {
	return func(yield func(Logged, error) bool) {
		stopped := false
		err := readSegment(r, size, func(x Logged) bool {
			stopped = !yield(x, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(Logged{}, fmt.Errorf("read segment: %w", err))
		}
	}
}

func readSegment(from io.ReaderAt, size int64, yield func(Logged) bool) (err error) {
	inside := true // the decoder, which panics on some damage; a panic of yield goes on
	defer func() {
		if !inside {
			return
		}
		if x := recover(); x != nil {
			err = fmt.Errorf("damaged file: %v", x)
		}
	}()
	b, err := readSealed(from, size)
	if err != nil {
		return err
	}
	file, err := openColumns(bytes.NewReader(b), size)
	if err != nil {
		return err
	}
	if v, ok := file.Lookup(keySegmentVersion); !ok || v != segmentVersion {
		return fmt.Errorf("version %q, want %q", v, segmentVersion)
	}
	in := parquet.NewGenericReader[segmentRow](file)
	defer in.Close()
	rows := make([]segmentRow, batchRows)
	n := 0
	for {
		got, rerr := in.Read(rows)
		for i := range rows[:got] {
			x, err := rows[i].logged()
			if err != nil {
				return err
			}
			inside = false
			more := yield(x)
			inside = true
			if !more {
				return nil
			}
		}
		n += got
		if rerr == io.EOF {
			break
		}
		if rerr != nil {
			return rerr
		}
		clear(rows)
	}
	if want, _ := file.Lookup(keySegmentRows); want != strconv.Itoa(n) {
		return fmt.Errorf("%d rows, want %q", n, want)
	}
	return nil
}
