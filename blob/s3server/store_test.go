package s3server

import (
	"testing"
	"time"

	"usher/blob"
	"usher/blob/blobtest"
)

// openBuckets opens buckets in a folder, with a clock that stands still.
func openBuckets(t testing.TB, dir string) *Buckets {
	t.Helper()
	s, err := Open(Options{Dir: dir, Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		s := openBuckets(t, t.TempDir())
		if err := s.createBucket(blobtest.Root, ""); err != nil {
			t.Fatal(err)
		}
		return s.Store()
	})
}
