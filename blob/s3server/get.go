package s3server

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// overrides are headers of an answer that a presigned URL may set.
var overrides = map[string]string{
	"response-content-type":        "Content-Type",
	"response-content-language":    "Content-Language",
	"response-expires":             "Expires",
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
}

// getObject answers GET and HEAD.
func (c *call) getObject() error {
	f, rec, err := c.bucket.open(c.key)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	c.objectHeaders(&rec)
	if err := c.readConditions(c.r.Header, "", &rec); err != nil {
		return err
	}
	span, err := c.span(&rec)
	if err != nil {
		return err
	}
	h := c.w.Header()
	if c.r.Method == http.MethodGet {
		for from, to := range overrides {
			if v := c.query.Get(from); v != "" {
				h.Set(to, v)
			}
		}
	}
	h.Set("Content-Length", strconv.FormatInt(span.length, 10))
	status := http.StatusOK
	if span.partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", span.from, span.from+span.length-1, rec.Size))
	} else if strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		checksumHeaders(h, rec.Checksum)
	}
	c.sent = true
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	return c.stream(f, span)
}

// stream sends a stretch of the file. A file that became shorter meanwhile ends
// the connection: the length was promised.
func (c *call) stream(f *os.File, s span) error {
	if _, err := f.Seek(s.from, io.SeekStart); err != nil {
		return err
	}
	buf := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(buf)
	n, err := io.CopyBuffer(c.w, &io.LimitedReader{R: f, N: s.length}, buf[:])
	if err == nil && n < s.length {
		return io.ErrUnexpectedEOF
	}
	return nil // a client that has left is no error of ours
}

// keptHeaders are those of a PUT that come back with the object.
var keptHeaders = []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition", "Cache-Control", "Expires", "X-Amz-Website-Redirect-Location"}

const metaPrefix = "x-amz-meta-"

// objectHeaders sets the headers that speak of the object.
func (c *call) objectHeaders(rec *record) {
	h := c.w.Header()
	for name, value := range rec.Headers {
		if strings.HasPrefix(name, metaPrefix) {
			h[name] = []string{value} // as it is: programs read the names in lower case
		} else {
			h.Set(name, value)
		}
	}
	h.Set("ETag", quote(rec.ETag))
	h.Set("Last-Modified", rec.modTime().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if rec.Tags != "" {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(strings.Count(rec.Tags, "&")+1))
	}
	if c.query.Get("partNumber") != "" && len(rec.Parts) > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(rec.Parts)))
	}
}

func checksumHeaders(h http.Header, sum checksum) {
	if sum.Value != "" {
		h.Set(checksumHeader(sum.Algorithm), sum.Value)
		h.Set("X-Amz-Checksum-Type", sum.Type)
	}
}

// matches tells whether a list of ETags in a condition holds this one.
func matches(list, etag string) bool {
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
		if item == "*" || strings.Trim(item, `"`) == etag {
			return true
		}
	}
	return false
}

// readConditions holds the conditions of a read against the object. prefix is
// "X-Amz-Copy-Source-" for the source of a copy.
func (c *call) readConditions(h http.Header, prefix string, rec *record) error {
	modified := rec.modTime().Truncate(time.Second)
	since := func(name string) (time.Time, bool) {
		t, err := http.ParseTime(h.Get(prefix + name))
		return t, err == nil
	}
	failed := error(errNotModified)
	if prefix != "" {
		failed = errPrecondition
	}
	if list := h.Get(prefix + "If-Match"); list != "" {
		if !matches(list, rec.ETag) {
			return errPrecondition
		}
	} else if t, ok := since("If-Unmodified-Since"); ok && modified.After(t) {
		return errPrecondition
	}
	if list := h.Get(prefix + "If-None-Match"); list != "" {
		if matches(list, rec.ETag) {
			return failed
		}
	} else if t, ok := since("If-Modified-Since"); ok && !modified.After(t) {
		return failed
	}
	return nil
}

// span is a stretch of an object.
type span struct {
	from, length int64
	partial      bool
}

// span finds the stretch that is asked for: a range, a part, or all.
func (c *call) span(rec *record) (span, error) {
	all := span{0, rec.Size, false}
	if text := c.query.Get("partNumber"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxParts {
			return all, invalidArgument("Part number must be an integer between 1 and %d, inclusive: %q.", maxParts, clip(text))
		}
		parts := rec.Parts
		if len(parts) == 0 {
			parts = []int64{rec.Size}
		}
		if n > len(parts) {
			return all, faultf("InvalidPartNumber", http.StatusRequestedRangeNotSatisfiable, "The requested partnumber is not satisfiable: the object has %d.", len(parts))
		}
		s := span{length: parts[n-1], partial: rec.Size > 0}
		for _, size := range parts[:n-1] {
			s.from += size
		}
		return s, nil
	}
	s, ok := parseRange(c.r.Header.Get("Range"), rec.Size)
	if !ok {
		c.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", rec.Size))
		return all, faultf("InvalidRange", http.StatusRequestedRangeNotSatisfiable, "The requested range is not satisfiable: %s of %d bytes.", clip(c.r.Header.Get("Range")), rec.Size)
	}
	return s, nil
}

