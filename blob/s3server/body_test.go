package s3server

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

func md5Of(s string) hash.Hash {
	h := md5.New()
	h.Write([]byte(s))
	return h
}

// frame writes a body as aws-chunked, in chunks of the given size.
func frame(body string, size int, extension, trailer string) string {
	var b strings.Builder
	for rest := body; rest != ""; {
		k := min(size, len(rest))
		fmt.Fprintf(&b, "%x%s\r\n%s\r\n", k, extension, rest[:k])
		rest = rest[k:]
	}
	fmt.Fprintf(&b, "0%s\r\n%s\r\n", extension, trailer)
	return b.String()
}

const signature = ";chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"

func TestChunkedReader(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 1000)
	for _, size := range []int{1, 7, 1000, 1 << 20} {
		for _, extension := range []string{"", signature} {
			framed := frame(body, size, extension, "x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:abc\r\n")
			for _, r := range []io.Reader{strings.NewReader(framed), iotest.OneByteReader(strings.NewReader(framed)), iotest.DataErrReader(strings.NewReader(framed))} {
				c := newChunkedReader(r)
				got, err := io.ReadAll(c)
				if err != nil || string(got) != body || c.trailer.Get("x-amz-checksum-crc32") != "AAAAAA==" {
					t.Errorf("size %d: %d bytes, trailer %v, %v", size, len(got), c.trailer, err)
				}
			}
		}
	}
	for framed, want := range map[string]string{
		"":                                  "IncompleteBody",
		"3\r\nab":                           "IncompleteBody",
		"3\r\nabc":                          "IncompleteBody",
		"3\r\nabc\r\n":                      "IncompleteBody",
		"3\r\nabcd\r\n0\r\n\r\n":            "InvalidRequest",
		"x\r\n":                             "InvalidRequest",
		"-1\r\n":                            "InvalidRequest",
		"\r\n":                              "InvalidRequest",
		"ffffffffffffffffff\r\n":            "InvalidRequest",
		"3":                                 "InvalidRequest",
		"0\r\nno colon\r\n\r\n":             "InvalidRequest",
		strings.Repeat("1", 2*maxChunkLine): "InvalidRequest",
		"0\r\n" + strings.Repeat("a:b\r\n", 10000): "InvalidRequest",
	} {
		_, err := io.ReadAll(newChunkedReader(strings.NewReader(framed)))
		var f *fault
		if !errors.As(err, &f) || f.code != want {
			t.Errorf("%.40q: %v, want %s", framed, err, want)
		}
	}
	// The end of some clients is an empty line short.
	if got, err := io.ReadAll(newChunkedReader(strings.NewReader("1\r\na\r\n0\r\n"))); err != nil || string(got) != "a" {
		t.Errorf("%q, %v", got, err)
	}
}

