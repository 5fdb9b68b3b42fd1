package eventlog

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"usher/internal/storetest"
	"usher/store"
)

func open(t testing.TB, dir string) (*store.DB, *Logs) {
	t.Helper()
	return openIn(t, store.Options{Dir: dir, Database: storetest.Database(t)})
}

func openIn(t testing.TB, opt store.Options) (*store.DB, *Logs) {
	t.Helper()
	db, err := store.Open(t.Context(), opt)
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

// TestCallsOfOneCommit: calls that share a transaction each get their own last offset.
func TestCallsOfOneCommit(t *testing.T) {
	_, logs := open(t, t.TempDir())
	var batch []*appending
	for _, c := range []struct {
		log string
		ids []string
	}{{"g", []string{"a", "b"}}, {"h", []string{"c"}}, {"g", []string{"d"}}, {"g", []string{"e", "f", "i"}}} {
		a := &appending{name: c.log, done: make(chan struct{})}
		for _, id := range c.ids {
			a.recs = append(a.recs, rec(id))
		}
		batch = append(batch, a)
	}
	logs.commit(batch)
	for i, want := range []Offset{2, 1, 3, 6} {
		if <-batch[i].done; batch[i].last != want || batch[i].err != nil {
			t.Errorf("call %d ends at %d, %v, want %d", i, batch[i].last, batch[i].err, want)
		}
	}
	if got := strings.Join(read(t, logs.Log("g"), 0), ""); got != "abdefi" {
		t.Errorf("the log has %q", got)
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

func TestDelete(t *testing.T) {
	db, logs := open(t, "")
	l := logs.Log("g")
	if _, err := l.Append(t.Context(), rec("1")); err != nil {
		t.Fatal(err)
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

// TestRowsOfTheFirstVersion reads a log that was written when a row was a record.
func TestRowsOfTheFirstVersion(t *testing.T) {
	dir := t.TempDir()
	old, err := sql.Open("sqlite", filepath.Join(dir, "usher.db"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile("../store/migrations/0001_first.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(first), "pragma user_version = 1", "insert into log_head values('g', 2, 0)",
		// The checksums are literals: they are on people's disks.
		"insert into log(name, off, at, id, data, crc) values('g', 1, 1700000000000000, 'a', 'data of a', 4226270478)",
		"insert into log(name, off, at, id, data, crc) values('g', 2, 1700000000000001, 'b', 'data of b', 504550552)"} {
		if _, err := old.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	_, logs := openIn(t, store.Options{Dir: dir})
	l := logs.Log("g")
	if _, err := l.Append(t.Context(), rec("c"), rec("d")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, 0); fmt.Sprint(got) != "[a b c d]" {
		t.Errorf("got %v", got)
	}
}

// TestReadFromWithinARow begins and follows anywhere in packed rows.
func TestReadFromWithinARow(t *testing.T) {
	_, logs := open(t, "")
	l := logs.Log("g")
	total := 0
	for _, n := range []int{1, 3, rowRecords, rowRecords + 1, 2, 3 * rowRecords, 1} {
		recs := make([]Record, n)
		for i := range recs {
			recs[i] = rec(fmt.Sprint(total + i + 1))
		}
		total += n
		if off, err := l.Append(t.Context(), recs...); err != nil || off != Offset(total) {
			t.Fatal(off, err)
		}
	}
	for after := 0; after <= total; after += 1 + after%61 {
		if got := read(t, l, Offset(after)); len(got) != total-after {
			t.Fatalf("after %d: %d records", after, len(got))
		}
	}
}

// TestTailThatIsSlow drops what does not fit into memory and reads it again.
func TestTailThatIsSlow(t *testing.T) {
	_, logs := open(t, "")
	l := logs.Log("g")
	recs := make([]Record, 1000)
	for i := range recs {
		recs[i] = rec("x")
	}
	append := func(n int) {
		for range n {
			if _, err := l.Append(t.Context(), recs...); err != nil {
				t.Fatal(err)
			}
		}
	}
	append(1)
	want := Offset(1)
	for r, err := range l.Tail(t.Context(), 0) {
		if err != nil || r.Offset != want {
			t.Fatalf("got offset %d, %v, want %d", r.Offset, err, want)
		}
		switch want {
		case 500: // more than a queue holds, while the tail is at work
			append(2 * queueMax / 1000)
		case 9000:
			append(1)
		}
		if want++; want > 1000*Offset(2*queueMax/1000+2) {
			return
		}
	}
}

func FuzzUnpack(f *testing.F) {
	r, _ := pack([]Record{rec("a"), rec("bc"), {Data: []byte{}}})
	f.Add(int64(3), r.data)
	f.Add(int64(-1), []byte{0})
	f.Fuzz(func(t *testing.T, count int64, data []byte) {
		r := row{off: 7, count: count, data: data}
		recs, err := r.unpack(nil)
		if err != nil || count < 2 || count > rowRecords {
			return
		}
		if int64(len(recs)) != count {
			t.Fatalf("%d records, want %d", len(recs), count)
		}
		again, rest := pack(recs)
		back, err := again.unpack(nil)
		if err != nil || len(back)+len(rest) != len(recs) {
			t.Fatalf("%d and %d records, %v", len(back), len(rest), err)
		}
		for i := range back {
			if back[i].ID != recs[i].ID || !bytes.Equal(back[i].Data, recs[i].Data) || !back[i].Time.Equal(recs[i].Time) || back[i].Offset != recs[i].Offset {
				t.Fatalf("record %d: %+v, want %+v", i, back[i], recs[i])
			}
		}
	})
}
