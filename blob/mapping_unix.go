//go:build unix

package blob

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

// unmap cannot fail but for bytes that are no mapping.
func unmap(data []byte) { _ = unix.Munmap(data) }
