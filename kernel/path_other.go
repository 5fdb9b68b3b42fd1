//go:build !amd64 && !arm64

package kernel

// native lists the paths in assembly that this machine can use.
func native() []path { return nil }
