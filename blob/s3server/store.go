package s3server

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"

	"usher/blob"
	"usher/blob/internal/durable"
)

// Store gives the buckets to the rest of usher: the object key of bucket has
// the name "bucket/key". Buckets have to exist.
func (s *Buckets) Store() blob.Store { return store{s} }

type store struct{ s *Buckets }

func (st store) locate(ctx context.Context, verb, name string) (*bucket, string, error) {
	if ctx.Err() != nil {
		return nil, "", fmt.Errorf("%s s3://%s: %w", verb, clip(name), context.Cause(ctx))
	}
	bucket, key, _ := strings.Cut(name, "/")
	b, err := st.s.bucket(bucket)
	if err == nil {
		err = checkKey(key)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s s3://%s: %w", verb, clip(name), err)
	}
	return b, key, nil
}

func (st store) Open(ctx context.Context, name string) (blob.Reader, error) {
	b, key, err := st.locate(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	f, rec, err := b.open(key)
	if err != nil {
		return nil, fmt.Errorf("open s3://%s: %w", name, err)
	}
	return &reader{f, rec.Size}, nil
}

type reader struct {
	*os.File
	size int64
}

func (r *reader) Size() int64 { return r.size }

func (st store) Create(ctx context.Context, name string) (blob.Writer, error) {
	b, key, err := st.locate(ctx, "create", name)
	if err != nil {
		return nil, err
	}
	f, err := st.s.temp.Create()
	if err != nil {
		return nil, fmt.Errorf("create s3://%s: %w", name, err)
	}
	return &writer{b: b, key: key, file: f, sum: md5.New()}, nil
}

type writer struct {
	b    *bucket
	key  string
	file *durable.File
	sum  hash.Hash
	done bool
}

func (w *writer) Write(p []byte) (int, error) {
	if w.done {
		return 0, fmt.Errorf("write s3://%s/%s: %w", w.b.name, w.key, fs.ErrClosed)
	}
	n, err := w.file.Write(p)
	w.sum.Write(p[:n])
	if err != nil {
		err = fmt.Errorf("write s3://%s/%s: %w", w.b.name, w.key, err)
	}
	return n, err
}

func (w *writer) Commit() error {
	if w.done {
		return fmt.Errorf("commit s3://%s/%s: %w", w.b.name, w.key, fs.ErrClosed)
	}
	w.done = true
	defer func() { _ = w.file.Abort() }()
	rec := record{ETag: hex.EncodeToString(w.sum.Sum(nil)), Headers: map[string]string{"Content-Type": contentType(w.key)}}
	if _, err := w.b.put(w.key, w.file, rec, nil); err != nil {
		return fmt.Errorf("commit s3://%s/%s: %w", w.b.name, w.key, err)
	}
	return nil
}

func (w *writer) Abort() error {
	w.done = true
	return w.file.Abort()
}

func (st store) List(ctx context.Context, prefix string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		fail := func(err error) { yield(blob.Info{}, fmt.Errorf("list s3://%s: %w", clip(prefix), err)) }
		names, err := st.s.names()
		if err != nil {
			fail(err)
			return
		}
		// "a-b/x" comes before "a/x".
		slices.SortFunc(names, func(x, y string) int { return strings.Compare(x+"/", y+"/") })
		for _, name := range names {
			keys, inside := strings.CutPrefix(prefix, name+"/")
			if !inside && !strings.HasPrefix(name+"/", prefix) {
				continue
			}
			if !inside {
				keys = ""
			}
			w, err := st.s.known(name).walk(keys, "")
			if err != nil {
				fail(err)
				return
			}
			for {
				if ctx.Err() != nil {
					fail(context.Cause(ctx))
					return
				}
				o, ok, err := w.next()
				if err != nil {
					fail(err)
					return
				}
				if !ok {
					break
				}
				if !yield(blob.Info{Name: name + "/" + o.key, Size: o.info.Size(), ModTime: o.info.ModTime()}, nil) {
					return
				}
			}
		}
	}
}

func (st store) Delete(ctx context.Context, name string) error {
	b, key, err := st.locate(ctx, "delete", name)
	if err != nil {
		return err
	}
	if err := b.delete(key, nil); err != nil {
		return fmt.Errorf("delete s3://%s: %w", name, err)
	}
	return nil
}
