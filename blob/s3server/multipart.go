package s3server

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

func (c *call) createUpload() error {
	rec, err := c.newRecord()
	if err != nil {
		return err
	}
	u := upload{Key: c.key, Object: rec}
	if u.Algorithm, err = algorithm(c.r.Header.Get("X-Amz-Checksum-Algorithm")); err != nil {
		return err
	}
	if u.Type, err = checksumType(u.Algorithm, c.r.Header.Get("X-Amz-Checksum-Type")); err != nil {
		return err
	}
	id, err := c.bucket.createUpload(u)
	if err != nil {
		return err
	}
	if u.Algorithm != "" {
		c.w.Header().Set("X-Amz-Checksum-Algorithm", u.Algorithm)
		c.w.Header().Set("X-Amz-Checksum-Type", u.Type)
	}
	return c.xml(http.StatusOK, struct {
		XMLName   xml.Name `xml:"InitiateMultipartUploadResult"`
		Namespace string   `xml:"xmlns,attr"`
		Bucket    string
		Key       string
		UploadID  string `xml:"UploadId"`
	}{Namespace: namespace, Bucket: c.name, Key: c.key, UploadID: id})
}

// checksumType checks the type against the algorithm, and gives S3's default.
func checksumType(algorithm, text string) (string, error) {
	crc := strings.HasPrefix(algorithm, "CRC")
	switch {
	case algorithm == "" && text == "":
		return "", nil
	case algorithm == "":
		return "", faultf("InvalidRequest", http.StatusBadRequest, "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case text == "" && algorithm == "CRC64NVME":
		return fullObject, nil
	case text == "":
		return composite, nil
	case text == fullObject && crc, text == composite && algorithm != "CRC64NVME":
		return text, nil
	}
	return "", faultf("InvalidRequest", http.StatusBadRequest, "The %q checksum type cannot be used with the %s checksum algorithm.", clip(text), strings.ToLower(algorithm))
}

func (c *call) partNumber() (int, error) {
	n, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return 0, invalidArgument("Part number must be an integer between 1 and %d, inclusive: %q.", maxParts, clip(c.query.Get("partNumber")))
	}
	return n, nil
}

func (c *call) uploadPart() error {
	n, err := c.partNumber()
	if err != nil {
		return err
	}
	if err := c.refuseForeign(); err != nil {
		return err
	}
	id := c.query.Get("uploadId")
	u, err := c.bucket.upload(c.key, id)
	if err != nil {
		return err
	}
	if c.r.Header.Get("X-Amz-Copy-Source") != "" {
		return c.copyPart(&u, id, n)
	}
	body, err := newBody(c.r, u.Algorithm)
	if err != nil {
		return err
	}
	if u.Algorithm != "" && body.algorithm != u.Algorithm {
		return faultf("InvalidRequest", http.StatusBadRequest, "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s.", strings.ToLower(u.Algorithm), strings.ToLower(body.algorithm))
	}
	p, err := c.receive(id, n, body)
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", quote(p.etag))
	checksumHeaders(c.w.Header(), body.checksum())
	c.w.Header().Del("X-Amz-Checksum-Type") // said of whole objects only
	return c.empty(http.StatusOK)
}

// receive stores a body as a part.
func (c *call) receive(id string, n int, body *body) (part, error) {
	w, err := c.bucket.startPart(c.key, id, n, body.length)
	if err != nil {
		return part{}, err
	}
	defer w.abort()
	size, err := body.copyTo(w)
	if err != nil {
		return part{}, err
	}
	return w.commit(size, body)
}

