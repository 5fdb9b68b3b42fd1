package s3server

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"usher/blob/internal/durable"
)

// part is a part that was uploaded whole.
type part struct {
	number    int
	etag      string // MD5 in hex
	algorithm string // "": none
	checksum  string // base64
	size      int64
	offset    int64 // in "data"; -1: the part's own file holds it
	modTime   time.Time
}

// fileName is where all of a part is written down.
func (p *part) fileName() string {
	sum, _ := base64.StdEncoding.DecodeString(p.checksum)
	offset := "-"
	if p.offset >= 0 {
		offset = strconv.FormatInt(p.offset, 10)
	}
	return fmt.Sprintf("%05d.%s.%s.%x.%d.%s", p.number, p.etag, p.algorithm, sum, p.size, offset)
}

func parsePart(name string) (p part, ok bool) {
	f := strings.Split(name, ".")
	if len(f) != 6 {
		return part{}, false
	}
	var err1, err2, err3 error
	p.number, err1 = strconv.Atoi(f[0])
	p.size, err2 = strconv.ParseInt(f[4], 10, 64)
	p.offset = -1
	if f[5] != "-" {
		p.offset, err3 = strconv.ParseInt(f[5], 10, 64)
	}
	sum, err := hex.DecodeString(f[3])
	p.etag, p.algorithm, p.checksum = f[1], f[2], base64.StdEncoding.EncodeToString(sum)
	return p, errors.Join(err, err1, err2, err3) == nil && p.fileName() == name
}

// uploadState guards the folder of an upload.
type uploadState struct {
	sync.Mutex
	loaded  bool
	slot    int64        // the length of parts that "data" has places for; 0: not known yet
	taken   map[int]bool // places in "data" that hold a part or are being written
	writing int          // requests that write to "data" now
}

// parts lists the parts of an upload by number. Where a crash left two of one
// number, the later one counts.
func (b *bucket) parts(id string) ([]part, error) {
	entries, err := os.ReadDir(b.s.uploadPath(b.name, id, ""))
	if err != nil {
		if durable.IsNotExist(err) {
			return nil, noSuchUpload(id)
		}
		return nil, err
	}
	var out []part
	for _, e := range entries {
		p, ok := parsePart(e.Name())
		if !ok {
			continue
		}
		info, err := e.Info()
		if durable.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p.modTime = info.ModTime()
		out = append(out, p)
	}
	slices.SortFunc(out, func(x, y part) int {
		return cmp.Or(cmp.Compare(x.number, y.number), y.modTime.Compare(x.modTime))
	})
	return slices.CompactFunc(out, func(x, y part) bool { return x.number == y.number }), nil
}

// partWriter takes the bytes of one part.
type partWriter struct {
	io.Writer
	b      *bucket
	id     string
	state  *uploadState
	number int
	offset int64         // in "data", or -1
	data   *os.File      // "data", or nil
	own    *durable.File // otherwise
}

// startPart finds a place for a part. length is -1 if it is not known.
func (b *bucket) startPart(key, id string, number int, length int64) (*partWriter, error) {
	if _, err := b.upload(key, id); err != nil {
		return nil, err
	}
	w := &partWriter{b: b, id: id, state: b.s.uploadState(id), number: number, offset: -1}
	place, err := w.state.reserve(b, id, number, length)
	if err != nil {
		return nil, err
	}
	if place >= 0 {
		w.data, err = os.OpenFile(b.s.uploadPath(b.name, id, uploadData), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			w.state.release(number)
			if durable.IsNotExist(err) {
				err = noSuchUpload(id)
			}
			return nil, err
		}
		w.offset, w.Writer = place, io.NewOffsetWriter(w.data, place)
		return w, nil
	}
	if w.own, err = b.s.temp.Create(); err != nil {
		return nil, err
	}
	w.Writer = w.own
	return w, nil
}

// reserve gives a part its place in "data", or -1 if it has to be a file of its own.
func (st *uploadState) reserve(b *bucket, id string, number int, length int64) (int64, error) {
	st.Lock()
	defer st.Unlock()
	if !st.loaded {
		parts, err := b.parts(id)
		if err != nil {
			return -1, err
		}
		for _, p := range parts {
			if p.offset >= 0 {
				st.taken[p.number] = true
				st.slot = p.size
				if p.number > 1 {
					st.slot = p.offset / int64(p.number-1)
				}
			}
		}
		st.loaded = true
	}
	if st.slot == 0 && length >= b.s.minPart {
		st.slot = length
	}
	if length <= 0 || length > st.slot || st.taken[number] || st.slot > maxObject/maxParts {
		return -1, nil
	}
	st.taken[number] = true
	st.writing++
	return int64(number-1) * st.slot, nil
}

// release gives back a place that was not filled.
func (st *uploadState) release(number int) {
	st.Lock()
	defer st.Unlock()
	delete(st.taken, number)
	st.writing--
}

// abort forgets a part that did not come whole.
func (w *partWriter) abort() {
	if w.own != nil {
		_ = w.own.Abort()
	}
	if w.data != nil {
		_ = w.data.Close()
		w.data = nil
		w.state.release(w.number)
	}
}

// commit makes the part count, in place of an earlier one of its number.
func (w *partWriter) commit(size int64, body *body) (part, error) {
	sum := body.checksum()
	p := part{number: w.number, etag: body.etag(), algorithm: sum.Algorithm, checksum: sum.Value, size: size, offset: w.offset}
	s := w.b.s
	if w.data != nil {
		if err := w.data.Sync(); err != nil {
			return part{}, err
		}
		var err error
		if w.own, err = s.temp.Create(); err != nil {
			return part{}, err
		}
	}
	stamp := s.nextStamp()
	if _, err := w.own.Seal(stamp); err != nil {
		return part{}, err
	}
	p.modTime = stamp
	w.state.Lock()
	defer w.state.Unlock()
	if _, err := os.Stat(s.uploadPath(w.b.name, w.id, uploadDocument)); err != nil {
		return part{}, noSuchUpload(w.id)
	}
	dir := s.uploadPath(w.b.name, w.id, "")
	if err := w.own.Publish(dir, p.fileName()); err != nil {
		return part{}, err
	}
	if w.data != nil {
		_ = w.data.Close()
		w.data = nil
		w.state.writing--
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return part{}, err
	}
	for _, e := range entries {
		if old, ok := parsePart(e.Name()); ok && old.number == p.number && e.Name() != p.fileName() {
			_ = os.Remove(filepath.Join(dir, e.Name())) // if not, the later one counts
		}
	}
	return p, nil
}
