package s3server

import (
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"usher/blob/internal/durable"
)

// Multipart uploads. Each has a folder with its document, a file "data" and a
// file for each part, whose name says all about it. Parts of one length, as
// every client sends them, are written straight to their place in "data",
// which then becomes the object without being copied; the part's own file is
// empty. Any other part holds its bytes itself, and completing the upload
// copies.

const (
	uploadDir      = "uploads"
	uploadMagic    = "usher-upload"
	uploadDocument = "upload"
	uploadData     = "data"

	minPart   = 5 << 20 // of all but the last
	maxParts  = 10_000
	maxObject = 5 << 40
)

// upload is the document of a multipart upload.
type upload struct {
	Key       string    `json:"key"`
	Initiated time.Time `json:"initiated"`
	Object    record    `json:"object"`              // headers and tags of the object to be
	Algorithm string    `json:"algorithm,omitempty"` // of the checksums
	Type      string    `json:"type,omitempty"`
}

// uploadLocks hold what this process knows of uploads in progress.
type uploadLocks struct {
	mu     sync.Mutex
	states map[string]*uploadState
}

func (s *Buckets) uploadState(id string) *uploadState {
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	if s.uploads.states == nil {
		s.uploads.states = map[string]*uploadState{}
	}
	st := s.uploads.states[id]
	if st == nil {
		st = &uploadState{taken: map[int]bool{}}
		s.uploads.states[id] = st
	}
	return st
}

func (s *Buckets) forgetUpload(id string) {
	s.uploads.mu.Lock()
	defer s.uploads.mu.Unlock()
	delete(s.uploads.states, id)
}

func uploadName(bucket, id string) string { return uploadDir + "/" + bucket + "/" + id }

func (s *Buckets) uploadPath(bucket, id, file string) string {
	return filepath.Join(s.side, uploadDir, bucket, id, file)
}

func noSuchUpload(id string) error {
	return faultf("NoSuchUpload", http.StatusNotFound,
		"The specified multipart upload does not exist: %q. It may have been aborted, completed, or left alone for more than %d days.", clip(id), int(uploadLife/(24*time.Hour)))
}

// createUpload starts a multipart upload and gives its id.
func (b *bucket) createUpload(u upload) (string, error) {
	if err := checkKey(u.Key); err != nil {
		return "", err
	}
	b.layout.RLock()
	defer b.layout.RUnlock()
	if !b.s.exists(b.name) {
		return "", noSuchBucket(b.name)
	}
	u.Initiated = b.s.opt.Now().UTC()
	id := rand.Text()
	return id, b.s.write(uploadName(b.name, id)+"/"+uploadDocument, uploadMagic, u)
}

// upload reads the document of an upload in progress.
func (b *bucket) upload(key, id string) (upload, error) {
	var u upload
	if strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" || id == "" {
		return u, noSuchUpload(id)
	}
	found, err := b.s.read(uploadName(b.name, id)+"/"+uploadDocument, uploadMagic, &u)
	if err == nil && (!found || u.Key != key) {
		err = noSuchUpload(id)
	}
	return u, err
}

// abortUpload forgets an upload and its parts.
func (b *bucket) abortUpload(key, id string) error {
	if _, err := b.upload(key, id); err != nil {
		return err
	}
	st := b.s.uploadState(id)
	st.Lock()
	defer st.Unlock()
	return b.removeUpload(id)
}

// removeUpload removes the folder of an upload, its document first: without it
// the rest counts for nothing.
func (b *bucket) removeUpload(id string) error {
	defer b.s.forgetUpload(id)
	if err := durable.Remove(b.s.side, uploadName(b.name, id)+"/"+uploadDocument); err != nil {
		return err
	}
	return os.RemoveAll(b.s.uploadPath(b.name, id, ""))
}

// chosenPart is a part as the client names it to complete an upload.
type chosenPart struct {
	number    int
	etag      string
	algorithm string
	checksum  string
}

// completion is a request to complete an upload.
type completion struct {
	key, id  string
	parts    []chosenPart
	checksum checksum // of the whole object, if the client says it
	size     int64    // of the whole object; -1: not said
	allow    func(*record) error
}

// complete makes an object of the parts. Completing twice is answered twice:
// clients repeat the call when the answer was lost.
func (b *bucket) complete(c completion) (record, error) {
	st := b.s.uploadState(c.id)
	st.Lock()
	defer st.Unlock()
	u, err := b.upload(c.key, c.id)
	if err != nil {
		b.s.forgetUpload(c.id)
		if f, rec, e := b.open(c.key); e == nil {
			_ = f.Close()
			if rec.Upload == c.id {
				return rec, nil
			}
		}
		return record{}, err
	}
	parts, err := b.choose(c)
	if err != nil {
		return record{}, err
	}
	rec := u.Object
	rec.Upload = c.id
	sums := md5.New()
	for _, p := range parts {
		raw, _ := hex.DecodeString(p.etag)
		sums.Write(raw)
		rec.Parts = append(rec.Parts, p.size)
	}
	rec.ETag = fmt.Sprintf("%x-%d", sums.Sum(nil), len(parts))
	f, err := b.assemble(c.id, st, parts)
	if err != nil {
		return record{}, err
	}
	defer func() { _ = f.Abort() }()
	if rec.Checksum, err = u.sum(parts, f); err != nil {
		return record{}, err
	}
	if want := c.checksum; want.Value != "" && want.Algorithm == rec.Checksum.Algorithm && want.Value != rec.Checksum.Value {
		return record{}, badDigest(want.Algorithm, want.Value, rec.Checksum.Value)
	}
	if rec, err = b.put(c.key, f, rec, c.allow); err != nil {
		return record{}, err
	}
	return rec, b.removeUpload(c.id)
}

