package s3server

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestObject(t *testing.T) {
	s := newBuckets(t)
	a := want(t, s, 200, "", "PUT /box/a/b.csv", "USER_ID\n1\n", "Content-Type", "text/csv", "X-Amz-Meta-Made-By", "test", "Content-Encoding", "gzip",
		"Cache-Control", "no-cache", "X-Amz-Checksum-Crc32", "tQ1I1A==", "X-Amz-Tagging", "a=1&b=2")
	if got := (&body{md5: md5Of("USER_ID\n1\n")}).etag(); a.header.Get("ETag") != quote(got) || a.header.Get("X-Amz-Checksum-Type") != "FULL_OBJECT" {
		t.Errorf("%v", a.header)
	}
	plain, err := os.ReadFile(filepath.Join(s.root, "box", "a", "b.csv"))
	if err != nil || string(plain) != "USER_ID\n1\n" {
		t.Errorf("the plain file: %q, %v", plain, err)
	}
	s = reopen(t, s)
	for _, method := range []string{"GET", "HEAD"} {
		b := want(t, s, 200, "", method+" /box/a/b.csv", "", "X-Amz-Checksum-Mode", "ENABLED")
		for name, value := range map[string]string{"Content-Type": "text/csv", "Content-Encoding": "gzip", "Cache-Control": "no-cache", "Content-Length": "10",
			"ETag": a.header.Get("ETag"), "X-Amz-Checksum-Crc32": "tQ1I1A==", "Accept-Ranges": "bytes", "X-Amz-Tagging-Count": "2", "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"} {
			if got := b.header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", method, name, got, value)
			}
		}
		if got := b.meta("made-by"); got != "test" {
			t.Errorf("%s: metadata %q in %v", method, got, b.header)
		}
		if len(b.body) != map[string]int{"GET": 10, "HEAD": 0}[method] {
			t.Errorf("%s: %q", method, b.body)
		}
	}
	b := want(t, s, 200, "", "GET /box/a/b.csv?response-content-type=text/plain&response-content-disposition=inline", "")
	if b.header.Get("Content-Type") != "text/plain" || b.header.Get("Content-Disposition") != "inline" {
		t.Error(b.header)
	}
	want(t, s, 204, "", "DELETE /box/a/b.csv", "")
	want(t, s, 204, "", "DELETE /box/a/b.csv", "")
	if _, err := os.Stat(filepath.Join(s.root, "box", "a")); !os.IsNotExist(err) {
		t.Errorf("the empty folder stays: %v", err)
	}
}

