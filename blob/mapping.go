package blob

import (
	"errors"
	"fmt"
	"runtime"
)

// Mapping is a blob in memory without having been read: the system reads a page
// when it is touched, keeps it as long as there is room, and shares it with all
// who map the same blob. It takes no memory of the program's own. Since a blob
// never changes (I3), neither does a Mapping.
//
// It ends when nobody can reach it any more, and with it the bytes that it gave:
// who keeps them keeps the Mapping too, and says runtime.KeepAlive behind the last
// use of a slice. The Reader may be closed and the blob deleted before.
//
// Damage of the file in the meantime is not noticed, and a page that the disk
// cannot give any more ends the program, as a broken memory would
// (docs/decisions/0016-mapped-models.md).
type Mapping struct{ data []byte }

// Bytes is the blob. Nobody may write to it: that would end the program.
func (m *Mapping) Bytes() []byte { return m.data }

// Mapper is a Reader whose blob can be mapped.
type Mapper interface {
	Reader
	// Map gives an error that wraps errors.ErrUnsupported where the system has no
	// mappings, or none of which the file can be deleted; the blob can be read then.
	Map() (*Mapping, error)
}

// Map implements Mapper.
func (f *file) Map() (*Mapping, error) {
	if f.size == 0 || int64(int(f.size)) != f.size {
		return nil, fmt.Errorf("map blob: a file of %d bytes: %w", f.size, errors.ErrUnsupported)
	}
	data, err := mapFile(f.File, int(f.size))
	if err != nil {
		return nil, fmt.Errorf("map blob: %w", err)
	}
	m := &Mapping{data}
	runtime.AddCleanup(m, unmap, data)
	return m, nil
}
