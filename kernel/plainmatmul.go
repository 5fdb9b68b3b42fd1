package kernel

// plainMatMul is C = A·B for operands of any strides: each element is the sum
// over k in order. Tiles of 4×4 keep the sums in registers.
func plainMatMul(c []float32, ldc int, a, b operand, m, n, k int, add bool) {
	for i := 0; i < m; i += 4 {
		for j := 0; j < n; j += 4 {
			if i+4 <= m && j+4 <= n {
				plainTile(c[i*ldc+j:], ldc, operand{a.x[i*a.row:], a.row, a.col}, operand{b.x[j*b.col:], b.row, b.col}, k, add)
				continue
			}
			for r := i; r < min(m, i+4); r++ {
				for s := j; s < min(n, j+4); s++ {
					var sum float32
					for p := range k {
						sum += float32(a.x[r*a.row+p*a.col] * b.x[p*b.row+s*b.col])
					}
					if add {
						sum += c[r*ldc+s]
					}
					c[r*ldc+s] = sum
				}
			}
		}
	}
}

// plainTile does a tile of 4×4.
func plainTile(c []float32, ldc int, a, b operand, k int, add bool) {
	var s [4][4]float32
	for half := 0; half < 4; half += 2 { // eight sums at a time are in registers
		var s00, s01, s02, s03, s10, s11, s12, s13 float32
		at, row := half*a.row, a.row
		bt, col := 0, b.col
		for range k {
			b0, b1, b2, b3 := b.x[bt], b.x[bt+col], b.x[bt+2*col], b.x[bt+3*col]
			x := a.x[at]
			s00 += float32(x * b0)
			s01 += float32(x * b1)
			s02 += float32(x * b2)
			s03 += float32(x * b3)
			x = a.x[at+row]
			s10 += float32(x * b0)
			s11 += float32(x * b1)
			s12 += float32(x * b2)
			s13 += float32(x * b3)
			at += a.col
			bt += b.row
		}
		s[half] = [4]float32{s00, s01, s02, s03}
		s[half+1] = [4]float32{s10, s11, s12, s13}
	}
	for i := range s {
		row := c[i*ldc : i*ldc+4]
		for j, v := range s[i] {
			if add {
				v += row[j]
			}
			row[j] = v
		}
	}
}
