package control

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"usher/catalog"
	"usher/store"
	wire "usher/wire/personalize"
)

// defaultResults is how many entries a page has when maxResults is absent.
const defaultResults = 100

// page is what a List call asks for, besides the filter itself.
type page struct {
	list string // the operation and its filters: a token is good for these only
	next *string
	most *int32
}

// newPage binds a page to an operation and the values of its filters.
func newPage(operation string, next *string, most *int32, filters ...string) page {
	return page{strings.Join(append([]string{operation}, filters...), "\x00"), next, most}
}

func (p page) limit() int {
	if p.most == nil {
		return defaultResults
	}
	return int(*p.most)
}

// sumLen is how much of a token is checksum.
const sumLen = 12

func (p page) sum(position string) []byte {
	s := sha256.Sum256([]byte(p.list + "\x00" + position))
	return s[:sumLen]
}

// token makes an opaque text of a position; "" gives nil, the last page has none.
func (p page) token(position string) *string {
	if position == "" {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString(append(p.sum(position), position...)))
}

// position reads the token that was given; "" when none was.
func (p page) position() (string, error) {
	if p.next == nil {
		return "", nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(*p.next)
	if err != nil || len(b) <= sumLen || string(p.sum(string(b[sumLen:]))) != string(b[:sumLen]) {
		return "", badToken()
	}
	return string(b[sumLen:]), nil
}

func badToken() error {
	return &wire.InvalidNextTokenException{Message: new("The nextToken is not one that this operation gave for the same filters. Send the nextToken of the page before, unchanged and with the same other parameters, or none to begin anew.")}
}

// list gives a page of records, newest first, and the token of the next one.
func list[T any, P record[T], S any](ctx context.Context, a *API, p page, q catalog.Query, summary func(P) S) ([]S, *string, error) {
	var err error
	if q.After, err = p.position(); err != nil {
		return nil, nil, err
	}
	q.Limit = p.limit()
	var records []P
	err = a.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		records, q.After, err = catalog.List[T, P](tx, q)
		return err
	})
	if errors.Is(err, catalog.ErrPosition) {
		err = badToken()
	}
	if err != nil {
		return nil, nil, err
	}
	out := make([]S, len(records)) // never nil: an empty list is shown as one
	for i, r := range records {
		out[i] = summary(r)
	}
	return out, p.token(q.After), nil
}
