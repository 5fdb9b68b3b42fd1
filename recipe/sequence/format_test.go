package sequence

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"reflect"
	"slices"
	"testing"

	"usher/dataset"
	"usher/internal/seed"
	"usher/recipe"
	"usher/recipe/internal/nn"
)

func load(b []byte) (*Model, error) {
	m, err := Recipe{}.Load(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return m.(*Model), nil
}

// tiny is a trained model, quickly made.
func tiny(t testing.TB) *Model {
	return train(t, recipe.Input{Data: snapshot(6, [][]int{{0, 1, 2}, {1, 2, 3}, {3, 0}, {4}}), Seed: 2, Workers: 1})
}

func TestLoadedModelAnswersTheSame(t *testing.T) {
	m := tiny(t)
	raw := saved(t, m)
	got, err := load(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, saved(t, got)) {
		t.Error("saved again, the bytes differ")
	}
	if !reflect.DeepEqual(m.Choices(), got.Choices()) || got.Len() != 6 {
		t.Errorf("choices %v, %d items", got.Choices(), got.Len())
	}
	for _, h := range [][]int{nil, {0}, {1, 2, 3}, {5}, {5, 77}} {
		if a, b := recommend(t, m, 9, h...), recommend(t, got, 9, h...); !slices.Equal(a, b) {
			t.Errorf("history %v: %v, loaded %v", h, a, b)
		}
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	raw := saved(t, tiny(t))
	for i := range raw {
		if i > 900 && i < len(raw)-50 && i%97 != 0 { // numbers: all alike
			continue
		}
		bad := slices.Clone(raw)
		bad[i] ^= 0x40
		if _, err := load(bad); err == nil {
			t.Errorf("byte %d of %d changed: loaded", i, len(raw))
		}
	}
	for _, n := range []int{0, 1, 7, 8, 12, 16, 40, len(raw) / 2, len(raw) - 1} {
		if _, err := load(raw[:n]); err == nil {
			t.Errorf("cut to %d bytes: loaded", n)
		}
	}
	if _, err := load(append(slices.Clone(raw), 0)); !errors.Is(err, errDamaged) {
		t.Errorf("a byte too many: %v", err)
	}
}

// marked is a network that tells so many lengths of time apart.
func marked(marks int) *Model {
	shape := nn.Shape{Rows: 4, Dim: 4, Inner: 8, Heads: 2, Blocks: 2, Window: 5, Marks: marks, Tau: 15}
	return newModel(nn.New(shape, seed.Seed(5)), 3, []uint32{0, 1, 2}, false, nil)
}

// A network that tells other lengths of time apart than histories are marked with would
// misunderstand them, and of fewer it has no vectors.
func TestOtherMarksAreRefused(t *testing.T) {
	for marks := range 2 * gapMarks {
		_, err := load(saved(t, marked(marks)))
		if known := marks == 0 || marks == gapMarks; known != (err == nil) || err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("%d marks: %v", marks, err)
		}
	}
}

// sealed gives raw with right checksums, whatever version it says.
func sealed(raw []byte) []byte {
	if len(raw) < len(magic)+4 {
		return raw
	}
	if v := binary.LittleEndian.Uint32(raw[len(magic):]); v != version {
		n := len(raw) - 4
		return binary.LittleEndian.AppendUint32(slices.Clone(raw[:n]), crc32.Checksum(raw[:n], castagnoli))
	}
	if len(raw) > 1<<20 || len(raw) < 8 {
		return raw // of more than one block; nobody makes those
	}
	n := len(raw) - 8
	out := binary.LittleEndian.AppendUint32(slices.Clone(raw[:n]), crc32.Checksum(raw[:n], castagnoli))
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out[n:], castagnoli))
}

// Whatever is in a file, with a right checksum too, it is refused or answers.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"version1", "version2", "version3"} {
		raw, err := os.ReadFile("testdata/" + name + ".model")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		m, err := load(raw)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(saved(f, m))
		f.Add(raw[:60])
		furnish(m)
		f.Add(saved(f, m))
	}
	f.Add(saved(f, generated(f, 20, 4, true)))
	f.Add(saved(f, marked(gapMarks)))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := load(sealed(raw))
		if err != nil {
			return
		}
		for _, h := range [][]dataset.Event{nil, events(0, 1), events(5, 99, 5)} {
			got, err := m.Recommend(context.Background(), &recipe.Query{History: h}, 3, dataset.Set{}, nil)
			if err != nil || len(got) > 3 {
				t.Errorf("%v, %v", got, err)
			}
		}
	})
}
