package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// quick gives the signature of a plain request, as most are: a header
// signature, a path of letters that need no escape, no query, one value without
// double blanks in each signed header. Others are left to AWS's signer, which is
// also what the tests compare with; it takes ten times as long.
func (s *signature) quick(r *http.Request, secret, payload string) (made string, ok bool) {
	if s.presigned || r.URL.RawQuery != "" || !plainPath(r.URL.Path) || !slices.IsSorted(s.headers) || !slices.Contains(s.headers, "x-amz-date") {
		return "", false
	}
	var room [1024]byte
	b := append(room[:0], r.Method...)
	b = append(append(append(b, '\n'), r.URL.Path...), "\n\n"...)
	for i, name := range s.headers {
		value, plain := signedHeader(r, name)
		if !plain || i > 0 && s.headers[i-1] == name {
			return "", false
		}
		b = append(append(append(append(b, name...), ':'), value...), '\n')
	}
	b = append(b, '\n')
	for i, name := range s.headers {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(append(b, '\n'), payload...)
	sum := sha256.Sum256(b)

	b = append(b[:0], algorithm+"\n"...)
	b = s.at.AppendFormat(b, timeFormat)
	b = append(append(append(b, '\n'), s.day...), '/')
	b = append(append(append(append(b, s.region...), '/'), s.service...), "/aws4_request\n"...)
	b = hex.AppendEncode(b, sum[:])
	key := signingKeys.of(signingScope{secret, s.day, s.region, s.service})
	sum = hmacSHA256(key[:], b)
	return hex.EncodeToString(sum[:]), true
}

// plainPath says whether a path stands in what was signed as it is.
func plainPath(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '/' && (i == 0 || path[i-1] != '/'):
		default:
			return false
		}
	}
	return path != "" && path[0] == '/'
}

// signedHeader gives the value of a header that was signed, if it stands in what
// was signed as it is.
func signedHeader(r *http.Request, name string) (value string, plain bool) {
	switch name {
	case "host":
		value = r.Host
		if strings.HasSuffix(value, ":80") || strings.HasSuffix(value, ":443") {
			return "", false // the port goes with some schemes
		}
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10), r.ContentLength > 0
	case "content-type", "x-amz-date", "x-amz-target", "x-amz-content-sha256", "x-amz-security-token", "amz-sdk-invocation-id", "amz-sdk-request", "accept":
		values := r.Header.Values(name)
		if len(values) != 1 {
			return "", false
		}
		value = values[0]
	default:
		return "", false
	}
	return value, value == strings.TrimSpace(value) && !strings.Contains(value, "  ")
}

// signingScope is what a derived key depends on.
type signingScope struct{ secret, day, region, service string }

// derivedKeys keeps the keys of few scopes: those of today.
type derivedKeys struct {
	mu sync.RWMutex
	by map[signingScope][sha256.Size]byte
}

var signingKeys = derivedKeys{by: map[signingScope][sha256.Size]byte{}}

// keptKeys is how many derived keys are kept. Regions come from clients: they
// must not fill the memory.
const keptKeys = 1000

func (d *derivedKeys) of(s signingScope) [sha256.Size]byte {
	d.mu.RLock()
	key, ok := d.by[s]
	d.mu.RUnlock()
	if ok {
		return key
	}
	key = hmacSHA256([]byte("AWS4"+s.secret), []byte(s.day))
	for _, part := range []string{s.region, s.service, "aws4_request"} {
		key = hmacSHA256(key[:], []byte(part))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.by) >= keptKeys {
		clear(d.by)
	}
	d.by[s] = key
	return key
}

// hmacSHA256 is crypto/hmac without its memory.
func hmacSHA256(key, text []byte) [sha256.Size]byte {
	var pad [sha256.BlockSize]byte
	if len(key) > len(pad) {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	var room [1024]byte
	inner := sha256.Sum256(append(append(room[:0], pad[:]...), text...))
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	return sha256.Sum256(append(append(room[:0], pad[:]...), inner[:]...))
}