func crc(s string) string {
	h := crc32.NewIEEE()
	h.Write([]byte(s))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// TestFramedPut sends bodies as SDKs do over TLS and with signed chunks.
func TestFramedPut(t *testing.T) {
	s := newBuckets(t)
	body := strings.Repeat("row\n", 50_000)
	for _, kind := range []string{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"} {
		extension, trailer, headers := signature, "", []string{"X-Amz-Content-Sha256", kind, "X-Amz-Decoded-Content-Length", strconv.Itoa(len(body)), "Content-Encoding", "aws-chunked,gzip"}
		if strings.HasSuffix(kind, "TRAILER") {
			extension, trailer = "", "x-amz-checksum-crc32:"+crc(body)+"\r\n"
			headers = append(headers, "X-Amz-Trailer", "x-amz-checksum-crc32")
		}
		want(t, s, 200, "", "PUT /box/framed", frame(body, 8192, extension, trailer), headers...)
		a := want(t, s, 200, "", "GET /box/framed", "", "X-Amz-Checksum-Mode", "ENABLED")
		if a.body != body || a.header.Get("Content-Encoding") != "gzip" || trailer != "" && a.header.Get("X-Amz-Checksum-Crc32") != crc(body) {
			t.Errorf("%s: %d bytes, %v", kind, len(a.body), a.header)
		}
	}
	headers := []string{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length", strconv.Itoa(len(body)), "X-Amz-Trailer", "x-amz-checksum-crc32"}
	want(t, s, 400, "BadDigest", "PUT /box/framed", frame(body, 8192, "", "x-amz-checksum-crc32:"+crc("other")+"\r\n"), headers...)
	want(t, s, 400, "MalformedTrailerError", "PUT /box/framed", frame(body, 8192, "", ""), headers...)
	want(t, s, 400, "InvalidRequest", "PUT /box/framed", frame(body, 8192, "", "x-amz-checksum-crc32:x\r\n"), headers...)
	want(t, s, 400, "IncompleteBody", "PUT /box/framed", frame(body, 8192, "", "")[:100], headers...)
	headers[5] = "x-amz-something"
	want(t, s, 400, "InvalidRequest", "PUT /box/framed", frame(body, 8192, "", ""), headers...)
	if a := want(t, s, 200, "", "GET /box/framed", ""); a.body != body {
		t.Errorf("a refused body changed the object: %d bytes", len(a.body))
	}
	noLeftovers(t, s)
}

// Values of "123456789" that the algorithms' specifications give.
func TestChecksums(t *testing.T) {
	for name, want := range map[string]string{
		"CRC32": "cbf43926", "CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888", "SHA1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441", "MD5": "25f9e794323b453885f5181f1b624d0b",
	} {
		h := algorithms[name]()
		h.Write([]byte("123456789"))
		if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// readPlainly is the twin of chunkedReader: the whole body at once.
func readPlainly(framed string) (body string, ok bool) {
	for {
		line, rest, found := strings.Cut(framed, "\n")
		if !found || len(line) >= maxChunkLine {
			return body, false
		}
		line = strings.TrimRight(line, "\r")
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
		if err != nil || n < 0 {
			return body, false
		}
		if n == 0 {
			return body, true
		}
		if int64(len(rest)) < n {
			return body, false
		}
		body += rest[:n]
		end, after, found := strings.Cut(rest[n:], "\n")
		if !found || strings.TrimRight(end, "\r") != "" {
			return body, false
		}
		framed = after
	}
}

func FuzzChunkedReader(f *testing.F) {
	f.Add([]byte(frame("hello", 2, signature, "a:b\r\n")))
	f.Add([]byte(frame("hello", 10, "", "")))
	f.Add([]byte("5\r\nhello\r\n0\r\n"))
	f.Add([]byte("5;x\nhello\n0\n\n"))
	f.Fuzz(func(t *testing.T, framed []byte) {
		whole, err := io.ReadAll(newChunkedReader(bytes.NewReader(framed)))
		slow, slowErr := io.ReadAll(newChunkedReader(iotest.OneByteReader(bytes.NewReader(framed))))
		if !bytes.Equal(whole, slow) || (err == nil) != (slowErr == nil) {
			t.Errorf("read at once %q %v, byte by byte %q %v", whole, err, slow, slowErr)
		}
		if plain, ok := readPlainly(string(framed)); err == nil && (!ok || plain != string(whole)) {
			t.Errorf("%q, read plainly %q %v", whole, plain, ok)
		}
		var fault *fault
		if err != nil && !errors.As(err, &fault) {
			t.Errorf("an error that is not S3's: %v", err)
		}
	})
}

func TestHeadersOf(t *testing.T) {
	h := http.Header{"Content-Encoding": {"aws-chunked"}, "X-Amz-Meta-A": {"1", "2"}, "X-Amz-Acl": {"private"}, "Expires": {"0"}}
	got, err := headersOf(h)
	if err != nil || len(got) != 3 || got["x-amz-meta-a"] != "1,2" || got["Content-Type"] != "binary/octet-stream" || got["Expires"] != "0" {
		t.Errorf("%v, %v", got, err)
	}
}
