//go:build unix

package store

import (
	"fmt"
	"os"
	"syscall"
)

// lock takes the data folder for this process; the system gives it back when
// the process ends, however it ends.
func lock(name string) (unlock func() error, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another usher is using it: %w", err)
	}
	return f.Close, nil
}