func (c *call) copyPart(u *upload, id string, n int) error {
	from, key, err := c.source()
	if err != nil {
		return err
	}
	f, rec, err := from.open(key)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := c.readConditions(c.r.Header, "X-Amz-Copy-Source-", &rec); err != nil {
		return err
	}
	s := span{length: rec.Size}
	if text := c.r.Header.Get("X-Amz-Copy-Source-Range"); text != "" {
		var ok bool
		s, ok = parseRange(text, rec.Size)
		// Unlike the range of a GET, this one has to be there whole.
		if !ok || text != fmt.Sprintf("bytes=%d-%d", s.from, s.from+s.length-1) {
			return invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy; %q does not fit an object of %d bytes.", clip(text), rec.Size)
		}
	}
	if _, err := f.Seek(s.from, io.SeekStart); err != nil {
		return err
	}
	return c.slowly(func() (any, error) {
		body := newCopy(f, s.length, u.Algorithm)
		p, err := c.receive(id, n, body)
		if err != nil {
			return nil, err
		}
		return copyResult{xml.Name{Local: "CopyPartResult"}, namespace, xmlTime(p.modTime), quote(p.etag), partChecksum(&p)}, nil
	})
}

func partChecksum(p *part) *checksumXML {
	if p.algorithm == "" {
		return nil
	}
	return checksumElements(checksum{Algorithm: p.algorithm, Value: p.checksum})
}

func (c *call) completeUpload() error {
	var in struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []struct {
			PartNumber int
			ETag       string
			checksumXML
		}
	}
	done := completion{key: c.key, id: c.query.Get("uploadId"), size: -1, allow: c.writeConditions}
	// The checksum header of this call is of the whole object, not of the body.
	var err error
	if done.checksum.Algorithm, done.checksum.Value, err = objectChecksum(c.r.Header); err != nil {
		return err
	}
	if done.checksum.Algorithm != "" {
		c.r.Header.Del(checksumHeader(done.checksum.Algorithm))
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	if text := c.r.Header.Get("X-Amz-Mp-Object-Size"); text != "" {
		if done.size, err = strconv.ParseInt(text, 10, 64); err != nil || done.size < 0 {
			return faultf("InvalidRequest", http.StatusBadRequest, "Value for x-amz-mp-object-size header is invalid: %q.", clip(text))
		}
	}
	for _, p := range in.Part {
		chosen := chosenPart{number: p.PartNumber, etag: strings.Trim(p.ETag, `"`)}
		chosen.algorithm, chosen.checksum = p.sent()
		done.parts = append(done.parts, chosen)
	}
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	return c.slowly(func() (any, error) {
		rec, err := c.bucket.complete(done)
		if err != nil {
			return nil, err
		}
		return struct {
			XMLName   xml.Name `xml:"CompleteMultipartUploadResult"`
			Namespace string   `xml:"xmlns,attr"`
			Location  string
			Bucket    string
			Key       string
			ETag      string
			*checksumXML
		}{Namespace: namespace, Location: scheme + "://" + c.r.Host + c.r.URL.EscapedPath(), Bucket: c.name, Key: c.key, ETag: quote(rec.ETag),
			checksumXML: checksumElements(rec.Checksum)}, nil
	})
}

// objectChecksum reads the checksum of a whole object of parts; that of parts'
// checksums ends in "-N".
func objectChecksum(h http.Header) (algorithm, value string, err error) {
	plain := http.Header{}
	for a := range algorithms {
		if v := h.Get(checksumHeader(a)); v != "" {
			algorithm, value = a, v
			v, _, _ = strings.Cut(v, "-")
			plain.Set(checksumHeader(a), v)
		}
	}
	_, _, err = sentChecksum(plain)
	return algorithm, value, err
}

func (c *call) abortUpload() error {
	if err := c.bucket.abortUpload(c.key, c.query.Get("uploadId")); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

type listedPart struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
	*checksumXML
}