func TestConditionalReads(t *testing.T) {
	s := newBuckets(t)
	etag := want(t, s, 200, "", "PUT /box/a", "x").header.Get("ETag")
	const before, at, after = "Fri, 02 Jan 2026 03:04:04 GMT", "Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:06 GMT"
	for _, c := range []struct {
		status  int
		headers []string
	}{
		{200, []string{"If-Match", etag}},
		{200, []string{"If-Match", `"x", ` + etag}},
		{200, []string{"If-Match", "*"}},
		{412, []string{"If-Match", `"x"`}},
		{304, []string{"If-None-Match", etag}},
		{304, []string{"If-None-Match", "W/" + etag}},
		{304, []string{"If-None-Match", "*"}},
		{200, []string{"If-None-Match", `"x"`}},
		{200, []string{"If-Modified-Since", before}},
		{304, []string{"If-Modified-Since", at}},
		{304, []string{"If-Modified-Since", after}},
		{412, []string{"If-Unmodified-Since", before}},
		{200, []string{"If-Unmodified-Since", at}},
		{200, []string{"If-Unmodified-Since", "nonsense"}},
		{200, []string{"If-Match", etag, "If-Unmodified-Since", before}},    // the ETag counts
		{200, []string{"If-None-Match", `"x"`, "If-Modified-Since", after}}, // likewise
	} {
		if a := do(t, s, "GET /box/a", "", c.headers...); a.status != c.status || c.status == 304 && a.body != "" {
			t.Errorf("%q: %d %q, want %d", c.headers, a.status, a.body, c.status)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		text         string
		size         int64
		from, length int64
		partial, ok  bool
	}{
		{"", 10, 0, 10, false, true},
		{"bytes=0-0", 10, 0, 1, true, true},
		{"bytes=2-5", 10, 2, 4, true, true},
		{"bytes=2-", 10, 2, 8, true, true},
		{"bytes=-3", 10, 7, 3, true, true},
		{"bytes=-30", 10, 0, 10, true, true},
		{"bytes=9-99999999999999999999999", 10, 9, 1, true, true},
		{"bytes=10-", 10, 0, 10, false, false},
		{"bytes=99999999999999999999-", 10, 0, 10, false, false},
		{"bytes=-0", 10, 10, 0, true, false},
		{"bytes=0-", 0, 0, 0, false, false},
		{"bytes=-1", 0, 0, 0, true, false},
		{"bytes=5-2", 10, 0, 10, false, true},
		{"bytes=0-1,3-4", 10, 0, 10, false, true},
		{"bytes=a-b", 10, 0, 10, false, true},
		{"bytes=+1-2", 10, 0, 10, false, true},
		{"bytes=", 10, 0, 10, false, true},
		{"bytes=-", 10, 0, 10, false, true},
		{"lines=1-2", 10, 0, 10, false, true},
	} {
		got, ok := parseRange(c.text, c.size)
		if want := (span{c.from, c.length, c.partial}); got != want || ok != c.ok {
			t.Errorf("%q of %d: %+v %v, want %+v %v", c.text, c.size, got, ok, want, c.ok)
		}
	}
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /box/a", "0123456789")
	a := want(t, s, 206, "", "GET /box/a", "", "Range", "bytes=2-5")
	if a.body != "2345" || a.header.Get("Content-Range") != "bytes 2-5/10" || a.header.Get("Content-Length") != "4" {
		t.Errorf("%+v", a)
	}
	if a = do(t, s, "GET /box/a", "", "Range", "bytes=10-"); a.header.Get("Accept-Ranges") != "" {
		t.Errorf("%+v", a)
	}
}

func TestCopy(t *testing.T) {
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /other", "")
	etag := want(t, s, 200, "", "PUT /box/a%20b+c", "data", "X-Amz-Meta-K", "1", "Content-Type", "text/csv", "X-Amz-Sdk-Checksum-Algorithm", "SHA256", "X-Amz-Tagging", "t=1").header.Get("ETag")
	a := want(t, s, 200, "", "PUT /other/c", "", "X-Amz-Copy-Source", "/box/a%20b%2Bc")
	if value(a.body, "ETag") != etag || value(a.body, "ChecksumSHA256") == "" || value(a.body, "LastModified") != "2026-01-02T03:04:05.000Z" {
		t.Error(a.body)
	}
	if a = want(t, s, 200, "", "GET /other/c", ""); a.body != "data" || a.meta("k") != "1" || a.header.Get("X-Amz-Tagging-Count") != "1" {
		t.Errorf("%+v", a)
	}
	want(t, s, 200, "", "PUT /other/c", "", "X-Amz-Copy-Source", "other/c", "X-Amz-Metadata-Directive", "REPLACE", "X-Amz-Meta-K", "2", "X-Amz-Tagging-Directive", "REPLACE")
	if a = want(t, s, 200, "", "GET /other/c", ""); a.body != "data" || a.meta("k") != "2" || a.header.Get("X-Amz-Tagging-Count") != "" {
		t.Errorf("%+v", a)
	}
	noLeftovers(t, s)
}

// A file that somebody copies into the bucket's folder is an object, and its
// ETag follows it; the metadata of the object before it does not.
func TestCopiedByHand(t *testing.T) {
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /box/a.csv", "by S3", "X-Amz-Meta-K", "1", "Content-Type", "x/y")
	path := filepath.Join(s.root, "box", "a.csv")
	etags := map[string]bool{}
	for i, data := range []string{"by hand", "by hand again"} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		stamp := time.Date(2026, 5, i+1, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(path, stamp, stamp); err != nil {
			t.Fatal(err)
		}
		a := want(t, s, 200, "", "GET /box/a.csv", "")
		etag := a.header.Get("ETag")
		if a.body != data || a.meta("k") != "" || a.header.Get("Content-Type") != "text/csv" || !strings.HasSuffix(etag, `-1"`) || etags[etag] {
			t.Errorf("%+v", a)
		}
		etags[etag] = true
		if l := want(t, s, 200, "", "GET /box", ""); value(l.body, "ETag") != etag {
			t.Errorf("listed otherwise: %s", l.body)
		}
	}
	// Links to files are objects, folders and links to folders are not.
	for _, link := range []string{"link.csv", "link-to-folder"} {
		target := map[string]string{"link.csv": path, "link-to-folder": s.root}[link]
		if err := os.Symlink(target, filepath.Join(s.root, "box", link)); err != nil {
			t.Skip("no links here")
		}
	}
	if got := values(want(t, s, 200, "", "GET /box", "").body, "Key"); !slices.Equal(got, []string{"a.csv", "link.csv"}) {
		t.Errorf("%q", got)
	}
	if a := want(t, s, 200, "", "GET /box/link.csv", ""); a.body != "by hand again" {
		t.Error(a.body)
	}
}

// A crash between writing the record and renaming the file leaves the old
// object with its own metadata; a damaged record leaves the object.
func TestRecordsAndCrash(t *testing.T) {
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /box/a", "old", "X-Amz-Meta-V", "old")
	info, err := os.Stat(filepath.Join(s.root, "box", "a"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := s.recordOf("box", "a", info)
	if err != nil {
		t.Fatal(err)
	}
	coming := record{Size: 3, ModTime: old.ModTime + 1, ETag: "new", Headers: map[string]string{"x-amz-meta-v": "new"}}
	if err := s.writeRecords("box", "a", coming, old); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	if a := want(t, s, 200, "", "GET /box/a", ""); a.body != "old" || a.meta("v") != "old" || a.header.Get("ETag") != quote(old.ETag) {
		t.Errorf("%+v", a)
	}
	name := filepath.Join(s.side, filepath.FromSlash(recordName("box", "a")))
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] ^= 1
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		data[i] ^= 1
		if a := do(t, s, "GET /box/a", ""); a.status != 200 || a.body != "old" || a.meta("v") != "" || !strings.HasSuffix(a.header.Get("ETag"), `-1"`) {
			t.Fatalf("byte %d damaged: %+v", i, a)
		}
	}
}

// Two objects of one size, put at one moment, are told apart.
func TestSameMoment(t *testing.T) {
	s := newBuckets(t) // its clock stands still
	for i := range 20 {
		if i%5 == 0 {
			s = reopen(t, s) // it knows no times of before
		}
		want(t, s, 200, "", "PUT /box/a", fmt.Sprintf("%02d", i), "X-Amz-Meta-N", fmt.Sprint(i))
		var all records
		if _, err := s.read(recordName("box", "a"), recordMagic, &all); err != nil || len(all.Records) > 1 && all.Records[0].ModTime == all.Records[1].ModTime {
			t.Fatalf("%+v, %v", all, err)
		}
		if a := want(t, s, 200, "", "GET /box/a", ""); a.body != fmt.Sprintf("%02d", i) || a.meta("n") != fmt.Sprint(i) {
			t.Errorf("%+v", a)
		}
	}
}

// oddKeys can be no files, or stand in each other's way.
var oddKeys = []string{"a", "a/b", "a/b/c", "a/", "a//", "a//b", "a/b/", "/a", "/", "//", ".", "..", "./a", "../a", "a/..", "a/../b", "../../../etc/passwd",
	"a/.", " ", "a ", "ü", "a\x00b", "\x01", "a\nb", "%61", "a?b", "a+b", "a&b", "<a>", strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("y/", 500) + "z",
	strings.Repeat("/", 1024), ".usher", ".tmp/x", "A", "CON", "b.", `c\d`, "d:e", "a-", "a.", "a0", "\U0001F600/x"}

// TestRandomOperations does the same to the buckets and to a map, opening the
// folder again now and then as after a crash.
func TestRandomOperations(t *testing.T) {
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := newBuckets(t)
		model := map[string]string{}
		for step := range 200 {
			key := oddKeys[rng.IntN(len(oddKeys))]
			target := "/box/" + strings.ReplaceAll(url.PathEscape(key), "%2F", "/")
			switch op := rng.IntN(10); {
			case op < 4:
				body := fmt.Sprintf("%d of %.20q", step, key)
				want(t, s, 200, "", "PUT "+target, body, "X-Amz-Meta-Step", fmt.Sprint(step))
				model[key] = body
			case op < 6:
				want(t, s, 204, "", "DELETE "+target, "")
				delete(model, key)
			case op < 9:
				a := do(t, s, "GET "+target, "")
				body, there := model[key]
				if there && (a.status != 200 || a.body != body || !strings.HasPrefix(body, a.meta("step")+" ")) || !there && a.code() != "NoSuchKey" {
					t.Fatalf("seed %d step %d: GET %q: %+v, want %q", seed, step, key, a, body)
				}
			default:
				s = reopen(t, s)
			}
			if step%20 == 0 {
				same(t, s, model, "", fmt.Sprintf("seed %d step %d", seed, step))
				same(t, s, model, key[:rng.IntN(len(key)+1)], fmt.Sprintf("seed %d step %d", seed, step))
			}
		}
		for key := range model {
			if err := s.known("box").delete(key, nil); err != nil {
				t.Error(err)
			}
		}
		want(t, s, 204, "", "DELETE /box", "")
		noLeftovers(t, s)
	}
}

