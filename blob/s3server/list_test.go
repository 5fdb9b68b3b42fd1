package s3server

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// listed is the plain twin of a listing: all keys at once.
func listed(keys []string, prefix, delimiter, after string) (out []string) {
	for _, key := range keys {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			key = key[:len(prefix)+i+len(delimiter)]
		}
		if key > after && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

// turnPages lists to the end in pages of n, by version 1 or 2 of the call.
func turnPages(t *testing.T, s *Buckets, version, n int, prefix, delimiter, after string) (out []string) {
	t.Helper()
	q := url.Values{"prefix": {prefix}, "delimiter": {delimiter}, "max-keys": {fmt.Sprint(n)}, "encoding-type": {"url"}}
	if version == 2 {
		q.Set("list-type", "2")
		q.Set("start-after", after)
	} else {
		q.Set("marker", after)
	}
	for range 200 {
		a := want(t, s, 200, "", "GET /box?"+q.Encode(), "")
		_, lists, _ := strings.Cut(a.body, "<IsTruncated>")
		found := append(values(lists, "Key"), values(strings.ReplaceAll(lists, "<CommonPrefixes>", ""), "Prefix")...)
		if len(found) > n {
			t.Fatalf("%d on a page of %d", len(found), n)
		}
		for i := range found {
			found[i], _ = url.PathUnescape(found[i])
		}
		slices.Sort(found)
		out = append(out, found...)
		if value(a.body, "IsTruncated") != "true" {
			return out
		}
		switch {
		case version == 2:
			q.Set("continuation-token", value(a.body, "NextContinuationToken"))
		case delimiter != "":
			next, _ := url.PathUnescape(value(a.body, "NextMarker"))
			q.Set("marker", next)
		default: // as SDKs do
			q.Set("marker", out[len(out)-1])
		}
	}
	t.Fatal("pages without end")
	return nil
}

func TestListings(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	s := newBuckets(t)
	there := map[string]bool{}
	for _, key := range oddKeys[:20] {
		there[key] = true
	}
	for range 60 {
		var b strings.Builder
		for range 1 + rng.IntN(6) {
			b.WriteByte("ab-/0."[rng.IntN(6)])
		}
		there[b.String()] = true
	}
	var keys []string
	for key := range there {
		want(t, s, 200, "", "PUT /box/"+strings.ReplaceAll(url.PathEscape(key), "%2F", "/"), "")
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for i := range 150 {
		key := keys[rng.IntN(len(keys))]
		prefix := []string{"", key[:rng.IntN(len(key)+1)], key}[rng.IntN(3)]
		delimiter := []string{"", "/", "a", "-/"}[rng.IntN(4)]
		after := []string{"", keys[rng.IntN(len(keys))], "a/"}[rng.IntN(3)]
		n := []int{1, 2, 3, 10, 1000}[rng.IntN(5)]
		wanted := listed(keys, prefix, delimiter, after)
		if got := turnPages(t, s, 1+i%2, n, prefix, delimiter, after); !slices.Equal(got, wanted) {
			t.Errorf("version %d, pages of %d, prefix %q, delimiter %q, after %q: %q\nwant %q", 1+i%2, n, prefix, delimiter, after, got, wanted)
		}
	}
	a := want(t, s, 200, "", "GET /box?versions&max-keys=3&encoding-type=url", "")
	if got := values(a.body, "VersionId"); !slices.Equal(got, []string{"null", "null", "null"}) || value(a.body, "NextKeyMarker") == "" {
		t.Error(a.body)
	}
	a = want(t, s, 200, "", "GET /box?list-type=2&max-keys=0", "")
	if value(a.body, "KeyCount") != "0" || value(a.body, "IsTruncated") != "false" {
		t.Error(a.body)
	}
}

// An object that moves while it is listed is given once.
func TestWalkWhileObjectsMove(t *testing.T) {
	s := newBuckets(t)
	for _, key := range []string{"a", "b", "c"} {
		want(t, s, 200, "", "PUT /box/"+key, "x")
	}
	all := func(change string) (out []string) {
		t.Helper()
		w, err := s.known("box").walk("", "")
		if err != nil {
			t.Fatal(err)
		}
		for {
			o, ok, err := w.next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return out
			}
			if out = append(out, o.key); len(out) == 1 {
				do(t, s, change, "x")
			}
		}
	}
	if got := all("PUT /box/b/x"); !slices.Equal(slices.DeleteFunc(got, func(k string) bool { return k == "b/x" }), []string{"a", "b", "c"}) {
		t.Errorf("b moves aside: %q", got)
	}
	want(t, s, 204, "", "DELETE /box/b/x", "")
	if got := all("PUT /box/b"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("b comes back: %q", got)
	}
	if got := all("PUT /box/a/x"); !slices.Equal(slices.DeleteFunc(got, func(k string) bool { return k == "a/x" }), []string{"a", "b", "c"}) {
		t.Errorf("a moves after it was given: %q", got)
	}
	if got := all("DELETE /box/b"); !slices.Equal(got, []string{"a", "a/x", "c"}) && !slices.Equal(got, []string{"a", "a/x", "b", "c"}) {
		t.Errorf("b is deleted: %q", got)
	}
}
