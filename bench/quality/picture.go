package quality

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"usher/evaluate"
	"usher/recipe"
)

// pictures is where the training curves are, in a checkout.
const pictures = "docs/pictures"

// The size of a picture and of the border around its curves.
const (
	wide, high             = 480, 260
	left, right, top, foot = 60, 20, 30, 40
)

// draw writes the training curves of a set, one for each seed, as an SVG. It gives
// the name of the file; "" when there are no curves.
func (b *bench) draw(s *set, reports []evaluate.Report) (string, error) {
	var curves [][]recipe.CurvePoint
	for _, r := range reports {
		for _, row := range r.Rows {
			if len(row.Curve) > 1 {
				curves = append(curves, row.Curve)
			}
		}
	}
	if len(curves) == 0 {
		return "", nil
	}
	dir := filepath.Join(b.Dir, pictures)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name := "training-" + s.name + ".svg"
	return name, os.WriteFile(filepath.Join(dir, name), picture(s.name, curves), 0o644)
}

// picture draws curves over epochs. The axis of NDCG begins at nothing, so that a
// small difference looks small.
func picture(title string, curves [][]recipe.CurvePoint) []byte {
	epochs, most := 1, 0.
	for _, c := range curves {
		for _, p := range c {
			epochs, most = max(epochs, p.Epoch), max(most, p.NDCG)
		}
	}
	step := tick(most)
	most = step * (1 + float64(int(most/step)))
	x := func(epoch int) float64 { return left + float64(epoch)/float64(epochs)*(wide-left-right) }
	y := func(ndcg float64) float64 { return high - foot - ndcg/most*(high-top-foot) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`+"\n", wide, high)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", wide, high)
	fmt.Fprintf(&b, `<text x="%d" y="18">%s: NDCG@10 on the validation part, by epoch</text>`+"\n", left, title)
	for v := 0.; v <= most+step/2; v += step {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.2f</text>`+"\n", left, y(v), wide-right, left-6, y(v)+4, v)
	}
	for e := 0; e <= epochs; e += max(1, (epochs+4)/5) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(e), high-foot+18, e)
	}
	colours := []string{"#1f5fa8", "#c0562b", "#3d8c4f", "#7b4ea3", "#8a6d1d"}
	for i, c := range curves {
		colour := colours[i%len(colours)]
		fmt.Fprintf(&b, `<path fill="none" stroke="%s" stroke-width="1.5" d="`, colour)
		for k, p := range c {
			fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(k, 1)], x(p.Epoch), y(p.NDCG))
		}
		fmt.Fprint(&b, "\"/>")
		for _, p := range c {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="2" fill="%s"/>`, x(p.Epoch), y(p.NDCG), colour)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintln(&b, "</svg>")
	return b.Bytes()
}

// tick is a round distance of lines, so that there are two to eight.
func tick(most float64) float64 {
	for _, t := range []float64{.01, .02, .05, .1} {
		if most/t <= 8 {
			return t
		}
	}
	return .2
}
