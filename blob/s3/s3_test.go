package s3

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"usher/blob/s3server"
	"usher/wire"
)

func clock() time.Time { return time.Unix(1_700_000_000, 0) }

// serve gives a client of an S3 that checks signatures and fails the first requests
// with these statuses.
func serve(t *testing.T, secret string, failing ...int) *Client {
	t.Helper()
	buckets, err := s3server.Open(s3server.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	signatures := &wire.Signatures{Now: clock, Keys: func(id string) (wire.Key, bool) { return wire.Key{Secret: "secret"}, id == "key" }}
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := int(calls.Add(1)); n <= len(failing) {
			w.WriteHeader(failing[n-1])
			return
		}
		if _, err := signatures.Verify(r); err != nil {
			wire.FailS3(w, r, err.(wire.Error))
			return
		}
		buckets.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := New(Options{Endpoint: server.URL, AccessKey: "key", Secret: secret, Now: clock, Pause: time.Nanosecond})
	if secret == "secret" && len(failing) == 0 {
		for range 2 { // a bucket that is there is left alone
			if err := c.MakeBucket(t.Context(), "bucket"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

func get(t *testing.T, c *Client, key string) (string, error) {
	t.Helper()
	r, err := c.Get(t.Context(), "bucket", key)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestObjectsComeBack(t *testing.T) {
	c := serve(t, "secret")
	for key, text := range map[string]string{
		"plain": "text", "a/b/c.csv": strings.Repeat("long", 1<<18), "odd &+%20 ä=?#/x y": "odd", "empty": "",
	} {
		if err := c.Put(t.Context(), "bucket", key, strings.NewReader(text), int64(len(text))); err != nil {
			t.Fatal(err)
		}
		if got, err := get(t, c, key); err != nil || got != text {
			t.Errorf("%q: %d bytes, %v, want %d", key, len(got), err, len(text))
		}
	}
	for prefix, want := range map[string]string{"a/": "a/b/c.csv", "none/": "", "": "a/b/c.csv"} {
		if got, err := c.First(t.Context(), "bucket", prefix); err != nil || got != want {
			t.Errorf("the first below %q is %q, %v, want %q", prefix, got, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	c := serve(t, "secret")
	if _, err := get(t, c, "none"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "s3://bucket/none") {
		t.Errorf("an absent object: %v", err)
	}
	if _, err := c.Get(t.Context(), "nobucket", "x"); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("an absent bucket: %v", err)
	}
	if err := c.Put(t.Context(), "bucket", "huge", strings.NewReader(""), largest+1); err == nil || !strings.Contains(err.Error(), "more than S3 takes") {
		t.Errorf("a huge object: %v", err)
	}
	wrong := serve(t, "wrong")
	if err := wrong.Put(t.Context(), "bucket", "x", strings.NewReader("x"), 1); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("a wrong key: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Put(ctx, "bucket", "x", strings.NewReader("x"), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a stopped call: %v", err)
	}
}

// TestTriesAgain: what the other side cannot do for the moment is tried four times.
func TestTriesAgain(t *testing.T) {
	if _, err := get(t, serve(t, "secret", 503, 500, 429), "x"); err == nil || !strings.Contains(err.Error(), "NoSuch") {
		t.Errorf("after three failures: %v, want an answer", err)
	}
	if _, err := get(t, serve(t, "secret", 503, 503, 503, 503), "x"); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("after four failures: %v", err)
	}
	if _, err := get(t, serve(t, "secret", 403), "x"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a refusal: %v, want no second attempt", err)
	}
}
