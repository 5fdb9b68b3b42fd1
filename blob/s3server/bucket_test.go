package s3server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// noLeftovers looks for files that nobody will ever publish.
func noLeftovers(t testing.TB, s *Buckets) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(s.side, "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

func TestBuckets(t *testing.T) {
	s := openBuckets(t, t.TempDir())
	want(t, s, 200, "", "PUT /movies", "")
	want(t, s, 200, "", "PUT /movies", "") // as S3 in us-east-1
	const ireland = "<CreateBucketConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
	want(t, s, 200, "", "PUT /ireland", ireland)
	want(t, s, 409, "BucketAlreadyOwnedByYou", "PUT /ireland", ireland)
	if a := want(t, s, 200, "", "GET /ireland?location", ""); !strings.Contains(a.body, ">eu-west-1</LocationConstraint>") {
		t.Error(a.body)
	}
	if a := want(t, s, 200, "", "GET /movies?location", ""); !strings.HasSuffix(a.body, "></LocationConstraint>") {
		t.Error(a.body)
	}
	if a := want(t, s, 200, "", "HEAD /ireland", ""); a.header.Get("X-Amz-Bucket-Region") != "eu-west-1" {
		t.Error(a.header)
	}
	// A folder made by hand is a bucket; what cannot be one is none.
	for _, name := range []string{"by-hand", "Upper", "usher"} {
		if err := os.Mkdir(filepath.Join(s.root, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.root, "a-file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a := want(t, s, 200, "", "GET /", "")
	if got := values(a.body, "Name"); !slices.Equal(got, []string{"by-hand", "ireland", "movies"}) {
		t.Errorf("buckets %q", got)
	}
	a = want(t, s, 200, "", "GET /?max-buckets=2", "")
	token := value(a.body, "ContinuationToken")
	b := want(t, s, 200, "", "GET /?max-buckets=2&continuation-token="+token, "")
	if got := append(values(a.body, "Name"), values(b.body, "Name")...); !slices.Equal(got, []string{"by-hand", "ireland", "movies"}) || value(b.body, "ContinuationToken") != "" {
		t.Errorf("buckets in pages %q", got)
	}
	want(t, s, 409, "BucketAlreadyExists", "PUT /a-file", "")
	want(t, s, 404, "NoSuchBucket", "GET /a-file", "")

	want(t, s, 200, "", "PUT /movies/x", "data")
	want(t, s, 409, "BucketNotEmpty", "DELETE /movies", "")
	want(t, s, 204, "", "DELETE /movies/x", "")
	want(t, s, 200, "", "PUT /movies/folder/", "") // lies aside
	want(t, s, 409, "BucketNotEmpty", "DELETE /movies", "")
	want(t, s, 204, "", "DELETE /movies/folder/", "")
	want(t, s, 204, "", "DELETE /movies", "")
	want(t, s, 404, "NoSuchBucket", "DELETE /movies", "")
}

func TestConfigurationLasts(t *testing.T) {
	s := newBuckets(t)
	const policy = `{"Version": "2012-10-17", "Statement": []}`
	const tags = "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
	want(t, s, 204, "", "PUT /box?policy", policy)
	want(t, s, 200, "", "PUT /box?tagging", tags)
	s = reopen(t, s)
	if a := want(t, s, 200, "", "GET /box?policy", ""); a.body != policy {
		t.Error(a.body)
	}
	if a := want(t, s, 200, "", "GET /box?tagging", ""); a.body != tags {
		t.Error(a.body)
	}
	for _, sub := range []string{"acl", "versioning", "notification", "logging", "requestPayment", "accelerate", "policyStatus"} {
		want(t, s, 200, "", "GET /box?"+sub, "")
	}
	for sub, missing := range map[string]string{"cors": "NoSuchCORSConfiguration", "encryption": "ServerSideEncryptionConfigurationNotFoundError", "website": "NoSuchWebsiteConfiguration", "object-lock": "ObjectLockConfigurationNotFoundError"} {
		want(t, s, 404, missing, "GET /box?"+sub, "")
	}
	want(t, s, 204, "", "DELETE /box?tagging", "")
	want(t, s, 404, "NoSuchTagSet", "GET /box?tagging", "")
	// A bucket of the same name begins anew.
	want(t, s, 204, "", "DELETE /box", "")
	want(t, s, 200, "", "PUT /box", "")
	want(t, s, 404, "NoSuchBucketPolicy", "GET /box?policy", "")
}

// What belongs to a bucket that was removed by hand goes when usher starts, and
// so does an upload that nobody goes on with.
func TestSweep(t *testing.T) {
	s := newBuckets(t)
	want(t, s, 200, "", "PUT /box/a", "x")
	want(t, s, 200, "", "PUT /box/a//b", "x")
	want(t, s, 204, "", "PUT /box?policy", `{"Statement":[]}`)
	fresh := value(want(t, s, 200, "", "POST /box/fresh?uploads", "").body, "UploadId")
	old := value(want(t, s, 200, "", "POST /box/old?uploads", "").body, "UploadId")
	now := s.opt.Now()
	for id, age := range map[string]time.Duration{fresh: uploadLife - time.Hour, old: uploadLife + time.Hour} {
		if err := os.Chtimes(s.uploadPath("box", id, ""), now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(t, s)
	if a := want(t, s, 200, "", "GET /box?uploads", ""); !slices.Equal(values(a.body, "UploadId"), []string{fresh}) {
		t.Error(a.body)
	}
	if err := os.RemoveAll(filepath.Join(s.root, "box")); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	for _, kind := range []string{configDir, recordDir, asideDir, uploadDir} {
		if left, err := os.ReadDir(filepath.Join(s.side, kind)); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, %v", kind, left, err)
		}
	}
}

func TestOpenFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: path}); err == nil || !strings.Contains(err.Error(), "open buckets") {
		t.Error(err)
	}
}
