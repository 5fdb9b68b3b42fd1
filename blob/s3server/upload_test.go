package s3server

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// content gives n bytes of part k.
func content(k, n int) string {
	return strings.Repeat(fmt.Sprintf("%07d\n", k), n/8+1)[:n]
}

// multi is an upload in progress.
type multi struct {
	t     *testing.T
	s     *Buckets
	id    string
	sent  map[int]string
	etags map[int]string
}

func startMulti(t *testing.T, s *Buckets, headers ...string) *multi {
	t.Helper()
	id := value(want(t, s, 200, "", "POST /box/k?uploads", "", headers...).body, "UploadId")
	return &multi{t, s, id, map[int]string{}, map[int]string{}}
}

func (m *multi) send(n int, body string, headers ...string) {
	m.t.Helper()
	a := want(m.t, m.s, 200, "", fmt.Sprintf("PUT /box/k?partNumber=%d&uploadId=%s", n, m.id), body, headers...)
	m.sent[n], m.etags[n] = body, a.header.Get("ETag")
}

func (m *multi) document(numbers ...int) string {
	var b strings.Builder
	b.WriteString("<CompleteMultipartUpload xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>")
	for _, n := range numbers {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", n, m.etags[n])
	}
	return b.String() + "</CompleteMultipartUpload>"
}

// complete completes the upload of these parts and compares the object.
func (m *multi) complete(numbers ...int) {
	m.t.Helper()
	var whole, sums strings.Builder
	for _, n := range numbers {
		whole.WriteString(m.sent[n])
		sum := md5.Sum([]byte(m.sent[n]))
		sums.Write(sum[:])
	}
	etag := fmt.Sprintf(`"%x-%d"`, md5.Sum([]byte(sums.String())), len(numbers))
	a := want(m.t, m.s, 200, "", "POST /box/k?uploadId="+m.id, m.document(numbers...))
	if value(a.body, "ETag") != etag {
		m.t.Errorf("ETag %s, want %s", value(a.body, "ETag"), etag)
	}
	a = want(m.t, m.s, 200, "", "GET /box/k", "")
	if a.body != whole.String() || a.header.Get("ETag") != etag {
		m.t.Errorf("%d bytes, want %d; %v", len(a.body), whole.Len(), a.header)
	}
	if left, err := os.ReadDir(filepath.Join(m.s.side, uploadDir, "box")); err == nil && len(left) > 0 {
		m.t.Errorf("left: %v", left)
	}
	noLeftovers(m.t, m.s)
}

// inData tells which parts lie in "data".
func (m *multi) inData() (out []int) {
	parts, err := m.s.known("box").parts(m.id)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, p := range parts {
		if p.offset >= 0 {
			out = append(out, p.number)
		}
	}
	return out
}

// five stands for the 5 MiB that a part has to have.
const five = 64 << 10

func TestMultipart(t *testing.T) {
	s := newBuckets(t)
	t.Run("in place, any order", func(t *testing.T) {
		m := startMulti(t, s, "X-Amz-Meta-K", "1")
		m.send(2, content(2, five))
		m.send(3, content(3, 100))
		m.send(1, content(1, five))
		if got := m.inData(); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("in data: %v", got)
		}
		want(t, s, 404, "NoSuchKey", "GET /box/k", "")
		m.complete(1, 2, 3)
		a := want(t, s, 206, "", "GET /box/k?partNumber=2", "")
		if a.body != m.sent[2] || a.header.Get("X-Amz-Mp-Parts-Count") != "3" || a.meta("k") != "1" {
			t.Errorf("%d bytes, %v", len(a.body), a.header)
		}
		// The answer was lost: the client asks again.
		want(t, s, 200, "", "POST /box/k?uploadId="+m.id, m.document(1, 2, 3))
		want(t, s, 404, "NoSuchUpload", "PUT /box/k?partNumber=1&uploadId="+m.id, "x")
		want(t, s, 204, "", "DELETE /box/k", "")
		want(t, s, 404, "NoSuchUpload", "POST /box/k?uploadId="+m.id, m.document(1, 2, 3))
	})
	t.Run("lengths that differ", func(t *testing.T) {
		m := startMulti(t, s)
		m.send(1, content(1, five))
		m.send(2, content(2, five+1))
		m.send(3, content(3, five))
		m.send(4, content(4, 0))
		if got := m.inData(); !slices.Equal(got, []int{1, 3}) {
			t.Errorf("in data: %v", got)
		}
		m.complete(1, 2, 3, 4)
	})
	t.Run("a part sent again", func(t *testing.T) {
		m := startMulti(t, s)
		m.send(1, content(1, five))
		m.send(2, content(2, five))
		m.send(1, content(7, five))
		if got := m.inData(); !slices.Equal(got, []int{2}) {
			t.Errorf("in data: %v", got)
		}
		m.complete(1, 2)
	})
	t.Run("gaps and parts left out", func(t *testing.T) {
		m := startMulti(t, s)
		m.send(2, content(2, five))
		m.send(5, content(5, five))
		m.send(9, content(9, five))
		want(t, s, 412, "PreconditionFailed", "POST /box/k?uploadId="+m.id, m.document(2, 5), "If-None-Match", "*")
		m.complete(2, 9)
	})
	t.Run("a refused part leaves its place", func(t *testing.T) {
		m := startMulti(t, s)
		want(t, s, 400, "BadDigest", "PUT /box/k?partNumber=1&uploadId="+m.id, content(9, five), "Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")
		m.send(1, content(1, five))
		m.send(2, content(2, 8))
		if got := m.inData(); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("in data: %v", got)
		}
		m.complete(1, 2)
	})
	t.Run("across a crash", func(t *testing.T) {
		m := startMulti(t, s)
		m.send(1, content(1, five))
		m.send(3, content(3, five))
		// The crash left bytes of a part that never came whole behind the rest.
		data := s.uploadPath("box", m.id, uploadData)
		if err := os.Truncate(data, 20*five); err != nil {
			t.Fatal(err)
		}
		m.s = reopen(t, s)
		m.send(2, content(2, five))
		m.send(4, content(4, 10))
		if got := m.inData(); !slices.Equal(got, []int{1, 2, 3, 4}) {
			t.Errorf("in data: %v", got)
		}
		m.complete(1, 2, 3, 4)
	})
}