// choose holds the client's list against the parts that are there.
func (b *bucket) choose(c completion) ([]part, error) {
	there, err := b.parts(c.id)
	if err != nil {
		return nil, err
	}
	if len(c.parts) == 0 {
		return nil, malformedXML("you must specify at least one part")
	}
	for i := 1; i < len(c.parts); i++ {
		if before, n := c.parts[i-1].number, c.parts[i].number; n <= before {
			return nil, faultf("InvalidPartOrder", http.StatusBadRequest, "The list of parts was not in ascending order: %d follows %d.", n, before)
		}
	}
	var out []part
	var size int64
	for _, want := range c.parts {
		k, found := slices.BinarySearchFunc(there, want.number, func(p part, n int) int { return cmp.Compare(p.number, n) })
		if !found || there[k].etag != want.etag {
			return nil, faultf("InvalidPart", http.StatusBadRequest,
				"One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag: part %d with ETag %q.", want.number, clip(want.etag))
		}
		p := there[k]
		if want.checksum != "" && (want.algorithm != p.algorithm || want.checksum != p.checksum) {
			return nil, faultf("InvalidPart", http.StatusBadRequest, "The %s checksum of part %d is %s %s, not %s.", want.algorithm, p.number, p.algorithm, p.checksum, clip(want.checksum))
		}
		size += p.size
		out = append(out, p)
	}
	for _, p := range out[:len(out)-1] {
		if p.size < b.s.minPart {
			return nil, faultf("EntityTooSmall", http.StatusBadRequest, "Your proposed upload is smaller than the minimum allowed size: part %d has %d bytes; all parts but the last need %d.", p.number, p.size, b.s.minPart)
		}
	}
	if c.size >= 0 && c.size != size {
		return nil, faultf("InvalidRequest", http.StatusBadRequest, "The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d.", c.size, size)
	}
	return out, nil
}

// assemble gives a file of the parts in order: "data" itself where all parts
// that there are lie in it side by side and nobody writes to it, else a copy.
func (b *bucket) assemble(id string, st *uploadState, parts []part) (*durable.File, error) {
	there, err := b.parts(id)
	if err != nil {
		return nil, err
	}
	var size int64
	direct := st.writing == 0 && len(there) == len(parts) // else cutting it would cut off a part
	for _, p := range parts {
		direct = direct && p.offset == size
		size += p.size
	}
	data := b.s.uploadPath(b.name, id, uploadData)
	if direct {
		if err := os.Truncate(data, size); err != nil {
			return nil, err
		}
		return durable.Adopt(data)
	}
	f, err := b.s.temp.Create()
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if err := b.appendPart(f, id, p); err != nil {
			_ = f.Abort()
			return nil, fmt.Errorf("copy part %d: %w", p.number, err)
		}
	}
	return f, nil
}

func (b *bucket) appendPart(f *durable.File, id string, p part) error {
	name, offset := p.fileName(), int64(0)
	if p.offset >= 0 {
		name, offset = uploadData, p.offset
	}
	from, err := os.Open(b.s.uploadPath(b.name, id, name))
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	if _, err := from.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	n, err := io.CopyN(f, from, p.size)
	if err == nil && n != p.size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// sum gives the additional checksum of the whole object.
func (u *upload) sum(parts []part, f io.ReaderAt) (checksum, error) {
	switch {
	case u.Algorithm == "":
		return checksum{}, nil
	case u.Type == composite:
		return compose(u.Algorithm, parts)
	}
	var size int64
	for _, p := range parts {
		size += p.size
	}
	sum := algorithms[u.Algorithm]()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size)); err != nil {
		return checksum{}, err
	}
	return checksum{u.Algorithm, base64.StdEncoding.EncodeToString(sum.Sum(nil)), fullObject}, nil
}

// listedUpload is one upload in progress.
type listedUpload struct {
	id string
	upload
}

// listUploads gives the uploads in progress by key, then by beginning.
func (b *bucket) listUploads(prefix string) ([]listedUpload, error) {
	entries, err := os.ReadDir(b.s.uploadPath(b.name, "", ""))
	if err != nil && !durable.IsNotExist(err) {
		return nil, err
	}
	var out []listedUpload
	for _, e := range entries {
		var u upload
		found, err := b.s.read(uploadName(b.name, e.Name())+"/"+uploadDocument, uploadMagic, &u)
		if err != nil {
			return nil, err
		}
		if found && strings.HasPrefix(u.Key, prefix) {
			out = append(out, listedUpload{e.Name(), u})
		}
	}
	slices.SortFunc(out, func(x, y listedUpload) int {
		return cmp.Or(cmp.Compare(x.Key, y.Key), x.Initiated.Compare(y.Initiated), cmp.Compare(x.id, y.id))
	})
	return out, nil
}

// sweepUploads removes uploads that have no document or that nobody has sent a
// part of for long.
func (s *Buckets) sweepUploads() error {
	names, err := s.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		entries, err := os.ReadDir(s.uploadPath(name, "", ""))
		if err != nil && !durable.IsNotExist(err) {
			return err
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				continue
			}
			_, err = os.Stat(s.uploadPath(name, e.Name(), uploadDocument))
			if err == nil && s.opt.Now().Sub(info.ModTime()) < uploadLife {
				continue
			}
			if err := os.RemoveAll(s.uploadPath(name, e.Name(), "")); err != nil {
				return err
			}
		}
	}
	return nil
}
