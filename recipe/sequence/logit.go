package sequence

import (
	"fmt"
	"math"
)

// Weights are those of a conditional logit (McFadden 1974) over each question's
// candidates, found by Newton's method.

// newtonSteps is more than Newton's method needs.
const newtonSteps = 12

// networkLeast is the least that the network counts. Where it says nothing it is held
// there, so that answers still tell items apart that nothing else does.
const networkLeast = .05

// weigh fits the weights of the features that may be used, and leaves out those
// that do not matter. A rule whose weight is negative corrects another by noise:
// it is left out first.
func weigh(es []example, may [featureCount]bool) (weights, error) {
	return networkAlone().weigh(es, may)
}

func (b belief) weigh(es []example, may [featureCount]bool) (weights, error) {
	for {
		w, h, err := b.newton(es, may)
		if err != nil {
			return prior(), err
		}
		if may[netFeature] && w[netFeature] < networkLeast {
			may[netFeature], b.mean[netFeature] = false, networkLeast
			continue
		}
		worst, least := -1, 2*b.leastGain
		for k := range featureCount {
			if !may[k] || k == netFeature {
				continue
			}
			gain := w[k] * w[k] / h[k] // Wald's estimate of twice the likelihood
			if (isRule(k) || k == similar) && w[k] < 0 {
				gain = -gain
			}
			if gain < least {
				worst, least = k, gain
			}
		}
		if worst < 0 {
			return w, nil
		}
		may[worst], b.mean[worst] = false, 0
	}
}

// newton gives the most likely weights and their variances.
func (b belief) newton(es []example, may [featureCount]bool) (w, variance weights, err error) {
	w = b.mean
	for range newtonSteps {
		g, h := slope(es, w)
		var step weights
		for k := range featureCount {
			g[k] -= b.strength * (w[k] - b.mean[k])
			h[k][k] += b.strength
		}
		for k := range featureCount {
			if !may[k] {
				g[k] = 0
				for l := range featureCount {
					h[k][l], h[l][k] = 0, 0
				}
				h[k][k] = 1
			}
		}
		inv, ok := inverted(h)
		if !ok {
			return w, variance, fmt.Errorf("weigh counters: the equations cannot be solved")
		}
		most := 0.
		for k := range featureCount {
			for l := range featureCount {
				step[k] += inv[k][l] * g[l]
			}
			most = max(most, math.Abs(step[k]))
			variance[k] = inv[k][k]
		}
		for k := range featureCount {
			w[k] += step[k] / max(1, most)
		}
		if most < 1e-4 {
			break
		}
	}
	return w, variance, nil
}

type square [featureCount][featureCount]float64

// slope gives gradient and negative Hessian of the log likelihood.
func slope(es []example, w weights) (g weights, h square) {
	var p []float64
	for i := range es {
		e := &es[i]
		if e.target < 0 {
			continue
		}
		p = e.probabilities(p, w)
		var mean weights
		for j, x := range p {
			if x < 1e-7 {
				continue
			}
			f := e.row(j)
			for k := range featureCount {
				y := e.weight * x * float64(f[k])
				mean[k] += y
				if y != 0 {
					for l := range k + 1 {
						h[k][l] += y * float64(f[l])
					}
				}
			}
		}
		for k := range featureCount {
			g[k] += e.weight*float64(e.row(e.target)[k]) - mean[k]
			for l := range k + 1 {
				if e.weight > 0 {
					h[k][l] -= mean[k] * mean[l] / e.weight
				}
			}
		}
	}
	for k := range featureCount {
		for l := range k {
			h[l][k] = h[k][l]
		}
	}
	return g, h
}

// probabilities gives the softmax of the candidates' scores.
func (e *example) probabilities(p []float64, w weights) []float64 {
	p = p[:0]
	top := math.Inf(-1)
	for j := range e.candidates() {
		p = append(p, w.of(e.row(j)))
		top = max(top, p[j])
	}
	sum := 0.
	for j, x := range p {
		p[j] = math.Exp(x - top)
		sum += p[j]
	}
	for j := range p {
		p[j] /= sum
	}
	return p
}

// logLikelihood sums the logs of the probabilities that weights give to what was
// looked for, where it is among the candidates.
func logLikelihood(es []example, w weights) (sum float64) {
	var p []float64
	for i := range es {
		if e := &es[i]; e.target >= 0 {
			p = e.probabilities(p, w)
			sum += e.weight * math.Log(max(math.SmallestNonzeroFloat64, p[e.target]))
		}
	}
	return sum
}

func (w *weights) of(f []float32) (s float64) {
	for k, x := range f[:featureCount] {
		s += w[k] * float64(x)
	}
	return s
}

// inverted inverts a positive definite matrix by Gauss-Jordan elimination.
func inverted(a square) (inv square, ok bool) {
	for k := range featureCount {
		inv[k][k] = 1
	}
	for k := range featureCount {
		if !(a[k][k] > 1e-12) || math.IsInf(a[k][k], 0) {
			return inv, false
		}
		f := 1 / a[k][k]
		for l := range featureCount {
			a[k][l] *= f
			inv[k][l] *= f
		}
		for r := range featureCount {
			if r == k || a[r][k] == 0 {
				continue
			}
			f := a[r][k]
			for l := range featureCount {
				a[r][l] -= f * a[k][l]
				inv[r][l] -= f * inv[k][l]
			}
		}
	}
	return inv, true
}
