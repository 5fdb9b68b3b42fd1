package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// streamingSigned begins the x-amz-content-sha256 of a body whose chunks are signed
// one by one.
const streamingSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

// maxLine is the longest line between chunks: a size and a signature, or a
// trailing header.
const maxLine = 4096

// signedChunks is a body of S3's streaming uploads whose chunks are signed: each
// signature is of the chunk and the signature before. What was changed, put in or
// left out ends in an error before the reader sees the end of the body. The framing
// is passed on as it came; who reads the body takes it off.
type signedChunks struct {
	io.ReadCloser
	key   []byte // of the day, region and service
	scope string // second and third line of what is signed
	last  string // signature

	line    []byte // that is being read
	rest    int64  // bytes of the chunk to come, and of the line end behind it
	sum     hash.Hash
	want    string       // signature of the chunk that is being read
	trailer bytes.Buffer // headers behind the last chunk, as they are signed
	ended   bool         // the last chunk has been seen
	err     error
}

// signChunks makes the body of a request one whose chunks are checked.
func (s *signature) signChunks(r *http.Request, secret string) {
	if r.Body == nil {
		return
	}
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.day, s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	scope := strings.Join([]string{s.at.Format(timeFormat), s.day + "/" + s.region + "/" + s.service + "/aws4_request"}, "\n")
	r.Body = &signedChunks{ReadCloser: r.Body, key: key, scope: scope, last: s.signature, sum: sha256.New()}
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// Read implements io.Reader.
func (c *signedChunks) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.ReadCloser.Read(p)
	c.check(p[:n])
	if err == io.EOF {
		err = c.end()
	}
	if c.err != nil {
		return 0, c.err
	}
	return n, err
}

// end gives the error of a body that ends here.
func (c *signedChunks) end() error {
	if len(c.line) > 0 && c.err == nil { // some clients leave out the last empty line
		c.between(strings.TrimRight(string(c.line), "\r\n"))
		c.line = c.line[:0]
	}
	if c.trailer.Len() > 0 {
		c.refuse()
	}
	if !c.ended {
		return io.ErrUnexpectedEOF
	}
	return io.EOF
}

// check takes bytes of the body in.
func (c *signedChunks) check(p []byte) {
	for len(p) > 0 && c.err == nil {
		if c.rest > 0 {
			p = c.chunk(p)
			continue
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			i = len(p) - 1
		}
		c.line, p = append(c.line, p[:i+1]...), p[i+1:]
		switch {
		case len(c.line) > maxLine:
			c.refuse()
		case c.line[len(c.line)-1] == '\n':
			c.between(strings.TrimRight(string(c.line), "\r\n"))
			c.line = c.line[:0]
		}
	}
}

// chunk takes bytes of a chunk in and gives those behind it.
func (c *signedChunks) chunk(p []byte) []byte {
	n := min(int64(len(p)), c.rest)
	c.sum.Write(p[:n])
	if c.rest -= n; c.rest == 0 {
		c.verify("AWS4-HMAC-SHA256-PAYLOAD", emptySum+"\n"+hex.EncodeToString(c.sum.Sum(nil)), c.want)
	}
	return p[n:]
}

// emptySum is the hash of nothing.
var emptySum = hex.EncodeToString(sha256.New().Sum(nil))

// between takes a line that is not of a chunk in.
func (c *signedChunks) between(line string) {
	switch {
	case line == "": // behind a chunk, or the end
	case c.ended:
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "x-amz-trailer-signature") {
			sum := sha256.Sum256(c.trailer.Bytes())
			c.verify("AWS4-HMAC-SHA256-TRAILER", hex.EncodeToString(sum[:]), strings.TrimSpace(value))
			c.trailer.Reset()
			return
		}
		c.trailer.WriteString(strings.ToLower(strings.TrimSpace(name)) + ":" + strings.TrimSpace(value) + "\n")
	default:
		c.header(line)
	}
}

// header begins a chunk.
func (c *signedChunks) header(line string) {
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(size, 16, 63)
	want, ok := strings.CutPrefix(extension, "chunk-signature=")
	if err != nil || n < 0 || !ok {
		c.refuse()
		return
	}
	c.sum.Reset()
	if c.rest, c.want = n, want; n == 0 {
		c.ended = true
		c.verify("AWS4-HMAC-SHA256-PAYLOAD", emptySum+"\n"+emptySum, want)
	}
}

// verify compares a signature with the one that belongs there.
func (c *signedChunks) verify(kind, hashes, given string) {
	made := hex.EncodeToString(mac(c.key, kind+"\n"+c.scope+"\n"+c.last+"\n"+hashes))
	if subtle.ConstantTimeCompare([]byte(made), []byte(given)) != 1 {
		c.refuse()
		return
	}
	c.last = made
}

func (c *signedChunks) refuse() {
	c.err = &Fault{"SignatureDoesNotMatch", "The signature of a chunk of the body does not match: the body was changed on its way, or the chunks are not signed.", http.StatusForbidden}
}
