//go:build !unix

package blob

import (
	"errors"
	"os"
)

// mapFile does nothing: Windows deletes no file that is mapped, and blobs are
// deleted while models of them answer.
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) {}