// While a request still writes to "data", completing copies: nothing changes
// under an object.
func TestCompleteWhileWriting(t *testing.T) {
	s := newBuckets(t)
	m := startMulti(t, s)
	m.send(1, content(1, five))
	m.send(2, content(2, five))
	late, err := s.known("box").startPart("k", m.id, 3, five)
	if err != nil || late.data == nil {
		t.Fatal(err)
	}
	m.complete(1, 2)
	if _, err := late.Write([]byte(content(3, five))); err != nil {
		t.Fatal(err)
	}
	if _, err := late.commit(five, &body{md5: md5Of(content(3, five))}); err == nil {
		t.Error("a part of an upload that is complete is accepted")
	}
	late.abort()
	if a := want(t, s, 200, "", "GET /box/k", ""); a.body != m.sent[1]+m.sent[2] {
		t.Errorf("the object changed: %d bytes", len(a.body))
	}
	noLeftovers(t, s)
}

func TestBadCompletions(t *testing.T) {
	s := newBuckets(t)
	m := startMulti(t, s)
	m.send(1, content(1, 10))
	m.send(2, content(2, five))
	m.etags[3], m.etags[4] = m.etags[2], `"x"`
	for _, c := range []struct {
		code, doc string
		headers   []string
	}{
		{"EntityTooSmall", m.document(1, 2), nil},
		{"InvalidPartOrder", m.document(2, 1), nil},
		{"InvalidPartOrder", m.document(2, 2), nil},
		{"InvalidPart", m.document(3), nil},
		{"InvalidPart", m.document(4), nil},
		{"InvalidPart", strings.Replace(m.document(2), "</Part>", "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>", 1), nil},
		{"MalformedXML", "<CompleteMultipartUpload>", nil},
		{"MalformedXML", m.document(), nil},
		{"InvalidRequest", m.document(2), []string{"X-Amz-Mp-Object-Size", "3"}},
		{"InvalidRequest", m.document(2), []string{"X-Amz-Mp-Object-Size", "many"}},
		{"InvalidRequest", m.document(2), []string{"X-Amz-Checksum-Crc32", "nonsense"}},
	} {
		want(t, s, 400, c.code, "POST /box/k?uploadId="+m.id, c.doc, c.headers...)
	}
	m.complete(2)
}

func TestMultipartChecksums(t *testing.T) {
	s := newBuckets(t)
	one, two := content(1, five), content(2, 99)
	m := startMulti(t, s, "X-Amz-Checksum-Algorithm", "CRC32")
	m.send(1, one, "X-Amz-Checksum-Crc32", crc(one))
	m.send(2, two)
	want(t, s, 400, "InvalidRequest", "PUT /box/k?partNumber=3&uploadId="+m.id, "x", "X-Amz-Sdk-Checksum-Algorithm", "SHA1")
	a := want(t, s, 200, "", "GET /box/k?uploadId="+m.id, "")
	if got := values(a.body, "ChecksumCRC32"); !slices.Equal(got, []string{crc(one), crc(two)}) {
		t.Error(a.body)
	}
	raw1, _ := base64.StdEncoding.DecodeString(crc(one))
	raw2, _ := base64.StdEncoding.DecodeString(crc(two))
	a = want(t, s, 200, "", "POST /box/k?uploadId="+m.id, m.document(1, 2))
	if got, want := value(a.body, "ChecksumCRC32"), crc(string(raw1)+string(raw2))+"-2"; got != want || value(a.body, "ChecksumType") != composite {
		t.Errorf("composite checksum %s, want %s", got, want)
	}
	m = startMulti(t, s, "X-Amz-Checksum-Algorithm", "CRC32", "X-Amz-Checksum-Type", "FULL_OBJECT")
	m.send(1, one)
	m.send(2, two)
	want(t, s, 400, "BadDigest", "POST /box/k?uploadId="+m.id, m.document(1, 2), "X-Amz-Checksum-Crc32", crc("other"))
	want(t, s, 200, "", "POST /box/k?uploadId="+m.id, m.document(1, 2), "X-Amz-Checksum-Crc32", crc(one+two))
	if a = want(t, s, 200, "", "HEAD /box/k", "", "X-Amz-Checksum-Mode", "ENABLED"); a.header.Get("X-Amz-Checksum-Crc32") != crc(one+two) {
		t.Errorf("%v", a.header)
	}
}

