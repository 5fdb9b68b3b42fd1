package s3server

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// body is the body of a request as the client meant it: framing undone, length,
// MD5 and checksum compared at its end.
type body struct {
	reader  io.Reader
	length  int64 // -1: not said
	md5     hash.Hash
	wantMD5 string // base64; "": not said

	algorithm string // of the additional checksum; "": none
	sum       hash.Hash
	want      string // base64; "": not said, or in the trailer
	chunked   *chunkedReader
	trailer   string // the header that the trailer has to hold
}

// newBody reads the headers that speak of the body. fallback is the algorithm
// to compute where the request names none.
func newBody(r *http.Request, fallback string) (*body, error) {
	b := &body{reader: bodyError{r.Body}, length: r.ContentLength, md5: md5.New()}
	if values, ok := r.Header["Content-Md5"]; ok {
		b.wantMD5 = values[0]
		if raw, err := base64.StdEncoding.DecodeString(b.wantMD5); err != nil || len(raw) != md5.Size {
			return nil, faultf("InvalidDigest", http.StatusBadRequest, "The Content-MD5 you specified is not valid: %q is not the base64 of 16 bytes.", clip(b.wantMD5))
		}
	}
	var err error
	if b.algorithm, b.want, err = sentChecksum(r.Header); err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") || isChunked(r.Header) {
		if err := b.unframe(r.Header); err != nil {
			return nil, err
		}
	}
	if b.algorithm == "" {
		if b.algorithm, err = algorithm(r.Header.Get("X-Amz-Sdk-Checksum-Algorithm")); err != nil {
			return nil, err
		}
	}
	if b.algorithm == "" {
		b.algorithm = fallback
	}
	if b.algorithm != "" {
		b.sum = algorithms[b.algorithm]()
	}
	return b, nil
}

// isChunked tells whether Content-Encoding says aws-chunked.
func isChunked(h http.Header) bool {
	first, _, _ := strings.Cut(h.Get("Content-Encoding"), ",")
	return strings.EqualFold(strings.TrimSpace(first), "aws-chunked")
}

// unframe reads the body in chunks with their own headers, and a trailer.
func (b *body) unframe(h http.Header) error {
	decoded := h.Get("X-Amz-Decoded-Content-Length")
	length, err := strconv.ParseInt(decoded, 10, 64)
	if err != nil || length < 0 {
		return faultf("MissingContentLength", http.StatusLengthRequired, "A body in chunks needs the header x-amz-decoded-content-length with its length; it is %q.", clip(decoded))
	}
	b.length = length
	b.chunked = newChunkedReader(b.reader)
	b.reader = b.chunked
	if t := strings.TrimSpace(h.Get("X-Amz-Trailer")); t != "" {
		name, ok := strings.CutPrefix(strings.ToLower(t), "x-amz-checksum-")
		if !ok {
			return faultf("InvalidRequest", http.StatusBadRequest, "The value %q specified in the x-amz-trailer header is not supported; it names a header x-amz-checksum-….", clip(t))
		}
		a, err := algorithm(name)
		if err != nil {
			return err
		}
		if b.algorithm != "" && b.algorithm != a {
			return faultf("InvalidRequest", http.StatusBadRequest, "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.")
		}
		b.algorithm, b.trailer = a, http.CanonicalHeaderKey(t)
	}
	return nil
}

var buffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// copyTo writes the body and then holds what came against what was announced.
// What was written counts only if it returns no error.
func (b *body) copyTo(w io.Writer) (int64, error) {
	buf := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(buf)
	sums := []io.Writer{w, b.md5}
	if b.sum != nil {
		sums = append(sums, b.sum)
	}
	to := io.MultiWriter(sums...)
	var n int64
	for {
		// Small reads are gathered: each write is a system call.
		k, err := io.ReadFull(b.reader, buf[:])
		if b.length >= 0 && n+int64(k) > b.length {
			return n, errIncomplete
		}
		if _, err := to.Write(buf[:k]); err != nil {
			return n, err
		}
		n += int64(k)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return n, err
		}
	}
	if b.length >= 0 && n != b.length {
		return n, errIncomplete
	}
	return n, b.check()
}

