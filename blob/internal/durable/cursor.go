package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Cursor walks the regular files below a folder in the order of their whole
// names, byte by byte: "a-b", "a/b", "a0". It holds the names of one folder a
// level, not those of the tree. Links to files count as files; links to folders
// are not followed. What vanishes meanwhile is left out.
type Cursor struct {
	root, prefix, after, hide string
	stack                     []level
	err                       error
}

// level is one folder on the way; the names of its folders end in a slash, so
// that bytewise order of names is the order of whole names.
type level struct {
	dir   string // "" or ending in a slash
	names []string
}

// Walk gives a cursor over the files whose name starts with prefix and comes
// after the given one. Names that start with hide, if it is not empty, are left
// out.
func Walk(root, prefix, after, hide string) *Cursor {
	c := &Cursor{root: root, prefix: prefix, after: after, hide: hide}
	// Only the folder that the prefix names can hold anything.
	dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
	if dir == "" || IsLocal(strings.TrimSuffix(dir, "/")) {
		c.push(dir)
	}
	return c
}

// Next gives the next file; false at the end or after an error.
func (c *Cursor) Next() (name string, info fs.FileInfo, ok bool) {
	for c.err == nil && len(c.stack) > 0 {
		top := &c.stack[len(c.stack)-1]
		if len(top.names) == 0 {
			c.stack = c.stack[:len(c.stack)-1]
			continue
		}
		name := top.dir + top.names[0]
		top.names = top.names[1:]
		if strings.HasSuffix(name, "/") {
			c.push(name)
			continue
		}
		info, err := os.Stat(c.path(name))
		switch {
		case err == nil && info.Mode().IsRegular():
			return name, info, true
		case err != nil && !IsNotExist(err):
			c.err = err
		}
	}
	return "", nil, false
}

// SkipPrefix leaves out all that follows and starts with prefix.
func (c *Cursor) SkipPrefix(prefix string) {
	for len(c.stack) > 0 {
		top := &c.stack[len(c.stack)-1]
		if !strings.HasPrefix(top.dir, prefix) {
			for len(top.names) > 0 && strings.HasPrefix(top.dir+top.names[0], prefix) {
				top.names = top.names[1:]
			}
			return
		}
		c.stack = c.stack[:len(c.stack)-1]
	}
}

// Err gives what ended the walk early, if anything did.
func (c *Cursor) Err() error { return c.err }

func (c *Cursor) path(name string) string { return filepath.Join(c.root, filepath.FromSlash(name)) }

// push reads a folder. One that is gone, or is no folder any more, is empty.
func (c *Cursor) push(dir string) {
	d, err := os.Open(c.path(dir))
	if err != nil {
		if !IsNotExist(err) {
			c.err = err
		}
		return
	}
	defer func() { _ = d.Close() }()
	var names []string
	for {
		entries, err := d.ReadDir(4096)
		for _, e := range entries {
			name := e.Name()
			if e.IsDir() {
				name += "/"
			}
			if c.wants(dir + name) {
				names = append(names, name)
			}
		}
		if errors.Is(err, io.EOF) || err != nil && IsNotExist(err) {
			break
		}
		if err != nil {
			c.err = err
			return
		}
	}
	slices.Sort(names)
	c.stack = append(c.stack, level{dir: dir, names: names})
}

// wants tells whether a file of that name, or one in the folder of that name,
// belongs to the walk.
func (c *Cursor) wants(name string) bool {
	if c.hide != "" && strings.HasPrefix(name, c.hide) {
		return false
	}
	if strings.HasSuffix(name, "/") {
		return (strings.HasPrefix(name, c.prefix) || strings.HasPrefix(c.prefix, name)) &&
			(name > c.after || strings.HasPrefix(c.after, name))
	}
	return strings.HasPrefix(name, c.prefix) && name > c.after
}
