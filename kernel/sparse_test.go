package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// someRow is a row with some of the columns of a matrix, ascending.
func someRow(r *rand.Rand, columns int) Sparse {
	var row Sparse
	part := r.Float64()
	for c := range columns {
		if r.Float64() < part {
			row.At, row.X = append(row.At, uint32(c)), append(row.X, float32(r.NormFloat64()))
		}
	}
	return row
}

// Rows of all lengths, after each of which any other comes, are added as the twin adds
// them, to the bit, and the columns that were 0 are noted.
func TestSparse(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 1))
		for _, n := range lengths()[1:] {
			row, next := someRow(r, n), someRow(r, r.IntN(200))
			y0 := random(r, n)
			for i := range y0 {
				switch r.IntN(3) {
				case 0:
					y0[i] = 0
				case 1:
					y0[i] = float32(math.Copysign(0, -1))
				}
			}
			s := float32(r.NormFloat64())
			twin, noted := slices.Clone(y0), make([]uint32, n)
			var count int
			byTwin(func() { count = NoteSparse(noted, twin, s, row, next) })
			got, also := guard(y0, r.IntN(8)), guard(y0, r.IntN(8))
			AddSparse(got.x, s, row, next)
			mine := make([]uint32, n)
			if k := NoteSparse(mine, also.x, s, row, next); !slices.Equal(mine[:k], noted[:count]) {
				t.Fatalf("length %d: noted %v, twin %v", n, mine[:k], noted[:count])
			}
			for i := range twin {
				if want := math.Float32bits(twin[i]); math.Float32bits(got.x[i]) != want || math.Float32bits(also.x[i]) != want {
					t.Fatalf("length %d: y[%d] = %v and %v, twin %v", n, i, got.x[i], also.x[i], twin[i])
				}
			}
			got.check(t, "y")
			also.check(t, "y of NoteSparse")
		}
	})
}

// A column that y does not have panics, wherever it is in the row.
func TestSparseOutside(t *testing.T) {
	for _, path := range Paths() {
		restore, err := Use(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, 15, 16, 39} {
			row := Sparse{make([]uint32, 40), make([]float32, 40)}
			for i := range row.At {
				row.At[i] = uint32(i)
			}
			row.At[at] = 40 + uint32(at)<<20
			for name, add := range map[string]func(y []float32){
				"AddSparse":  func(y []float32) { AddSparse(y, 1, row, Sparse{}) },
				"NoteSparse": func(y []float32) { NoteSparse(make([]uint32, 40), y, 1, row, Sparse{}) },
			} {
				func() {
					defer func() {
						if recover() == nil {
							t.Errorf("%s: %s does not panic", path, name)
						}
					}()
					add(make([]float32, 40))
				}()
			}
		}
		restore()
	}
}

// Fetch takes slices of any length and place, and changes nothing.
func TestFetch(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 4))
		for _, n := range lengths() {
			x := random(r, n)
			g := guard(x, r.IntN(8))
			if Fetch(g.x); !slices.Equal(g.x, x) {
				t.Fatalf("length %d: changed", n)
			}
			g.check(t, "x")
		}
	})
}

func TestSumAbove(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 2))
		for _, n := range lengths() {
			x := random(r, n)
			if n > 3 {
				x[r.IntN(n)] = float32(math.NaN())
				x[r.IntN(n)] = float32(math.Inf(-1))
			}
			var want, twin float64
			for _, v := range x {
				if v > 0 {
					want += float64(v)
				}
			}
			byTwin(func() { twin = SumAbove(x) })
			g := guard(x, r.IntN(8))
			if got := SumAbove(g.x); got != twin || math.Abs(got-want) > 1e-9*want {
				t.Fatalf("length %d: %v, twin %v, want %v", n, got, twin, want)
			}
		}
	})
}

// BenchmarkSparse adds 50 rows of 400 entries of a large table, any of them, with and
// without the next one fetched meanwhile.
func BenchmarkSparse(b *testing.B) {
	const columns, entries, rows = 4000, 400, 50
	r := rand.New(rand.NewPCG(6, 3))
	table := make([]Sparse, 8000)
	for a := range table {
		at := r.Perm(columns)[:entries]
		slices.Sort(at)
		table[a] = Sparse{make([]uint32, entries), random(r, entries)}
		for i, c := range at {
			table[a].At[i] = uint32(c)
		}
	}
	y, asked := make([]float32, columns), make([]Sparse, rows+1)
	run := func(name string, add func(i int)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for i := range asked {
					asked[i] = table[r.IntN(len(table))]
				}
				for i := range rows {
					add(i)
				}
			}
		})
	}
	run("twin", func(i int) { plainAddSparse(y, .5, asked[i], Sparse{}) })
	run("not fetched", func(i int) { AddSparse(y, .5, asked[i], Sparse{}) })
	run("fetched", func(i int) { AddSparse(y, .5, asked[i], asked[i+1]) })
	noted := make([]uint32, columns)
	run("noted", func(i int) { NoteSparse(noted, y, .5, asked[i], asked[i+1]) })
}