// same compares the keys of the bucket with those of the model.
func same(t *testing.T, s *Buckets, model map[string]string, prefix, what string) {
	t.Helper()
	var wanted, got []string
	for key := range model {
		if strings.HasPrefix(key, prefix) {
			wanted = append(wanted, key)
		}
	}
	slices.Sort(wanted)
	w, err := s.known("box").walk(prefix, "")
	if err != nil {
		t.Fatal(err)
	}
	for o, ok, err := w.next(); ok || err != nil; o, ok, err = w.next() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.key)
	}
	if !slices.Equal(got, wanted) {
		t.Fatalf("%s: prefix %q: keys %q, want %q", what, prefix, got, wanted)
	}
}

// TestSideBySide writes, reads and deletes keys that stand in each other's way;
// what is read is always a whole object with its own ETag.
func TestSideBySide(t *testing.T) {
	s := newBuckets(t)
	keys := []string{"a", "a/b", "a/b/c", "a/", "d"}
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 2))
			for i := range 40 {
				target := "/box/" + keys[rng.IntN(len(keys))]
				switch rng.IntN(4) {
				case 0, 1:
					body := strings.Repeat(fmt.Sprintf("%d/%d ", worker, i), 100+rng.IntN(5))
					if a := do(t, s, "PUT "+target, body, "X-Amz-Meta-Start", body[:4]); a.status != 200 {
						t.Errorf("PUT %s: %+v", target, a)
					}
				case 2:
					if a := do(t, s, "DELETE "+target, ""); a.status != 204 {
						t.Errorf("DELETE %s: %+v", target, a)
					}
				default:
					a := do(t, s, "GET "+target, "")
					if a.status == 404 {
						continue
					}
					b := body{md5: md5Of(a.body)}
					if a.status != 200 || a.header.Get("ETag") != quote(b.etag()) || a.meta("start") != a.body[:4] {
						t.Errorf("GET %s: %d %v", target, a.status, a.header)
					}
				}
			}
		})
	}
	wg.Wait()
	noLeftovers(t, s)
}

