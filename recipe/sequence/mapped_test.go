package sequence

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"usher/blob"
	"usher/blob/blobtest"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/internal/nn"
	"usher/recipe/recipetest"
)

// stored puts a model into a folder of blobs.
func stored(t testing.TB, m *Model) (dir string, blobs *blob.Dir) {
	t.Helper()
	dir = t.TempDir()
	blobs, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	blobtest.Save(t, blobs, "model", m.Save)
	return dir, blobs
}

// wake loads what stored has put there.
func wake(blobs *blob.Dir) (*Model, error) {
	r, err := blobs.Open(context.Background(), "model")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m, err := Recipe{}.Load(r, r.Size())
	if err != nil {
		return nil, err
	}
	return m.(*Model), nil
}

// wholeModel is a model that has something in nearly every section: counters, similar
// users, metadata, new items, what furnish gives, and a table that is large enough for
// eight-bit copies.
func wholeModel(t testing.TB) *Model {
	m := generated(t, quantisedFrom/16+8, 16, true)
	raw, err := os.ReadFile("testdata/version3.model")
	if err != nil {
		t.Fatal(err)
	}
	other, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	m.content, m.cold = other.content, other.cold
	d := m.net.Dim
	wider := func(x []float32) []float32 { return slices.Concat(x, x, x, x) } // from width 4
	m.content.Dim, m.content.Mean, m.content.Weights, m.cold.vectors = d, wider(m.content.Mean), wider(m.content.Weights), wider(m.cold.vectors)
	furnish(m)
	return m
}

// furnish gives a model weights of what was shown, an objective and, where it has new
// items, what their ages and being passed over do.
func furnish(m *Model) {
	m.shown = -.3
	if n := m.cold; n != nil {
		n.newness = &newness{Birth: birth{Column: "YEAR", Year: true}, Newest: 1_700_000_000, Tenth: 86_400, Effect: make([]float32, agesCount)}
		for age := range n.newness.Effect {
			n.newness.Effect[age] = .1 * float32(age%5)
		}
		for at := range n.items {
			n.born = append(n.born, hours(n.newness.Newest-int64(at*at)*86_400))
			n.passed = append(n.passed, .05*float32(at%7))
			n.worth = append(n.worth, float32(at%3))
		}
	}
	values := make([]float32, len(m.items))
	for r := range values {
		values[r] = float32(r % 4)
	}
	m.pursue(&objective{objectiveHead: objectiveHead{"PRICE", 2, 1, .5}, values: values})
}

// A model that is mapped answers as the one in memory does, while campaigns fall
// asleep – nobody has it any more –, wake and are asked, and the collector ends
// mappings as soon as it may.
func TestMappedModelsComeAndGo(t *testing.T) {
	m := wholeModel(t)
	_, blobs := stored(t, m)
	histories := [][]int{nil, {0}, {1, 2, 3}, {5, 9, 30000, 17}}
	var want [][]recipe.Scored
	for _, h := range histories {
		want = append(want, recommend(t, m, 20, h...))
	}
	first, err := wake(blobs)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && first.hold == nil {
		t.Error("it is not mapped")
	}
	if !bytes.Equal(saved(t, first), saved(t, m)) {
		t.Error("saved again, the bytes differ")
	}
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for i := range 12 {
				m, err := wake(blobs)
				if err != nil {
					t.Error(err)
					return
				}
				at := i % len(histories)
				if got := recommend(t, m, 20, histories[at]...); !slices.Equal(got, want[at]) {
					t.Errorf("history %v: %v, want %v", histories[at], got, want[at])
				}
				runtime.GC()
			}
		})
	}
	clients.Wait()
}

// BenchmarkWake is what it takes to wake a model of 750,000 items whose file is in
// the page cache, its first answer included, and what is copied for that.
func BenchmarkWake(b *testing.B) {
	const items = 750_000
	rows := make([]uint32, items)
	for i := range rows {
		rows[i] = uint32(i)
	}
	shape := nn.Shape{Rows: items + 1, Dim: 64, Inner: 128, Heads: 2, Blocks: 2, Window: 100, Tau: 15}
	_, blobs := stored(b, newModel(nn.New(shape, seed.Seed(5)), items, rows, false, nil))
	b.ReportAllocs()
	for b.Loop() {
		m, err := wake(blobs)
		if err != nil {
			b.Fatal(err)
		}
		recommend(b, m, 25, 1, 2, 3)
	}
}

// What the disk has changed since a model was last awake is not served.
func TestDamageIsSeenAtEachWaking(t *testing.T) {
	dir, blobs := stored(t, wholeModel(t))
	path := filepath.Join(dir, "model")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wake(blobs); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(good); at += len(good)/23 + 1 {
		bad := slices.Clone(good)
		bad[at] ^= 1
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := wake(blobs); err == nil {
			t.Errorf("a bit of byte %d of %d is another one, and it is awake", at, len(good))
		} else if at > len(magic)+4 && !errors.Is(err, errDamaged) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	if err := os.WriteFile(path, good, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := wake(blobs); err != nil {
		t.Error(err)
	}
}

// Slices of a mapping do not keep it: exported methods keep the model to their end.
func TestMethodsKeepTheModel(t *testing.T) { recipetest.KeepsModel(t, "Len", "Choices", "Cache") }
