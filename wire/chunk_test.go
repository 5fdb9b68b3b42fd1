package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// exampleSignature is that of AWS's documentation of chunked uploads, with the
// signatures of its chunks:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func exampleSignature(t testing.TB) *signature {
	at, err := time.Parse(timeFormat, "20130524T000000Z")
	if err != nil {
		t.Fatal(err)
	}
	return &signature{day: "20130524", region: "us-east-1", service: "s3", at: at, signature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"}
}

const exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

var exampleBody = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) + "\r\n" +
	"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) + "\r\n" +
	"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"

// through reads a body that is signed chunk by chunk.
func through(t testing.TB, body io.Reader) (string, error) {
	r := httptest.NewRequest(http.MethodPut, "/b/k", body)
	exampleSignature(t).signChunks(r, exampleSecret)
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

func TestChunksOfTheDocumentation(t *testing.T) {
	for name, body := range map[string]io.Reader{
		"at once":            strings.NewReader(exampleBody),
		"byte by byte":       iotest.OneByteReader(strings.NewReader(exampleBody)),
		"end with data":      iotest.DataErrReader(strings.NewReader(exampleBody)),
		"no last empty line": strings.NewReader(strings.TrimSuffix(exampleBody, "\r\n\r\n")),
	} {
		if got, err := through(t, body); err != nil || !strings.HasPrefix(exampleBody, got) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// signed makes a body of chunks and a trailer, signed as exampleSignature goes on.
func signed(t testing.TB, trailer string, chunks ...string) string {
	r := httptest.NewRequest(http.MethodPut, "/b/k", strings.NewReader(""))
	s := exampleSignature(t)
	s.signChunks(r, exampleSecret)
	c := r.Body.(*signedChunks)
	sign := func(kind, hashes string) string {
		c.last = hex.EncodeToString(mac(c.key, kind+"\n"+c.scope+"\n"+c.last+"\n"+hashes))
		return c.last
	}
	var b strings.Builder
	for _, chunk := range append(chunks, "") {
		sum := sha256.Sum256([]byte(chunk))
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s", len(chunk), sign("AWS4-HMAC-SHA256-PAYLOAD", emptySum+"\n"+hex.EncodeToString(sum[:])), chunk)
		if chunk != "" {
			b.WriteString("\r\n")
		}
	}
	if trailer != "" {
		sum := sha256.Sum256([]byte(trailer + "\n"))
		fmt.Fprintf(&b, "%s\r\nx-amz-trailer-signature:%s\r\n", trailer, sign("AWS4-HMAC-SHA256-TRAILER", hex.EncodeToString(sum[:])))
	}
	return b.String() + "\r\n"
}

func TestAlteredChunks(t *testing.T) {
	const trailer = "x-amz-checksum-crc32c:sOO8/Q=="
	good := signed(t, trailer, "first", "second", "third")
	if got, err := through(t, strings.NewReader(good)); err != nil || got != good {
		t.Fatalf("%q, %v", got, err)
	}
	first, rest, _ := strings.Cut(good, "6;chunk")
	for name, body := range map[string]string{
		"another byte":          strings.Replace(good, "second", "sEcond", 1),
		"another trailer":       strings.Replace(good, "sOO8", "sOO9", 1),
		"no signature":          strings.Replace(good, ";chunk-signature=", ";x=", 1),
		"no extension":          "5\r\nfirst\r\n0\r\n\r\n",
		"a chunk is left out":   "6;chunk" + rest,
		"a chunk comes twice":   first + first + "6;chunk" + rest,
		"cut after a chunk":     first,
		"cut in a chunk":        first[:len(first)-4],
		"ended early":           first + good[strings.Index(good, "0;chunk"):],
		"trailer is not signed": good[:strings.Index(good, "x-amz-trailer")],
		"negative":              "-5;chunk-signature=x\r\n",
		"no number":             "zz;chunk-signature=x\r\n",
		"long line":             strings.Repeat("x", 2*maxLine),
		"empty":                 "",
	} {
		got, err := through(t, strings.NewReader(body))
		fault, ok := errors.AsType[*Fault](err)
		if !errors.Is(err, io.ErrUnexpectedEOF) && !(ok && fault.Code == "SignatureDoesNotMatch" && fault.Status == http.StatusForbidden) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func FuzzSignedChunks(f *testing.F) {
	f.Add(signed(f, "", "a"))
	f.Add(signed(f, "a:b", "first", "second"))
	f.Add("0;chunk-signature=\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		whole, err := through(t, strings.NewReader(body))
		if err == nil && whole != body {
			t.Fatalf("%q was passed on as %q", body, whole)
		}
		_, again := through(t, iotest.OneByteReader(strings.NewReader(body)))
		if (err == nil) != (again == nil) {
			t.Fatalf("at once %v, byte by byte %v", err, again)
		}
	})
}
