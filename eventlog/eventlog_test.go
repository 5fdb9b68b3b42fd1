package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"usher/store"
)

func open(t testing.TB, dir string) (*store.DB, *Logs) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	logs := New(db)
	t.Cleanup(func() { _ = logs.Close(); _ = db.Close() })
	return db, logs
}

func read(t *testing.T, l Log, after Offset) (ids []string) {
	t.Helper()
	want := after + 1
	for r, err := range l.Read(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Offset != want || string(r.Data) != "data of "+r.ID {
			t.Errorf("got offset %d data %q, want offset %d of %s", r.Offset, r.Data, want, r.ID)
		}
		want++
		ids = append(ids, r.ID)
	}
	return ids
}

func rec(id string) Record { return Record{ID: id, Data: []byte("data of " + id)} }

func TestAppendGivesDenseOffsetsInOrder(t *testing.T) {
	_, logs := open(t, t.TempDir())
	l := logs.Log("g")
	if last, err := l.Last(t.Context()); last != 0 || err != nil {
		t.Fatalf("an empty log ends at %d, %v", last, err)
	}
	var wg sync.WaitGroup
	const writers, calls = 8, 30
	for w := range writers {
		wg.Go(func() {
			var before Offset
			for c := range calls {
				off, err := l.Append(context.Background(), rec(fmt.Sprintf("%d-%da", w, c)), rec(fmt.Sprintf("%d-%db", w, c)))
				if err != nil || off <= before {
					t.Errorf("append after %d: %d, %v", before, off, err)
				}
				before = off
				if _, err := logs.Log("other").Append(context.Background(), rec("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	ids := read(t, l, 0)
	if len(ids) != 2*writers*calls {
		t.Fatalf("got %d records", len(ids))
	}
	for i := 0; i < len(ids); i += 2 { // a call's records stay next to each other
		if a, b := ids[i], ids[i+1]; a[:len(a)-1] != b[:len(b)-1] || a[len(a)-1] != 'a' || b[len(b)-1] != 'b' {
			t.Fatalf("records %d: %q, %q", i, a, b)
		}
	}
	if got := read(t, l, 400); len(got) != 80 || got[0] != ids[400] {
		t.Errorf("read after 400 gave %d records", len(got))
	}
}

func TestAppendTxCommitsWithItsTransaction(t *testing.T) {
	db, logs := open(t, "")
	l := logs.Log("g")
	no := errors.New("no")
	for _, fail := range []error{no, nil} {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := l.AppendTx(tx, rec("tx")); err != nil {
				return err
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
	}
	if ids := read(t, l, 0); len(ids) != 1 {
		t.Errorf("got %v", ids)
	}
}

func TestTailFollows(t *testing.T) {
	_, logs := open(t, t.TempDir())
	l := logs.Log("g")
	const n = 500
	got := make(chan Offset, n)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r, err := range l.Tail(ctx, 0) {
			if err != nil {
				t.Error(err)
				return
			}
			got <- r.Offset
		}
	}()
	for i := range n {
		if _, err := l.Append(t.Context(), rec(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for want := Offset(1); want <= n; want++ {
		if o := <-got; o != want {
			t.Fatalf("got offset %d, want %d", o, want)
		}
	}
	cancel()
	<-done
}

func TestTrimAndDelete(t *testing.T) {
	db, logs := open(t, "")
	l := logs.Log("g")
	for i := range 10 {
		if _, err := l.Append(t.Context(), rec(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Trim(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	for _, err := range l.Read(t.Context(), 3) {
		if !errors.Is(err, ErrTrimmed) {
			t.Errorf("a reader before the log got %v", err)
		}
	}
	if got := read(t, l, 4); len(got) != 6 {
		t.Errorf("got %v", got)
	}
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return logs.Delete(tx, "g") }); err != nil {
		t.Fatal(err)
	}
	if last, err := l.Last(t.Context()); last != 0 || err != nil {
		t.Errorf("a deleted log ends at %d, %v", last, err)
	}
}

func TestDamageIsFoundAndNamed(t *testing.T) {
	db, logs := open(t, "")
	l := logs.Log("g")
	for i := range 3 {
		if _, err := l.Append(t.Context(), rec(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for _, damage := range []string{"update log set data = 'other' where off = 2", "delete from log where off = 2"} {
		if err := db.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(damage); return err }); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range l.Read(t.Context(), 0) {
			last = err
		}
		if !errors.Is(last, ErrDamaged) {
			t.Errorf("%s: got %v", damage, last)
		}
	}
}

// BenchmarkAppend is 64 clients with 10 records of 300 bytes each, against the
// machine's limit: the same bytes in a plain file with the same group commit.
func BenchmarkAppend(b *testing.B) {
	recs := make([]Record, 10)
	for i := range recs {
		recs[i].Data = make([]byte, 300)
	}
	b.Run("log", func(b *testing.B) {
		_, logs := open(b, b.TempDir())
		l := logs.Log("g")
		clients(b, func() error { _, err := l.Append(context.Background(), recs...); return err })
	})
	b.Run("plain-file", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "log"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		var pending = make(chan chan error, 256)
		go func() {
			for first := range pending {
				group := []chan error{first}
				for more := true; more && len(group) < batchMax; {
					select {
					case c, ok := <-pending:
						if more = ok; ok {
							group = append(group, c)
						}
					default:
						more = false
					}
				}
				_, err := f.Write(make([]byte, 3000*len(group)))
				if err == nil {
					err = f.Sync()
				}
				for _, c := range group {
					c <- err
				}
			}
		}()
		clients(b, func() error { c := make(chan error, 1); pending <- c; return <-c })
		close(pending)
	})
}

func clients(b *testing.B, do func() error) {
	b.SetParallelism(32) // × GOMAXPROCS of 2: 64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(10*b.N)/b.Elapsed().Seconds(), "events/s")
}

// TestWrongBitOnDisk changes each byte of a record in the database file in turn.
func TestWrongBitOnDisk(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	logs := New(db)
	const text = "a record that can be found"
	for _, s := range []string{"one", text, "three"} {
		if _, err := logs.Log("g").Append(t.Context(), rec(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(logs.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "usher.db")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(good, []byte(text))
	if at < 0 {
		t.Fatal("the record is not in the file")
	}
	for i := 0; i < len(text); i += 5 {
		bad := bytes.Clone(good)
		bad[at+i] ^= 4
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		logs := New(db)
		var got []string
		var last error
		for r, err := range logs.Log("g").Read(t.Context(), 0) {
			if last = err; err == nil {
				got = append(got, string(r.Data))
			}
		}
		if !errors.Is(last, ErrDamaged) || !strings.Contains(last.Error(), "offset 2") || !strings.Contains(last.Error(), `log "g"`) {
			t.Errorf("byte %d: got %v", i, last)
		}
		for _, s := range got {
			if s != "one" {
				t.Errorf("byte %d: %q was read", i, s)
			}
		}
		if err := errors.Join(logs.Close(), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
