// Package blob keeps immutable objects: parts, snapshots, models, checkpoints.
//
// I3: a blob never changes. A writer's bytes are seen by nobody before Commit,
// and Commit returns only when they are on disk. Names are slash-separated and
// relative; what a store cannot keep under a name, such as "..", an empty
// element or a leading slash, it refuses with an error that wraps
// fs.ErrInvalid. A name and a folder of names are apart: a Dir does not keep
// both "a" and "a/b".
//
// The customers' own buckets are also a Store (package s3server), with the
// bucket as the first element of the name. Package blobtest holds what every
// Store owes.
package blob

import (
	"context"
	"io"
	"iter"
	"time"
)

// Info describes one blob.
type Info struct {
	Name    string
	Size    int64
	ModTime time.Time
}

// Reader reads one blob at any position; concurrent ReadAt calls are allowed.
type Reader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Writer writes one blob. One of Commit and Abort must be called.
type Writer interface {
	io.Writer
	// Commit makes the blob durable and visible under its name, replacing an
	// earlier one at once.
	Commit() error
	// Abort forgets what was written. After Commit it does nothing, so it can
	// be deferred.
	Abort() error
}

// Store is a flat space of blobs. All methods may be called concurrently.
type Store interface {
	// Open gives an error that wraps fs.ErrNotExist when there is no such blob.
	Open(ctx context.Context, name string) (Reader, error)
	// Create starts a blob; nobody sees it before Commit.
	Create(ctx context.Context, name string) (Writer, error)
	// List gives the blobs whose name starts with prefix, in order of names.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Delete removes a blob; it is no error when there is none.
	Delete(ctx context.Context, name string) error
}
