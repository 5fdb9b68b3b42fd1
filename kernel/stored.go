package kernel

import "fmt"

// Stored is what a Quantised consists of, for files. The slices are the matrix's
// own: nobody may write to them.
type Stored struct {
	Bytes  []byte     // panels of 16 rows: for each four columns the rows' elements, 128 stands for 0
	Scale  []float32  // of each row, panels filled up
	Bounds [2]float64 // the length of the longest row; the largest distance of a row from what is stored of it
}

// Stored takes the matrix apart.
func (x *Quantised) Stored() Stored {
	return Stored{x.bytes, x.scale, [2]float64{x.longest, x.off}}
}

// StoredSizes gives how many bytes and scales a matrix (rows,dim) is stored in.
func StoredSizes(rows, dim int64) (bytes, scales int64) {
	panels := (rows + panelRows - 1) / panelRows
	return panels * panelRows * 4 * groupsOf(dim), panels * panelRows
}

// Quantised is the inverse of Quantised.Stored: a matrix (rows,dim) that lies in
// the slices.
func (s Stored) Quantised(rows, dim int) (*Quantised, error) {
	q := &Quantised{rows: rows, dim: dim, groups: groupsOf(dim), bytes: s.Bytes, scale: s.Scale, longest: s.Bounds[0], off: s.Bounds[1]}
	bytes, scales := StoredSizes(int64(rows), int64(dim))
	if rows < 1 || dim < 1 || int64(len(s.Scale)) != scales || int64(len(s.Bytes)) != bytes {
		return nil, fmt.Errorf("restore quantised matrix: %d bytes and %d scales are no matrix of %d rows of %d", len(s.Bytes), len(s.Scale), rows, dim)
	}
	return q, nil
}
