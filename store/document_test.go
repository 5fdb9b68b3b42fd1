package store

import (
	"fmt"
	"testing"
)

func TestDocuments(t *testing.T) {
	opt := place(t)
	ctx := t.Context()
	db := open(t, opt)
	d := db.Documents()
	for _, key := range []string{"role/b", "role/a", "roles", "policy/a", "role/%"} {
		for _, v := range []string{"old ", "new "} {
			if err := d.Put(ctx, key, []byte(v+key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Delete(ctx, "role/b"); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(ctx, "role/b"); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, opt).Documents()
	if v, ok, err := d.Get(ctx, "policy/a"); string(v) != "new policy/a" || !ok || err != nil {
		t.Errorf("got %q, %v, %v", v, ok, err)
	}
	if _, ok, err := d.Get(ctx, "role/b"); ok || err != nil {
		t.Errorf("a deleted document: %v, %v", ok, err)
	}
	list, err := d.List(ctx, "role/")
	if got := fmt.Sprintf("%s", list); got != "[new role/% new role/a]" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	for _, value := range []string{"first", "second"} {
		if have, err := d.Claim(ctx, "claim", []byte(value)); string(have) != "first" || err != nil {
			t.Errorf("claiming %s gave %q, %v", value, have, err)
		}
	}
	none, err := d.List(ctx, "x")
	if len(none) != 0 || err != nil {
		t.Errorf("got %q, %v", none, err)
	}
}
