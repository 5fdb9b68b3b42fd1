package content

import (
	"context"
	"fmt"
	"math"
	"sync"

	"usher/dataset"
)

// Map makes vectors of features: mean + features · weights. It does not change.
type Map struct {
	*Features
	Dim     int
	Mean    []float32 // (Dim)
	Weights []float32 // (buckets,Dim)
}

// Item is one item to fit a Map to.
type Item struct {
	Features Vector
	Target   []float32 // (Dim)
	Trust    float64   // how much its target counts
}

// Apply writes the vector of features to dst (Dim).
func (m *Map) Apply(v *Vector, dst []float32) {
	copy(dst, m.Mean)
	for k, b := range v.At {
		x := v.Values[k]
		for j, w := range m.Weights[int(b)*m.Dim : int(b+1)*m.Dim] {
			dst[j] += x * w
		}
	}
}

// Of writes the vector of a record to dst (Dim). It says whether the record told
// anything.
func (m *Map) Of(s *dataset.Schema, row dataset.Row, v *Vector, dst []float32) bool {
	m.Features.Of(s, row, v)
	m.Apply(v, dst)
	return len(v.At) > 0
}

// lambdas are the strengths of regularisation that Choose tries.
var lambdas = []float64{.3, 1, 3, 10}

// foldSize is how many items share one that Choose keeps back.
const foldSize = 8

// Choose finds the strength of regularisation that finds targets of items that it
// was not fitted to best, and which part of their variance that explains; 0 when
// none explains any.
func Choose(ctx context.Context, f *Features, items []Item, workers int) (lambda, explained float64, err error) {
	var fitted, kept []Item
	for i, item := range items {
		if i%foldSize == 0 {
			kept = append(kept, item)
		} else {
			fitted = append(fitted, item)
		}
	}
	if len(fitted) < leastItems {
		return 0, 0, nil
	}
	for _, l := range lambdas {
		m, err := Fit(ctx, f, fitted, l, workers)
		if err != nil {
			return 0, 0, err
		}
		if x := m.explains(kept); x > explained {
			lambda, explained = l, x
		}
	}
	return lambda, explained, nil
}

// explains gives the part of the targets' variance around the mean that is gone
// when they are predicted.
func (m *Map) explains(items []Item) float64 {
	var left, all float64
	dst := make([]float32, m.Dim)
	for i := range items {
		m.Apply(&items[i].Features, dst)
		for j, y := range items[i].Target {
			left += items[i].Trust * sq(float64(y-dst[j]))
			all += items[i].Trust * sq(float64(y-m.Mean[j]))
		}
	}
	if all == 0 {
		return 0
	}
	return 1 - left/all
}

func sq(x float64) float64 { return x * x }

// lane is how many dimensions are solved together by one goroutine.
const lane = 16

// Fit fits a Map: the least squares with lambda times the squares of the weights,
// by conjugate gradients. Dimensions are independent, so any number of workers
// gives the same.
func Fit(ctx context.Context, f *Features, items []Item, lambda float64, workers int) (*Map, error) {
	if len(items) == 0 {
		return nil, fmt.Errorf("fit metadata: no items")
	}
	d := len(items[0].Target)
	m := &Map{Features: f, Dim: d, Mean: make([]float32, d), Weights: make([]float32, len(f.Rarity)*d)}
	trust := 0.
	mean := make([]float64, d)
	for i := range items {
		trust += items[i].Trust
		for j, y := range items[i].Target {
			mean[j] += items[i].Trust * float64(y)
		}
	}
	for j := range mean {
		m.Mean[j] = float32(mean[j] / max(trust, 1e-9))
	}
	var wg sync.WaitGroup
	free := make(chan struct{}, max(1, workers))
	for from := 0; from < d; from += lane {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			m.solve(ctx, items, lambda, from, min(d, from+lane))
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("fit metadata: %w", context.Cause(ctx))
	}
	return m, nil
}

// Steps of the conjugate gradients end after iterations, or when what is left is
// a part of the beginning.
const (
	iterations = 40
	closeBy    = 1e-8
)

// solve solves (XᵀCX + λI)·w = XᵀC(y - mean) for the dimensions from…to-1.
func (m *Map) solve(ctx context.Context, items []Item, lambda float64, from, to int) {
	k := to - from
	n := len(m.Rarity) * k
	w, r, p, ap := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range items {
		item := &items[i]
		for at, b := range item.Features.At {
			x := float64(item.Features.Values[at]) * item.Trust
			for j := range k {
				r[int(b)*k+j] += x * float64(item.Target[from+j]-m.Mean[from+j])
			}
		}
	}
	copy(p, r)
	rr := squares(r, k)
	first := append([]float64(nil), rr...)
	for range iterations {
		if ctx.Err() != nil {
			return
		}
		product(ap, p, items, lambda, k)
		if !step(w, r, p, ap, rr, first, k) {
			break
		}
	}
	for b := range m.Rarity {
		for j := range k {
			m.Weights[b*m.Dim+from+j] = float32(w[b*k+j])
		}
	}
}

// step goes one step in each of k dimensions, and says whether any has a way to go.
func step(w, r, p, ap, rr, first []float64, k int) (more bool) {
	pap := make([]float64, k)
	for i := range p {
		pap[i%k] += p[i] * ap[i]
	}
	alpha := make([]float64, k)
	for j := range k {
		if rr[j] > closeBy*first[j] && pap[j] > 0 {
			alpha[j], more = rr[j]/pap[j], true
		}
	}
	for i := range w {
		w[i] += alpha[i%k] * p[i]
		r[i] -= alpha[i%k] * ap[i]
	}
	next := squares(r, k)
	for i := range p {
		if j := i % k; alpha[j] > 0 {
			p[i] = r[i] + next[j]/rr[j]*p[i]
		}
	}
	copy(rr, next)
	return more
}

// squares gives the sum of squares of each of k dimensions.
func squares(x []float64, k int) []float64 {
	out := make([]float64, k)
	for i, v := range x {
		out[i%k] += v * v
	}
	return out
}

// product gives ap = XᵀCX·p + λ·p.
func product(ap, p []float64, items []Item, lambda float64, k int) {
	for i := range p {
		ap[i] = lambda * p[i]
	}
	row := make([]float64, k)
	for i := range items {
		item := &items[i]
		clear(row)
		for at, b := range item.Features.At {
			x := float64(item.Features.Values[at])
			for j, v := range p[int(b)*k : int(b+1)*k] {
				row[j] += x * v
			}
		}
		for at, b := range item.Features.At {
			x := float64(item.Features.Values[at]) * item.Trust
			for j, v := range row {
				ap[int(b)*k+j] += x * v
			}
		}
	}
}

// Trust is how far a vector that was learnt from some events can be trusted.
func Trust(events float64) float64 { return events / (events + 10) }

// Blend moves a vector towards what its item's metadata say of it, the more the
// fewer events it was learnt from: as if strength events had said it.
func Blend(vector, said []float32, events, strength float64) {
	if strength <= 0 {
		return
	}
	g := float32(strength / (strength + math.Max(0, events)))
	for j := range vector {
		vector[j] += g * (said[j] - vector[j])
	}
}
