package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"usher/blob/s3"
)

// Place is where a backup lies: a Folder, or a Bucket of S3.
type Place interface {
	// String names the place for people.
	String() string
	// empty gives an error that says what is there, if something is.
	empty(ctx context.Context) error
	// put copies a file there and says what it is; it is durable then.
	put(ctx context.Context, path, name string) (File, error)
	// get copies a file from there and says what it is. The error wraps
	// fs.ErrNotExist when there is none of that name.
	get(ctx context.Context, name, path string) (File, error)
	// write and read are put and get of a few bytes.
	write(ctx context.Context, name string, b []byte) error
	read(ctx context.Context, name string) ([]byte, error)
	// clear removes what was put, after an error.
	clear() error
}

// Folder is a folder of the file system.
type Folder string

// String implements Place.
func (d Folder) String() string { return fmt.Sprintf("%q", string(d)) }

func (d Folder) path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

func (d Folder) empty(context.Context) error {
	list, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(list) > 0 {
		err = fmt.Errorf("it is not empty: it has %q; give a new folder", list[0].Name())
	}
	return err
}

func (d Folder) put(_ context.Context, path, name string) (File, error) {
	return copyFile(path, d.path(name))
}

func (d Folder) get(_ context.Context, name, path string) (File, error) {
	return copyFile(d.path(name), path)
}

// write puts the bytes in place as a whole or not at all.
func (d Folder) write(_ context.Context, name string, b []byte) error {
	aside := d.path(name + unfinished)
	if _, err := saveFile(bytes.NewReader(b), aside); err != nil {
		return err
	}
	return os.Rename(aside, d.path(name))
}

func (d Folder) read(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(d.path(name))
}

func (d Folder) clear() error {
	list, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range list {
		err = errors.Join(err, os.RemoveAll(filepath.Join(string(d), e.Name())))
	}
	return err
}

// Bucket is a prefix of a bucket of S3.
type Bucket struct {
	Client *s3.Client
	Name   string
	Prefix string // "" or with a slash at its end
}

// String implements Place.
func (b Bucket) String() string { return "s3://" + b.Name + "/" + b.Prefix }

// ParseBucket reads s3://bucket/prefix.
func ParseBucket(client *s3.Client, location string) (Bucket, error) {
	path, ok := strings.CutPrefix(location, "s3://")
	name, prefix, _ := strings.Cut(path, "/")
	if !ok || name == "" {
		return Bucket{}, fmt.Errorf("%q is not of the form s3://bucket/prefix", location)
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return Bucket{client, name, prefix}, nil
}

func (b Bucket) empty(ctx context.Context) error {
	key, err := b.Client.First(ctx, b.Name, b.Prefix)
	if err == nil && key != "" {
		err = fmt.Errorf("it is not empty: it has %q; give a new prefix", key)
	}
	return err
}

func (b Bucket) put(ctx context.Context, path, name string) (f File, err error) {
	in, info, err := open(path)
	if err != nil {
		return f, err
	}
	defer in.Close()
	sum := crc32.New(castagnoli)
	if f.Size, err = io.Copy(sum, in); err != nil {
		return f, err
	}
	f.CRC32C, f.ModTime = sum.Sum32(), info.ModTime().UnixNano()
	return f, b.Client.Put(ctx, b.Name, b.Prefix+name, in, f.Size)
}

func (b Bucket) get(ctx context.Context, name, path string) (File, error) {
	in, err := b.Client.Get(ctx, b.Name, b.Prefix+name)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	return saveFile(in, path)
}

func (b Bucket) write(ctx context.Context, name string, text []byte) error {
	return b.Client.Put(ctx, b.Name, b.Prefix+name, bytes.NewReader(text), int64(len(text)))
}

func (b Bucket) read(ctx context.Context, name string) ([]byte, error) {
	in, err := b.Client.Get(ctx, b.Name, b.Prefix+name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// clear leaves the objects: without a manifest they are no backup.
func (b Bucket) clear() error { return nil }

func open(path string) (*os.File, fs.FileInfo, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := in.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	return in, info, nil
}

// copyFile copies a file with its time, durably.
func copyFile(from, to string) (f File, err error) {
	in, info, err := open(from)
	if err != nil {
		return f, err
	}
	defer in.Close()
	if f, err = saveFile(in, to); err != nil {
		return f, err
	}
	f.ModTime = info.ModTime().UnixNano()
	return f, os.Chtimes(to, info.ModTime(), info.ModTime())
}

// saveFile writes a new file, durably.
func saveFile(in io.Reader, to string) (f File, err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return f, err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return f, err
	}
	sum := crc32.New(castagnoli)
	f.Size, err = io.Copy(io.MultiWriter(out, sum), in)
	f.CRC32C = sum.Sum32()
	return f, errors.Join(err, out.Sync(), out.Close())
}
