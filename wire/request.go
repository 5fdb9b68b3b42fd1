package wire

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

// requestIDHeader is the header of every answer.
const requestIDHeader = "X-Amzn-Requestid"

type requestKey struct{}

// RequestID gives the id of the request that ctx belongs to; empty outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// identified gives a request its id, in context and answer, unless it has one.
func identified(w http.ResponseWriter, r *http.Request) (*http.Request, string) {
	id := RequestID(r.Context())
	if id == "" {
		id = newID()
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
	}
	w.Header()[requestIDHeader] = []string{id}
	return r, id
}

// Identify gives each request its id before next sees it, so that handlers
// beside a Mux log and answer the same id.
func Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, _ = identified(w, r)
		next.ServeHTTP(w, r)
	})
}

// newID gives a random UUID. It only tells requests apart; nothing depends on it.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var o [36]byte
	at := 0
	for i, n := range [5]int{4, 2, 2, 2, 6} {
		if i > 0 {
			o[at] = '-'
			at++
		}
		hex.Encode(o[at:], b[:n])
		at += 2 * n
		copy(b[:], b[n:])
	}
	return string(o[:])
}
