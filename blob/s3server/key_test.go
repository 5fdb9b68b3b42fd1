package s3server

import (
	"strings"
	"testing"

	"usher/blob/internal/durable"
)

func TestEscape(t *testing.T) {
	seen := map[string]string{}
	for _, key := range oddKeys {
		name := escape(key)
		if got, ok := unescape(name); !ok || got != key {
			t.Errorf("%q becomes %q becomes %q", key, name, got)
		}
		if !durable.IsLocal(name) || strings.ToLower(name) != name {
			t.Errorf("%q becomes %q, which is no name of a file", key, name)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q are both %q", key, other, name)
		}
		seen[name] = key
	}
	for key, want := range map[string]string{"logs/2026-01.csv": "=logs%2f2026-01%2ecsv", "A": "=%41", strings.Repeat("a", 201): strings.Repeat("a", 200) + "/=a"} {
		if got := escape(key); got != want {
			t.Errorf("%q becomes %q, want %q", key, got, want)
		}
	}
	for _, name := range []string{"", "a", "=A", "=%4", "=%zz", "=%61", "a/=b", "=" + strings.Repeat("a", 201), "data"} {
		if key, ok := unescape(name); ok && escape(key) != name {
			t.Errorf("%q becomes %q", name, key)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, key := range oddKeys {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if got, ok := unescape(escape(key)); !ok || got != key {
			t.Errorf("%q becomes %q", key, got)
		}
		if back, ok := unescape(key); ok && escape(back) != key {
			t.Errorf("%q is read as %q", key, back)
		}
	})
}

func TestBucketNames(t *testing.T) {
	for _, name := range []string{"abc", "a-b.c", "1a2", strings.Repeat("a", 63), "my-bucket", "10.0.0.1a"} {
		if err := checkBucket(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "ab", strings.Repeat("a", 64), "Abc", "a_b", ".abc", "abc.", "-ab", "ab-", "a..b", "127.0.0.1", "usher", "console", "metrics", "healthz", "a/b", "a\x00b", "..."} {
		if err := checkBucket(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}