// Only one of many writers that want to be the first is.
func TestIfNoneMatchAtOnce(t *testing.T) {
	s := newBuckets(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for i := range 8 {
		wg.Go(func() {
			a := do(t, s, "PUT /box/lock", fmt.Sprint(i), "If-None-Match", "*")
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	wg.Wait()
	if statuses[http.StatusOK] != 1 || statuses[http.StatusPreconditionFailed] != 7 {
		t.Errorf("%v", statuses)
	}
}

func TestDeleteObjects(t *testing.T) {
	s := newBuckets(t)
	for _, key := range []string{"a", "b", "c/d", "keep"} {
		want(t, s, 200, "", "PUT /box/"+key, "x")
	}
	a := want(t, s, 200, "", "POST /box?delete", "<Delete xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Object><Key>a</Key></Object><Object><Key>none</Key><VersionId>null</VersionId></Object>"+
		"<Object><Key>keep</Key><VersionId>7</VersionId></Object><Object><Key></Key></Object></Delete>")
	if got := values(a.body, "Key"); !slices.Equal(got, []string{"a", "none", "keep", ""}) {
		t.Errorf("%s", a.body)
	}
	if got := values(a.body, "Code"); !slices.Equal(got, []string{"NoSuchVersion", "InvalidURI"}) {
		t.Errorf("%s", a.body)
	}
	a = want(t, s, 200, "", "POST /box?delete", "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object><Object><Key>c/d</Key></Object></Delete>")
	if strings.Contains(a.body, "Deleted") {
		t.Errorf("%s", a.body)
	}
	if got := values(want(t, s, 200, "", "GET /box", "").body, "Key"); !slices.Equal(got, []string{"keep"}) {
		t.Errorf("%q", got)
	}
}

func TestTags(t *testing.T) {
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /box/a", "x", "X-Amz-Tagging", "k=a%20b&l=")
	if a := want(t, s, 200, "", "GET /box/a?tagging", ""); !slices.Equal(values(a.body, "Value"), []string{"a b", ""}) {
		t.Error(a.body)
	}
	want(t, s, 200, "", "PUT /box/a?tagging", "<Tagging><TagSet><Tag><Key>ü&amp;</Key><Value>=</Value></Tag></TagSet></Tagging>")
	if a := want(t, s, 200, "", "GET /box/a?tagging", ""); value(a.body, "Key") != "ü&amp;" || value(a.body, "Value") != "=" {
		t.Error(a.body)
	}
	want(t, s, 204, "", "DELETE /box/a?tagging", "")
	if a := want(t, s, 200, "", "GET /box/a?tagging", ""); strings.Contains(a.body, "<Tag>") {
		t.Error(a.body)
	}
	want(t, s, 404, "NoSuchKey", "PUT /box/none?tagging", "<Tagging/>")
}

func TestAttributes(t *testing.T) {
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /box/a", "four", "X-Amz-Sdk-Checksum-Algorithm", "CRC32C")
	a := want(t, s, 200, "", "GET /box/a?attributes", "", "X-Amz-Object-Attributes", "ETag, Checksum,ObjectSize,StorageClass")
	if value(a.body, "ObjectSize") != "4" || value(a.body, "ChecksumCRC32C") == "" || value(a.body, "StorageClass") != "STANDARD" || len(value(a.body, "ETag")) != 32 {
		t.Error(a.body)
	}
	want(t, s, 400, "InvalidArgument", "GET /box/a?attributes", "", "X-Amz-Object-Attributes", "Colour")
}
