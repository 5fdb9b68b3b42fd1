package s3server

import (
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"usher/blob/internal/durable"
)

// reserved names are paths of usher on the same port.
var reserved = []string{"healthz", "metrics", "console", "usher"}

// checkBucket keeps S3's rules of bucket names.
func checkBucket(name string) error {
	bad := func(why string) error {
		return faultf("InvalidBucketName", http.StatusBadRequest, "The specified bucket is not valid: %q %s.", clip(name), why)
	}
	switch {
	case len(name) < 3 || len(name) > 63:
		return bad("is not 3 to 63 characters long")
	case slices.Contains(reserved, name):
		return bad("is a path of usher itself; the names " + strings.Join(reserved, ", ") + " cannot be buckets")
	case net.ParseIP(name) != nil:
		return bad("looks like an IP address")
	case strings.Contains(name, ".."):
		return bad("has two dots side by side")
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (c != '.' && c != '-' || i == 0 || i == len(name)-1) {
			return bad("has to consist of lower-case letters, digits, dots and hyphens, and to start and end with a letter or digit")
		}
	}
	return nil
}

// maxKey is the longest key of S3 in bytes.
const maxKey = 1024

func checkKey(key string) error {
	switch {
	case key == "":
		return faultf("InvalidURI", http.StatusBadRequest, "The key is empty.")
	case len(key) > maxKey:
		return faultf("KeyTooLongError", http.StatusBadRequest, "Your key is too long: %d bytes of at most %d.", len(key), maxKey)
	case !utf8.ValidString(key):
		return faultf("InvalidURI", http.StatusBadRequest, "The key is not valid UTF-8.")
	}
	return nil
}

func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}

// isPlain tells whether an object of that key can be a file of that name.
// Other keys ("a//b", "../x", "folder/", elements over 255 bytes, NUL) lie
// aside.
func isPlain(key string) bool {
	if !durable.IsLocal(key) || strings.ContainsRune(key, 0) {
		return false
	}
	// Windows drops dots and spaces at the end of a name and refuses these.
	return runtime.GOOS != "windows" || !strings.ContainsAny(key, `<>"|?*`) &&
		!strings.Contains(key+"/", "./") && !strings.Contains(key+"/", " /")
}

// escapedLen is the length of one element of an escaped key.
const escapedLen = 200

// escape gives any key a name of a file of its own, which reads well and can be
// turned back: lower-case letters, digits, "-" and "_" as they are, other bytes
// as %xx, split into folders of 200 bytes; the last element starts with "=".
// Upper case is escaped for file systems that ignore case.
func escape(key string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	rest := b.String()
	var path strings.Builder
	for len(rest) > escapedLen {
		path.WriteString(rest[:escapedLen])
		path.WriteByte('/')
		rest = rest[escapedLen:]
	}
	return path.String() + "=" + rest
}

// unescape is the inverse of escape; false for what escape does not give.
func unescape(name string) (string, bool) {
	i := strings.LastIndexByte(name, '/') + 1
	if !strings.HasPrefix(name[i:], "=") {
		return "", false
	}
	rest := strings.ReplaceAll(name[:i], "/", "") + name[i+1:]
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		if c == '%' {
			if i+2 >= len(rest) {
				return "", false
			}
			hi, lo := strings.IndexByte("0123456789abcdef", rest[i+1]), strings.IndexByte("0123456789abcdef", rest[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			c = byte(hi<<4 | lo)
			i += 2
		}
		b.WriteByte(c)
	}
	key := b.String()
	return key, escape(key) == name
}
