package s3server

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkPut puts objects over HTTP. "plain" is how many times as long it
// takes as writing, hashing and syncing the same bytes to a plain file.
func BenchmarkPut(b *testing.B) {
	for _, size := range []int{4 << 10, 8 << 20} {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			s := newBuckets(b)
			server := httptest.NewServer(s)
			defer server.Close()
			data := bytes.Repeat([]byte("row,of,a,file\n"), size/14)
			b.SetBytes(int64(len(data)))
			for i := range b.N {
				r, err := http.NewRequest("PUT", fmt.Sprintf("%s/box/folder/%d", server.URL, i%100), bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				answer, err := http.DefaultClient.Do(r)
				if err != nil || answer.StatusCode != 200 {
					b.Fatal(answer, err)
				}
				_ = answer.Body.Close()
			}
			ours := b.Elapsed()
			b.StopTimer()
			dir := b.TempDir()
			began := time.Now()
			for i := range b.N {
				f, err := os.Create(filepath.Join(dir, fmt.Sprint(i%100)))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.MultiWriter(f, md5.New()).Write(data); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
				_ = f.Close()
			}
			b.ReportMetric(float64(ours)/float64(time.Since(began)), "plain")
		})
	}
}

// BenchmarkGet reads an object over HTTP. "plain" is how many times as long it
// takes as reading the plain file.
func BenchmarkGet(b *testing.B) {
	s := newBuckets(b)
	server := httptest.NewServer(s)
	defer server.Close()
	data := bytes.Repeat([]byte("row,of,a,file\n"), 64<<20/14)
	if err := os.WriteFile(filepath.Join(s.root, "box", "big"), data, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		answer, err := http.Get(server.URL + "/box/big")
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, answer.Body); n != int64(len(data)) || err != nil {
			b.Fatal(n, err)
		}
		_ = answer.Body.Close()
	}
	ours := b.Elapsed()
	began := time.Now()
	for range b.N {
		if _, err := os.ReadFile(filepath.Join(s.root, "box", "big")); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(ours)/float64(time.Since(began)), "plain")
}

// BenchmarkList lists a page of 1000 in a folder of 20 000 objects. "plain" is
// how many times as long it takes as reading the folder with os.ReadDir.
func BenchmarkList(b *testing.B) {
	s := newBuckets(b)
	dir := filepath.Join(s.root, "box", "folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	for i := range 20_000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%08d.csv", i)), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		want(b, s, 200, "", "GET /box?list-type=2&start-after=folder/00010000", "")
	}
	ours := b.Elapsed()
	began := time.Now()
	for range b.N {
		if _, err := os.ReadDir(dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(ours)/float64(time.Since(began)), "plain")
}
