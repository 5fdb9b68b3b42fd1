package ingest

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"usher/blob"
)

// gzipRatio is how much larger than its file a text may be: data seldom shrinks
// to a fiftieth, and what grows a thousandfold is made to fill a disk.
const gzipRatio = 200

// gzipped says whether a file is one of gzip, by its first bytes: no UTF-8 text
// begins so.
func gzipped(r blob.Reader) (bool, error) {
	var magic [2]byte
	if r.Size() < int64(len(magic)) {
		return false, nil
	}
	if _, err := r.ReadAt(magic[:], 0); err != nil && err != io.EOF {
		return false, err
	}
	return magic == [2]byte{0x1f, 0x8b}, nil
}

// unzip writes what is in a gzip file into a blob and opens that: workers read
// anywhere in it. object is the file's name for people.
func (g *Ingest) unzip(ctx context.Context, r blob.Reader, object, name string) (blob.Reader, error) {
	out, err := g.opt.Blobs.Create(ctx, name)
	if err != nil {
		return nil, err
	}
	defer out.Abort()
	bad := func(err error) error {
		return invalid("%s is not a whole file of gzip: %v. Upload it again.", object, err)
	}
	z, err := gzip.NewReader(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		return nil, bad(err)
	}
	in := &limited{ctx: ctx, r: z, left: max(1<<20, r.Size()*gzipRatio)}
	var werr *writeError
	switch _, err := io.Copy(&marked{out}, in); {
	case errors.As(err, &werr):
		return nil, werr.error
	case errors.Is(err, errTooMuch):
		return nil, invalid("%s has more than %d times as many bytes without gzip. Upload it as plain CSV.", object, gzipRatio)
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, bad(err)
	}
	if err := out.Commit(); err != nil {
		return nil, err
	}
	plain, err := g.opt.Blobs.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return &passing{Reader: plain, drop: func() error { return g.opt.Blobs.Delete(context.WithoutCancel(ctx), name) }}, nil
}

var errTooMuch = errors.New("too much")

// limited reads so many bytes at most, and none once ctx is done.
type limited struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.ctx.Err() != nil {
		return 0, context.Cause(l.ctx)
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n, errTooMuch
	}
	return n, err
}

// marked tells errors of our disk from those of the customer's file.
type marked struct{ w io.Writer }

func (m *marked) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

// passing is a blob that is deleted when it is closed.
type passing struct {
	blob.Reader
	drop func() error
}

func (p *passing) Close() error {
	err := p.Reader.Close()
	if derr := p.drop(); err == nil && derr != nil {
		err = fmt.Errorf("delete what was unzipped: %w", derr)
	}
	return err
}
