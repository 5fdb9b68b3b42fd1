package s3server

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// crc64NVME is the polynomial of NVMe, bits reversed, as hash/crc64 wants it.
var crc64NVME = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// algorithms are S3's additional checksums that usher computes.
var algorithms = map[string]func() hash.Hash{
	"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C":    func() hash.Hash { return crc32.New(castagnoli) },
	"CRC64NVME": func() hash.Hash { return crc64.New(crc64NVME) },
	"SHA1":      sha1.New,
	"SHA256":    sha256.New,
	"SHA512":    sha512.New,
	"MD5":       md5.New,
}

const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

// algorithm checks the name of an algorithm; none is "".
func algorithm(name string) (string, error) {
	name = strings.ToUpper(name)
	if name != "" && algorithms[name] == nil {
		return "", faultf("InvalidRequest", http.StatusBadRequest,
			"The checksum algorithm %q is none that usher computes: use CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512 or MD5.", clip(name))
	}
	return name, nil
}

// checksumHeader names the header whose value is a checksum of that algorithm.
func checksumHeader(algorithm string) string { return "X-Amz-Checksum-" + algorithm }

// sentChecksum finds the additional checksum in the headers of a request.
func sentChecksum(h http.Header) (algorithm, value string, err error) {
	for a := range algorithms {
		if v := h.Get(checksumHeader(a)); v != "" {
			if algorithm != "" {
				return "", "", faultf("InvalidRequest", http.StatusBadRequest, "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.")
			}
			algorithm, value = a, v
		}
	}
	if algorithm != "" {
		return algorithm, value, checkSum(algorithm, value)
	}
	return "", "", nil
}

// checkSum tells whether a value can be a checksum of that algorithm.
func checkSum(algorithm, value string) error {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(raw) != algorithms[algorithm]().Size() {
		return faultf("InvalidRequest", http.StatusBadRequest, "Value for x-amz-checksum-%s header is invalid: %q is not the base64 of %d bytes.",
			strings.ToLower(algorithm), clip(value), algorithms[algorithm]().Size())
	}
	return nil
}

func badDigest(algorithm, sent, computed string) error {
	return faultf("BadDigest", http.StatusBadRequest, "The %s you specified did not match the calculated checksum: you sent %s, the body that arrived has %s.", algorithm, sent, computed)
}

// compose gives the checksum of checksums of a multipart upload.
func compose(algorithm string, parts []part) (checksum, error) {
	sum := algorithms[algorithm]()
	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.checksum)
		if err != nil || p.algorithm != algorithm {
			return checksum{}, faultf("InvalidRequest", http.StatusBadRequest, "Part %d has no %s checksum.", p.number, algorithm)
		}
		sum.Write(raw)
	}
	return checksum{algorithm, fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(sum.Sum(nil)), len(parts)), composite}, nil
}
