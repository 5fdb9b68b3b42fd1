package kernel

import (
	"encoding/binary"
	"unsafe"
)

// number is what View and Bytes know.
type number interface{ float32 | uint32 }

// numberBytes is the size of a number.
const numberBytes = 4

// littleEndian says whether numbers lie in this machine's memory as in files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// View gives the numbers that lie in b, little-endian, in place: nothing is
// copied, so b must stay what and where it is. Where that cannot be – b does not
// begin at a multiple of four, or the machine is big-endian –, it gives a copy.
// Bytes behind the last whole number are left out.
func View[T number](b []byte) []T {
	n := len(b) / numberBytes
	if n == 0 {
		return []T{}
	}
	if at := unsafe.Pointer(unsafe.SliceData(b)); littleEndian && uintptr(at)%numberBytes == 0 {
		return unsafe.Slice((*T)(at), n)
	}
	return plainView[T](b)
}

// plainView is View's twin, which always copies.
func plainView[T number](b []byte) []T {
	out := make([]T, len(b)/numberBytes)
	for i := range out {
		bits := binary.LittleEndian.Uint32(b[i*numberBytes:])
		out[i] = *(*T)(unsafe.Pointer(&bits))
	}
	return out
}

// Bytes gives numbers as they lie in files, little-endian: in place, or a copy on
// big-endian machines. Nobody may write to it.
func Bytes[T number](x []T) []byte {
	if littleEndian && len(x) > 0 {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*numberBytes)
	}
	return plainBytes(x)
}

// plainBytes is the twin of Bytes, which always copies.
func plainBytes[T number](x []T) []byte {
	out := make([]byte, 0, len(x)*numberBytes)
	for i := range x {
		out = binary.LittleEndian.AppendUint32(out, *(*uint32)(unsafe.Pointer(&x[i])))
	}
	return out
}
