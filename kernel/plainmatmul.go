package kernel

// plainMatMul is C = A·B for operands of any strides: each element is the sum
// over k in order. Tiles of two rows and four columns keep the sums in registers.
func plainMatMul(c []float32, ldc int, a, b operand, m, n, k int, add bool) {
	for i := 0; i < m; i += 2 {
		rows := min(2, m-i)
		ai := operand{a.x[i*a.row:], a.row, a.col}
		for j := 0; j < n; j += 4 {
			bj := operand{b.x[j*b.col:], b.row, b.col}
			var sum [2][4]float32
			switch {
			case n-j < 4:
				sum = plainEdge(ai, bj, rows, n-j, k)
			case rows == 2:
				sum = plainTile(ai, bj, k)
			default:
				sum[0] = plainRow(ai, bj, k)
			}
			for r := range rows {
				to := c[(i+r)*ldc+j:]
				for s, v := range sum[r][:min(4, n-j)] {
					if add {
						v += to[s]
					}
					to[s] = v
				}
			}
		}
	}
}

// plainTile gives the sums of two rows and four columns.
func plainTile(a, b operand, k int) [2][4]float32 {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	at, bt := 0, 0
	for range k {
		b0, b1, b2, b3 := b.x[bt], b.x[bt+b.col], b.x[bt+2*b.col], b.x[bt+3*b.col]
		x := a.x[at]
		s00 += float32(x * b0)
		s01 += float32(x * b1)
		s02 += float32(x * b2)
		s03 += float32(x * b3)
		x = a.x[at+a.row]
		s10 += float32(x * b0)
		s11 += float32(x * b1)
		s12 += float32(x * b2)
		s13 += float32(x * b3)
		at += a.col
		bt += b.row
	}
	return [2][4]float32{{s00, s01, s02, s03}, {s10, s11, s12, s13}}
}

// plainRow gives the sums of one row and four columns.
func plainRow(a, b operand, k int) [4]float32 {
	var s0, s1, s2, s3 float32
	at, bt := 0, 0
	for range k {
		x := a.x[at]
		s0 += float32(x * b.x[bt])
		s1 += float32(x * b.x[bt+b.col])
		s2 += float32(x * b.x[bt+2*b.col])
		s3 += float32(x * b.x[bt+3*b.col])
		at += a.col
		bt += b.row
	}
	return [4]float32{s0, s1, s2, s3}
}

// plainEdge gives the sums of a tile that is not full.
func plainEdge(a, b operand, rows, cols, k int) (sum [2][4]float32) {
	for r := range rows {
		for s := range cols {
			for p := range k {
				sum[r][s] += float32(a.x[r*a.row+p*a.col] * b.x[p*b.row+s*b.col])
			}
		}
	}
	return sum
}
