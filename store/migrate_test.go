package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"usher/internal/storetest"
)

// older are rows as the usher of each schema wrote them.
var older = map[int][]string{
	1: {
		"insert into meta(key, value) values('node/x', 'kept')",
		`insert into resource(arn, id, kind, name, created, updated, revision, body) values('arn:1', 'id1', 'schema', 's', 1, 1, 1, '{}')`,
		`insert into resource(arn, id, kind, name, created, updated, revision, body) values('arn:2', 'id2', 'change', 's', 1, 1, 1, '{}')`,
		"insert into log_head(name, last, trimmed) values('g', 2, 0)",
		"insert into log(name, off, at, id, data, crc) values('g', 1, 5, 'é', 'data', 7)",
		"insert into job(kind, key, args, state, created) values('k', 'a', '{}', 'queued', 1)",
	},
	2: {"insert into log(name, off, count, at, id, data, crc) values('g', 2, 1, 5, 'two', 'data', 7)"},
}

// behindStore is an empty database of a kind, to be written to behind the store's back.
type behindStore struct {
	opt       Options
	db        *sql.DB
	translate func(string) string
	number    func(version int) string // writes down the schema's number
}

func dialects(t *testing.T, run func(t *testing.T, b behindStore)) {
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		db, err := sql.Open("sqlite", filepath.Join(dir, "usher.db"))
		if err != nil {
			t.Fatal(err)
		}
		run(t, behindStore{Options{Dir: dir}, db, func(s string) string { return s }, func(v int) string { return fmt.Sprintf("pragma user_version = %d", v) }})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		url := storetest.Postgres(t)
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		run(t, behindStore{Options{Database: url}, db, inPostgres, func(v int) string {
			return fmt.Sprintf("insert into meta(key, value) values('schema', '%d') on conflict(key) do update set value = excluded.value", v)
		}})
	})
}

func (b *behindStore) exec(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := b.db.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// at brings the database to an older schema, with rows of that time.
func (b *behindStore) at(t *testing.T, version int) {
	t.Helper()
	_, postgres := strings.CutPrefix(b.opt.Database, "postgres")
	all, err := steps(0, b.translate, postgres)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := steps(version, b.translate, postgres)
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for v := 1; v <= version; v++ {
		left, err := steps(v, b.translate, postgres)
		if err != nil {
			t.Fatal(err)
		}
		b.exec(t, all[done:len(all)-len(left)]...)
		done = len(all) - len(left)
		b.exec(t, b.number(v))
		b.exec(t, older[v]...)
	}
	if done != len(all)-len(rest) {
		t.Fatalf("%d of %d steps were done", done, len(all)-len(rest))
	}
}

// TestFromEverySchema opens databases of every version since the first commit:
// what they held is there.
func TestFromEverySchema(t *testing.T) {
	for version := 1; version <= schema(); version++ {
		for _, first := range []bool{false, true} {
			if first && version > 1 { // only the very first had no documents
				continue
			}
			dialects(t, func(t *testing.T, b behindStore) {
				b.at(t, version)
				if first {
					b.exec(t, "drop table document")
				}
				_ = b.db.Close()
				b.check(t, version)
			})
		}
	}
}

func (b *behindStore) check(t *testing.T, version int) {
	t.Helper()
	db := open(t, b.opt)
	if got := get(t, db, "node/x"); got != "kept" {
		t.Errorf("from schema %d: a value is %q", version, got)
	}
	if err := db.Documents().Put(t.Context(), "k", []byte("v")); err != nil {
		t.Errorf("from schema %d: %v", version, err)
	}
	err := db.View(t.Context(), func(tx *Tx) error {
		for query, want := range map[string]string{
			"select kind from resource":                                     "schema",
			"select id from log where name = 'g' and off = 1 and count = 1": "é",
			"select data from log where name = 'g' and off = 1":             "data",
			"select holder || 'x' from job where kind = 'k' and lease = 0":  "x",
			"select last || ' ' || trimmed from log_head where name = 'g'":  "2 0",
			"select count(*) from resource where kind = 'change'":           "0",
		} {
			var got string
			if err := tx.QueryRow(query).Scan(&got); err != nil {
				return fmt.Errorf("%s: %w", query, err)
			}
			if got != want {
				t.Errorf("from schema %d: %s gives %q", version, query, got)
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("from schema %d: %v", version, err)
	}
}
