package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// pages are the files of the console by their path.
type pages map[string]page

type page struct {
	body []byte
	kind string // content type
	etag string
}

// kinds are the content types by the ends of names; a system's own table could say
// anything.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// readPages reads all files below static.
func readPages(files fs.FS) (pages, error) {
	all := pages{}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("read console: %s has no content type", name)
		}
		sum := sha256.Sum256(body)
		all[Prefix+strings.TrimPrefix(name, "static/")] = page{body, kind, `"` + hex.EncodeToString(sum[:8]) + `"`}
		return nil
	})
	all[Prefix] = all[Prefix+"index.html"]
	return all, err
}

// ServeHTTP implements http.Handler. Browsers ask each time whether a file is still
// the same, so after an update no old module meets a new one.
func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "pages are for GET", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == strings.TrimSuffix(Prefix, "/") {
		w.Header().Set("Location", Prefix)
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	file, ok := p[r.URL.Path]
	if !ok {
		http.Error(w, "the console has no such page; it begins at "+Prefix, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("ETag", file.etag)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.body))
}
