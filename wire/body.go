package wire

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"sync/atomic"
)

// readBody reads a body of at most limit bytes. A body that Verify has read
// already is not copied.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if read, ok := r.Body.(*readAlready); ok {
		return read.all, nil
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	room := r.ContentLength
	if room < 0 {
		room = 4096
	}
	// The length that a client claims is believed only up to a little: memory
	// is taken as bytes arrive.
	b := make([]byte, 0, min(room, smallBody)+1)
	held := int64(0)
	defer func() { arriving.Add(-held) }()
	for {
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, tooLarge(limit)
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, bodyFault(r.Context(), err)
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
			more := int64(cap(b)) - held
			if held += more; arriving.Add(more) > mostArriving {
				return nil, throttled
			}
		}
	}
}

// Large bodies that are arriving take this much memory together, so that many
// clients that send them slowly cannot take all of it. Those beyond are refused;
// calls of usual size need nothing of it.
const (
	smallBody    = 64 << 10
	mostArriving = 256 << 20
)

var arriving atomic.Int64

func tooLarge(limit int64) error {
	return &Fault{"RequestEntityTooLargeException", fmt.Sprintf("The body of a request must not be larger than %d bytes.", limit), http.StatusRequestEntityTooLarge}
}

// bodyFault is the error of a body that did not arrive: the client's or its network's.
func bodyFault(ctx context.Context, err error) error {
	var e Error
	if errors.As(err, &e) {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &Fault{"SerializationException", "The body of the request ended too early.", http.StatusBadRequest}
}

// readAlready is a body that is in memory as a whole.
type readAlready struct {
	all []byte
	pos int
}

// Read gives the bytes once more.
func (b *readAlready) Read(p []byte) (int, error) {
	if b.pos == len(b.all) {
		return 0, io.EOF
	}
	n := copy(p, b.all[b.pos:])
	b.pos += n
	return n, nil
}

// Close does nothing.
func (b *readAlready) Close() error { return nil }

// hashedBody is a body whose hash was signed: its end is an error if the bytes
// are others than those that were signed.
type hashedBody struct {
	io.ReadCloser
	sum  hash.Hash
	want [sha256.Size]byte
}

// Read reads on and compares at the end.
func (b *hashedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sum.Write(p[:n])
	if err == io.EOF && [sha256.Size]byte(b.sum.Sum(nil)) != b.want {
		err = &Fault{"XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", http.StatusBadRequest}
	}
	return n, err
}