func (b *body) check() error {
	if got := base64.StdEncoding.EncodeToString(b.md5.Sum(nil)); b.wantMD5 != "" && got != b.wantMD5 {
		return badDigest("Content-MD5", b.wantMD5, got)
	}
	if b.trailer != "" {
		b.want = b.chunked.trailer.Get(b.trailer)
		if b.want == "" {
			return faultf("MalformedTrailerError", http.StatusBadRequest, "The request contained trailing data that was not well-formed: the header %s that x-amz-trailer announced is missing.", strings.ToLower(b.trailer))
		}
		if err := checkSum(b.algorithm, b.want); err != nil {
			return err
		}
	}
	if b.want != "" {
		if got := b.checksum().Value; got != b.want {
			return badDigest(b.algorithm, b.want, got)
		}
	}
	return nil
}

func (b *body) etag() string { return hex.EncodeToString(b.md5.Sum(nil)) }

func (b *body) checksum() checksum {
	if b.sum == nil {
		return checksum{}
	}
	return checksum{b.algorithm, base64.StdEncoding.EncodeToString(b.sum.Sum(nil)), fullObject}
}

// maxDocument bounds bodies that are documents: a list of 1000 keys to delete,
// ten thousand parts, a policy.
const maxDocument = 4 << 20

// document reads a whole body that is a small document.
func document(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxDocument)
	b, err := newBody(r, "")
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	_, err = b.copyTo(&buf)
	return buf.Bytes(), err
}

// chunkedReader undoes the framing aws-chunked: "size;extension\r\n", the bytes,
// "\r\n", …, "0\r\n", trailing headers, "\r\n". Signatures of chunks are passed
// over: who signs checks the request's own signature.
type chunkedReader struct {
	r       *bufio.Reader
	rest    int64 // of the chunk
	started bool
	trailer http.Header
	err     error
}

// maxChunkLine is the longest line between chunks; a signature takes 85 bytes.
const maxChunkLine = 4096

func newChunkedReader(r io.Reader) *chunkedReader {
	return &chunkedReader{r: bufio.NewReaderSize(r, maxChunkLine), trailer: http.Header{}}
}

func malformedChunk(why string) error {
	return faultf("InvalidRequest", http.StatusBadRequest, "The body is not well-formed aws-chunked: %s.", why)
}

func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.rest == 0 {
		if c.err = c.header(); c.err != nil {
			return 0, c.err
		}
	}
	if int64(len(p)) > c.rest {
		p = p[:c.rest]
	}
	n, err := c.r.Read(p)
	c.rest -= int64(n)
	if err == io.EOF {
		err = errIncomplete
	}
	c.err = err
	return n, err
}

// header reads up to the bytes of the next chunk; io.EOF after the last one.
func (c *chunkedReader) header() error {
	if c.started {
		if line, err := c.line(); err != nil || line != "" {
			return orMalformed(err, "a chunk is longer than its size says")
		}
	}
	c.started = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || n < 0 {
		return malformedChunk("the size of a chunk is " + strconv.Quote(clip(size)))
	}
	if c.rest = n; n > 0 {
		return nil
	}
	for lines := 0; ; lines++ {
		line, err := c.line()
		if err != nil && err != errIncomplete {
			return err
		}
		if err != nil || line == "" { // some clients leave out the last empty line
			return io.EOF
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || lines > 100 {
			return malformedChunk("a line of the trailer is " + strconv.Quote(clip(line)))
		}
		c.trailer.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
}

func (c *chunkedReader) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	switch {
	case err == io.EOF && len(line) > 0:
		return "", malformedChunk("it ends in the middle of a line")
	case err == io.EOF:
		return "", errIncomplete
	case err == bufio.ErrBufferFull:
		return "", malformedChunk("a line between chunks is too long")
	case err != nil:
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

func orMalformed(err error, why string) error {
	if err != nil {
		return err
	}
	return malformedChunk(why)
}