func TestPartCopy(t *testing.T) {
	s := newBuckets(t)
	source := content(1, five) + content(2, 1000)
	want(t, s, 200, "", "PUT /box/source", source)
	m := startMulti(t, s)
	for n, span := range []string{fmt.Sprintf("bytes=0-%d", five-1), fmt.Sprintf("bytes=%d-%d", five, five+999)} {
		a := want(t, s, 200, "", fmt.Sprintf("PUT /box/k?partNumber=%d&uploadId=%s", n+1, m.id), "", "X-Amz-Copy-Source", "/box/source", "X-Amz-Copy-Source-Range", span)
		m.etags[n+1] = value(a.body, "ETag")
	}
	m.sent[1], m.sent[2] = source[:five], source[five:]
	for _, span := range []string{fmt.Sprintf("bytes=0-%d", five+1000), "bytes=-5", "bytes=5-", "nonsense", "bytes=9-2"} {
		want(t, s, 400, "InvalidArgument", "PUT /box/k?partNumber=3&uploadId="+m.id, "", "X-Amz-Copy-Source", "/box/source", "X-Amz-Copy-Source-Range", span)
	}
	m.complete(1, 2)
}

func TestListUploads(t *testing.T) {
	s := newBuckets(t)
	type listed struct{ key, id string }
	var all []listed
	for _, key := range []string{"a", "a", "b/1", "b/2", "c", "d"} {
		id := value(want(t, s, 200, "", "POST /box/"+key+"?uploads", "").body, "UploadId")
		all = append(all, listed{key, id})
	}
	for _, n := range []int{1, 2, 5, 100} {
		var got []listed
		key, id := "", ""
		for range 20 {
			a := want(t, s, 200, "", fmt.Sprintf("GET /box?uploads&max-uploads=%d&key-marker=%s&upload-id-marker=%s", n, key, id), "")
			keys, ids := values(a.body, "Key"), values(a.body, "UploadId")
			for i := range keys {
				got = append(got, listed{keys[i], ids[i]})
			}
			if value(a.body, "IsTruncated") != "true" {
				break
			}
			key, id = value(a.body, "NextKeyMarker"), value(a.body, "NextUploadIdMarker")
		}
		slices.SortFunc(all[:2], func(x, y listed) int { return strings.Compare(x.id, y.id) }) // the clock stands still
		if !slices.Equal(got, all) {
			t.Errorf("pages of %d: %v, want %v", n, got, all)
		}
	}
	a := want(t, s, 200, "", "GET /box?uploads&delimiter=/&prefix=", "")
	if got := values(a.body, "Key"); !slices.Equal(got, []string{"a", "a", "c", "d"}) || !strings.Contains(a.body, "<CommonPrefixes><Prefix>b/</Prefix>") {
		t.Error(a.body)
	}
	for _, u := range all {
		want(t, s, 204, "", "DELETE /box/"+u.key+"?uploadId="+u.id, "")
	}
	if a = want(t, s, 200, "", "GET /box?uploads", ""); strings.Contains(a.body, "<Upload>") {
		t.Error(a.body)
	}
}

func TestListParts(t *testing.T) {
	s := newBuckets(t)
	m := startMulti(t, s)
	for _, n := range []int{7, 2, 10_000} {
		m.send(n, content(n, n))
	}
	var got []string
	marker := "0"
	for range 5 {
		a := want(t, s, 200, "", "GET /box/k?max-parts=2&part-number-marker="+marker+"&uploadId="+m.id, "")
		got = append(got, values(a.body, "PartNumber")...)
		if value(a.body, "IsTruncated") != "true" {
			break
		}
		marker = value(a.body, "NextPartNumberMarker")
	}
	if !slices.Equal(got, []string{"2", "7", "10000"}) {
		t.Errorf("%q", got)
	}
}

func TestPartNames(t *testing.T) {
	for _, p := range []part{
		{number: 1, etag: strings.Repeat("a", 32), algorithm: "CRC32", checksum: "AAAAAA==", size: 5, offset: 0},
		{number: 10_000, etag: strings.Repeat("0", 32), size: 0, offset: -1},
	} {
		if got, ok := parsePart(p.fileName()); !ok || got != p {
			t.Errorf("%q is read as %+v", p.fileName(), got)
		}
	}
	for _, name := range []string{"", uploadData, uploadDocument, ".....", "1.a.b.c.d.e", "00001.x.y.zz.1.-", "1.x.y.00.1.-"} {
		if p, ok := parsePart(name); ok {
			t.Errorf("%q is read as %+v", name, p)
		}
	}
}