func (c *call) listParts() error {
	id := c.query.Get("uploadId")
	u, err := c.bucket.upload(c.key, id)
	if err != nil {
		return err
	}
	most, err := c.number("max-parts", 1000, 0, 1000)
	if err != nil {
		return err
	}
	marker, err := c.number("part-number-marker", 0, 0, maxParts)
	if err != nil {
		return err
	}
	parts, err := c.bucket.parts(id)
	if err != nil {
		return err
	}
	out := struct {
		XMLName              xml.Name `xml:"ListPartsResult"`
		Namespace            string   `xml:"xmlns,attr"`
		Bucket               string
		Key                  string
		UploadID             string `xml:"UploadId"`
		Initiator            *owner
		Owner                *owner
		StorageClass         string
		PartNumberMarker     int
		NextPartNumberMarker int `xml:",omitempty"`
		MaxParts             int
		IsTruncated          bool
		ChecksumAlgorithm    string       `xml:",omitempty"`
		ChecksumType         string       `xml:",omitempty"`
		Part                 []listedPart // after the marker
	}{Namespace: namespace, Bucket: c.name, Key: c.key, UploadID: id, Initiator: c.s.owner(), Owner: c.s.owner(), StorageClass: "STANDARD",
		PartNumberMarker: marker, MaxParts: most, ChecksumAlgorithm: u.Algorithm, ChecksumType: u.Type}
	for i := range parts {
		p := &parts[i]
		if p.number <= marker {
			continue
		}
		if len(out.Part) >= most {
			out.IsTruncated = true
			break
		}
		out.Part = append(out.Part, listedPart{p.number, xmlTime(p.modTime), quote(p.etag), p.size, partChecksum(p)})
		out.NextPartNumberMarker = p.number
	}
	return c.xml(http.StatusOK, out)
}

type listedUploadXML struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator         *owner
	Owner             *owner
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func (c *call) listUploads() error {
	encode, err := c.encoder()
	if err != nil {
		return err
	}
	most, err := c.number("max-uploads", 1000, 1, 1000)
	if err != nil {
		return err
	}
	q := page{prefix: c.query.Get("prefix"), delimiter: c.query.Get("delimiter")}
	key, id := c.query.Get("key-marker"), c.query.Get("upload-id-marker")
	all, err := c.bucket.listUploads(q.prefix)
	if err != nil {
		return err
	}
	out := struct {
		XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
		Namespace          string   `xml:"xmlns,attr"`
		Bucket             string
		KeyMarker          string
		UploadIDMarker     string `xml:"UploadIdMarker"`
		NextKeyMarker      string `xml:",omitempty"`
		NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
		Prefix             string
		Delimiter          string `xml:",omitempty"`
		EncodingType       string `xml:",omitempty"`
		MaxUploads         int
		IsTruncated        bool
		Upload             []listedUploadXML
		CommonPrefixes     []commonPrefix
	}{Namespace: namespace, Bucket: c.name, KeyMarker: encode(key), UploadIDMarker: id, Prefix: encode(q.prefix), Delimiter: encode(q.delimiter),
		EncodingType: c.query.Get("encoding-type"), MaxUploads: most}
	passed := id == "" // the marked upload, among those of its key
	last := ""
	for _, u := range all {
		common := q.common(u.Key)
		switch {
		case key != "" && (u.Key < key || u.Key == key && passed && id == "" || common != "" && common == key):
			continue
		case key != "" && u.Key == key && !passed:
			passed = u.id == id
			continue
		case common != "" && common == last:
			continue
		case len(out.Upload)+len(out.CommonPrefixes) == most:
			out.IsTruncated = true
			return c.xml(http.StatusOK, out)
		}
		if common != "" {
			last = common
			out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{encode(common)})
			out.NextKeyMarker, out.NextUploadIDMarker = encode(common), ""
			continue
		}
		out.Upload = append(out.Upload, listedUploadXML{encode(u.Key), u.id, c.s.owner(), c.s.owner(), "STANDARD", xmlTime(u.Initiated), u.Algorithm, u.Type})
		out.NextKeyMarker, out.NextUploadIDMarker = encode(u.Key), u.id
	}
	out.NextKeyMarker, out.NextUploadIDMarker = "", ""
	return c.xml(http.StatusOK, out)
}
