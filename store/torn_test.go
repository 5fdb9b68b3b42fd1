package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestTornWrite cuts the write-ahead file at any place, or changes a bit of its
// end, as a crash in the middle of a write does: what was committed before is
// there, the rest is gone, and no transaction is there by half.
func TestTornWrite(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Options{Dir: dir})
	wal := filepath.Join(dir, "usher.db-wal")
	size := func() int64 {
		info, err := os.Stat(wal)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	const commits = 12
	ends := []int64{size()} // of the write-ahead file after each commit
	for i := range commits {
		err := db.Update(t.Context(), func(tx *Tx) error {
			for _, side := range []string{"left", "right"} {
				if err := put(tx, fmt.Sprint(side, i), string(bytes.Repeat([]byte{'a' + byte(i)}, 3000))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, size())
	}
	if ends[commits] == ends[0] {
		t.Fatal("nothing was written to the file that is cut")
	}
	base, err := os.ReadFile(filepath.Join(dir, "usher.db"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(wal)
	if err != nil {
		t.Fatal(err)
	}
	reopen := func(name string, log []byte, whole int) {
		other := t.TempDir()
		for file, b := range map[string][]byte{"usher.db": base, "usher.db-wal": log} {
			if err := os.WriteFile(filepath.Join(other, file), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		again, err := Open(t.Context(), Options{Dir: other})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer again.Close()
		for i := range commits {
			left, right := get(t, again, fmt.Sprint("left", i)), get(t, again, fmt.Sprint("right", i))
			if (left == "") != (right == "") || (left != "") != (i < whole) {
				t.Errorf("%s: commit %d is there: %v and %v", name, i, left != "", right != "")
			}
		}
	}
	for i := range commits {
		for _, cut := range []int64{ends[i], ends[i] + 1, (ends[i] + ends[i+1]) / 2, ends[i+1] - 1} {
			reopen(fmt.Sprintf("cut at %d of %d", cut, len(log)), log[:cut], i)
		}
	}
	reopen("whole", log, commits)
	last := ends[commits] - ends[commits-1]
	for _, at := range []int64{8, last / 2, last - 1} { // the frame's header counts too
		bad := bytes.Clone(log)
		bad[ends[commits-1]+at] ^= 1
		reopen(fmt.Sprintf("a wrong bit in the last commit, byte %d", at), bad, commits-1)
	}
	zeros := bytes.Clone(log) // the file has its length, but the bytes did not arrive
	clear(zeros[ends[commits-1]:])
	reopen("zeros", zeros, commits-1)
}
