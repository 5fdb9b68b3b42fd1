package s3server

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"usher/blob/internal/durable"
)

// record is what S3 knows of an object beside its bytes. Size and ModTime name
// the very file that it speaks of.
type record struct {
	Size     int64             `json:"size"`
	ModTime  int64             `json:"modTime"` // nanoseconds since 1970
	ETag     string            `json:"etag"`    // without quotes
	Headers  map[string]string `json:"headers,omitempty"`
	Checksum checksum          `json:"checksum,omitzero"`
	Tags     string            `json:"tags,omitempty"`   // as in x-amz-tagging
	Parts    []int64           `json:"parts,omitempty"`  // sizes, of a multipart upload
	Upload   string            `json:"upload,omitempty"` // its id, so that completing it twice succeeds twice
}

// checksum is one of S3's additional checksums.
type checksum struct {
	Algorithm string `json:"algorithm"` // as in x-amz-checksum-…, upper case
	Value     string `json:"value"`     // base64, with "-N" if it is of N parts' checksums
	Type      string `json:"type"`      // FULL_OBJECT or COMPOSITE
}

// describes tells whether the record was written for this file.
func (r *record) describes(info fs.FileInfo) bool {
	return r.Size == info.Size() && r.ModTime == info.ModTime().UnixNano()
}

// foreign makes up the record of a file that was copied in by hand. Its ETag
// changes when the file does; "-1" at its end tells clients that it is no MD5.
func foreign(info fs.FileInfo) record {
	sum := md5.Sum(strconv.AppendInt(strconv.AppendInt(nil, info.Size(), 10), info.ModTime().UnixNano(), 36))
	return record{Size: info.Size(), ModTime: info.ModTime().UnixNano(), ETag: hex.EncodeToString(sum[:]) + "-1",
		Headers: map[string]string{"Content-Type": contentType("")}}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal puts magic, version and checksum before a small document.
func seal(magic string, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(fmt.Appendf(nil, "%s 1 %08x\n", magic, crc32.Checksum(data, castagnoli)), data...), nil
}

// unseal reads what seal wrote.
func unseal(magic string, file []byte, v any) error {
	head, data, _ := bytes.Cut(file, []byte("\n"))
	if want := fmt.Sprintf("%s 1 %08x", magic, crc32.Checksum(data, castagnoli)); string(head) != want {
		return fmt.Errorf("its first line is %.60q, want %q", head, want)
	}
	return json.Unmarshal(data, v)
}

// write puts a small sealed document in place below .usher.
func (s *Buckets) write(name, magic string, v any) error {
	data, err := seal(magic, v)
	if err != nil {
		return err
	}
	f, err := s.temp.Create()
	if err != nil {
		return err
	}
	defer func() { _ = f.Abort() }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Publish(s.side, name)
}

// read reads a small sealed document; false if there is none. A damaged one is
// logged and counts as none.
func (s *Buckets) read(name, magic string, v any) (bool, error) {
	data, err := os.ReadFile(filepath.Join(s.side, filepath.FromSlash(name)))
	if durable.IsNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := unseal(magic, data, v); err != nil {
		s.opt.Log.Warn("a damaged file beside the buckets is ignored", "file", name, "error", err)
		return false, nil
	}
	return true, nil
}

const (
	recordDir   = "meta"
	recordMagic = "usher-object"
)

// records is the file of an object's metadata: the record of the file to come
// and that of the file that it replaces, so that at any moment one of them is
// the right one.
type records struct {
	Records []record `json:"records"`
}

func recordName(bucket, key string) string { return recordDir + "/" + bucket + "/" + escape(key) }

// recordOf finds the record that was written for this file.
func (s *Buckets) recordOf(bucket, key string, info fs.FileInfo) (record, error) {
	var all records
	if _, err := s.read(recordName(bucket, key), recordMagic, &all); err != nil {
		return record{}, err
	}
	for i := range all.Records {
		if all.Records[i].describes(info) {
			return all.Records[i], nil
		}
	}
	r := foreign(info)
	r.Headers["Content-Type"] = contentType(key)
	return r, nil
}

func (s *Buckets) writeRecords(bucket, key string, recs ...record) error {
	return s.write(recordName(bucket, key), recordMagic, records{recs})
}

func (s *Buckets) removeRecord(bucket, key string) error {
	return durable.Remove(s.side, recordName(bucket, key))
}

func (r *record) modTime() time.Time { return time.Unix(0, r.ModTime).UTC() }
