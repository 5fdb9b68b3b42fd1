package s3server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"syscall"
)

// fault is an error as S3 tells it.
type fault struct {
	code   string
	status int
	text   string
}

func (f *fault) Error() string { return f.code + ": " + f.text }

// Is lets callers of the Store ask for fs.ErrNotExist and fs.ErrInvalid.
func (f *fault) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return f.code == "NoSuchBucket" || f.code == "NoSuchKey"
	case fs.ErrInvalid:
		return f.code == "InvalidBucketName" || f.code == "KeyTooLongError" || f.code == "InvalidURI"
	}
	return false
}

func faultf(code string, status int, format string, args ...any) *fault {
	return &fault{code, status, fmt.Sprintf(format, args...)}
}

func invalidArgument(format string, args ...any) *fault {
	return faultf("InvalidArgument", http.StatusBadRequest, format, args...)
}

func malformedXML(format string, args ...any) *fault {
	return faultf("MalformedXML", http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema: "+format, args...)
}

func notImplemented(format string, args ...any) *fault {
	return faultf("NotImplemented", http.StatusNotImplemented, format, args...)
}

func noSuchBucket(name string) *fault {
	return faultf("NoSuchBucket", http.StatusNotFound, "The specified bucket does not exist: %s. Create it with CreateBucket or aws s3 mb s3://%s.", name, name)
}

func noSuchKey(bucket, key string) *fault {
	return faultf("NoSuchKey", http.StatusNotFound, "The specified key does not exist: %q in bucket %s.", key, bucket)
}

var (
	errPrecondition = &fault{"PreconditionFailed", http.StatusPreconditionFailed, "At least one of the pre-conditions you specified did not hold"}
	errNotModified  = &fault{"NotModified", http.StatusNotModified, "Not Modified"}
	errIncomplete   = &fault{"IncompleteBody", http.StatusBadRequest, "You did not provide the number of bytes specified by the Content-Length or x-amz-decoded-content-length HTTP header; the body ended early or went on too long."}
)

// asFault gives any error the form of S3, and whether it is our fault and to be
// logged.
func asFault(err error) (f *fault, ours bool) {
	if errors.As(err, &f) {
		return f, false
	}
	// An error of whoever checked the signature, read from the body.
	var signed interface {
		ErrorCode() string
		ErrorMessage() string
		HTTPStatus() int
	}
	if errors.As(err, &signed) {
		return &fault{signed.ErrorCode(), signed.HTTPStatus(), signed.ErrorMessage()}, false
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errIncomplete, false
	case errors.As(err, &tooLarge):
		return faultf("EntityTooLarge", http.StatusRequestEntityTooLarge, "The body is larger than %d bytes.", tooLarge.Limit), false
	case errors.Is(err, syscall.ENOSPC):
		return &fault{"InsufficientStorage", http.StatusInsufficientStorage, "The disk of the buckets is full. Free space, then try again."}, true
	case errors.Is(err, syscall.EXDEV):
		return &fault{"AccessDenied", http.StatusForbidden, "The bucket's folder lies on another disk than usher's folder of buckets, so nothing can be put into it at once. Move it onto the same disk."}, true
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return &fault{"AccessDenied", http.StatusForbidden, "usher may not write to its folder of buckets, or not read this file in it. Check the permissions of the folder."}, true
	}
	return &fault{"InternalError", http.StatusInternalServerError, "We encountered an internal error. Please try again."}, true
}

// bodyError marks errors of reading a request's body, which are the client's
// or the network's, so that they are not taken for errors of our disk.
type bodyError struct{ io.Reader }

func (b bodyError) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if f, ours := asFault(err); !ours {
		return n, f
	}
	return n, faultf("IncompleteBody", http.StatusBadRequest, "The request body could not be read to its end: %v", err)
}