// parseRange reads a Range header; false if no byte of the object lies in it.
// What is no single range of bytes is passed over, as HTTP has it.
func parseRange(text string, size int64) (span, bool) {
	all := span{0, size, false}
	text, ok := strings.CutPrefix(text, "bytes=")
	if !ok {
		return all, true
	}
	first, last, ok := strings.Cut(text, "-")
	if !ok {
		return all, true
	}
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	number := func(s string) (int64, bool) {
		if strings.Trim(s, "0123456789") != "" || s == "" {
			return 0, false
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil { // more than there can be
			n = 1<<63 - 1
		}
		return n, true
	}
	if first == "" {
		n, ok := number(last)
		if !ok {
			return all, true
		}
		n = min(n, size)
		return span{size - n, n, true}, n > 0
	}
	from, ok := number(first)
	if !ok {
		return all, true
	}
	to := size - 1
	if last != "" {
		if to, ok = number(last); !ok || to < from {
			return all, true
		}
	}
	if from >= size {
		return all, false
	}
	return span{from, min(to, size-1) - from + 1, true}, true
}

type attributeParts struct {
	TotalPartsCount int
}

// getAttributes answers GetObjectAttributes.
func (c *call) getAttributes() error {
	f, rec, err := c.bucket.open(c.key)
	if err != nil {
		return err
	}
	_ = f.Close()
	asked := strings.Split(strings.ReplaceAll(strings.Join(c.r.Header.Values("X-Amz-Object-Attributes"), ","), " ", ""), ",")
	out := struct {
		XMLName      xml.Name        `xml:"GetObjectAttributesResponse"`
		Namespace    string          `xml:"xmlns,attr"`
		ETag         string          `xml:",omitempty"`
		Checksum     *checksumXML    `xml:",omitempty"`
		ObjectParts  *attributeParts `xml:",omitempty"`
		StorageClass string          `xml:",omitempty"`
		ObjectSize   *int64
	}{Namespace: namespace}
	for _, name := range asked {
		switch name {
		case "ETag":
			out.ETag = rec.ETag
		case "Checksum":
			out.Checksum = checksumElements(rec.Checksum)
		case "ObjectParts":
			if len(rec.Parts) > 0 {
				out.ObjectParts = &attributeParts{len(rec.Parts)}
			}
		case "StorageClass":
			out.StorageClass = "STANDARD"
		case "ObjectSize":
			out.ObjectSize = &rec.Size
		default:
			return invalidArgument("Invalid attribute name specified: %q.", clip(name))
		}
	}
	c.w.Header().Set("Last-Modified", rec.modTime().Format(http.TimeFormat))
	return c.xml(http.StatusOK, out)
}

// checksumXML is a checksum in a document: one element named by its algorithm.
type checksumXML struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumSHA512    string `xml:",omitempty"`
	ChecksumMD5       string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func (x *checksumXML) field(algorithm string) *string {
	return map[string]*string{"CRC32": &x.ChecksumCRC32, "CRC32C": &x.ChecksumCRC32C, "CRC64NVME": &x.ChecksumCRC64NVME,
		"SHA1": &x.ChecksumSHA1, "SHA256": &x.ChecksumSHA256, "SHA512": &x.ChecksumSHA512, "MD5": &x.ChecksumMD5}[algorithm]
}

func checksumElements(sum checksum) *checksumXML {
	if sum.Value == "" {
		return nil
	}
	x := &checksumXML{ChecksumType: sum.Type}
	*x.field(sum.Algorithm) = sum.Value
	return x
}

// sent gives the one checksum that a document holds.
func (x *checksumXML) sent() (algorithm, value string) {
	for a := range algorithms {
		if v := *x.field(a); v != "" {
			return a, v
		}
	}
	return "", ""
}

// headersOf reads what a PUT says of the object to be.
func headersOf(h http.Header) (map[string]string, error) {
	out := map[string]string{"Content-Type": "binary/octet-stream"}
	size := 0
	for name, values := range h {
		lower := strings.ToLower(name)
		value := strings.Join(values, ",")
		switch {
		case strings.HasPrefix(lower, metaPrefix):
			out[lower] = value
			size += len(lower) - len(metaPrefix) + len(value)
		case lower == "content-encoding":
			var kept []string
			for item := range strings.SplitSeq(value, ",") {
				if item = strings.TrimSpace(item); item != "" && !strings.EqualFold(item, "aws-chunked") {
					kept = append(kept, item)
				}
			}
			if len(kept) > 0 {
				out[name] = strings.Join(kept, ",")
			}
		case slices.Contains(keptHeaders, name) && value != "":
			out[name] = value
		}
	}
	if size > 2048 {
		return nil, faultf("MetadataTooLarge", http.StatusBadRequest, "Your metadata headers exceed the maximum allowed metadata size: %d bytes of at most 2048.", size)
	}
	return out, nil
}
