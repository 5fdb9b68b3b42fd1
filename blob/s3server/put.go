package s3server

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"

	"usher/blob/internal/durable"
)

func (c *call) putOrCopy() error {
	if c.r.Header.Get("X-Amz-Copy-Source") != "" {
		return c.copyObject()
	}
	return c.putObject()
}

// refuseForeign refuses keys of the customer's own: what is to be encrypted with
// them must not lie here in the clear.
func (c *call) refuseForeign() error {
	if c.r.Header.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "" {
		return notImplemented("usher does not encrypt with customer-provided keys (SSE-C); leave out x-amz-server-side-encryption-customer-algorithm and encrypt the disk.")
	}
	return nil
}

// newRecord reads what the request says of the object to be.
func (c *call) newRecord() (record, error) {
	if err := c.refuseForeign(); err != nil {
		return record{}, err
	}
	headers, err := headersOf(c.r.Header)
	if err != nil {
		return record{}, err
	}
	tags := c.r.Header.Get("X-Amz-Tagging")
	if _, err := parseTags(tags); err != nil {
		return record{}, err
	}
	return record{Headers: headers, Tags: tags}, nil
}

func (c *call) putObject() error {
	rec, err := c.newRecord()
	if err != nil {
		return err
	}
	if err := c.early(); err != nil {
		return err
	}
	body, err := newBody(c.r, "")
	if err != nil {
		return err
	}
	f, err := c.s.temp.Create()
	if err != nil {
		return err
	}
	defer func() { _ = f.Abort() }()
	if _, err := body.copyTo(f); err != nil {
		return err
	}
	rec.ETag, rec.Checksum = body.etag(), body.checksum()
	if rec, err = c.bucket.put(c.key, f, rec, c.writeConditions); err != nil {
		return err
	}
	c.w.Header().Set("ETag", quote(rec.ETag))
	checksumHeaders(c.w.Header(), rec.Checksum)
	return c.empty(http.StatusOK)
}

// early holds the conditions of a write against the object before the body is
// read; they are asked again when it is put in place.
func (c *call) early() error {
	if c.r.Header.Get("If-Match") == "" && c.r.Header.Get("If-None-Match") == "" {
		return nil
	}
	f, rec, err := c.bucket.open(c.key)
	if err != nil {
		return c.writeConditions(nil)
	}
	_ = f.Close()
	return c.writeConditions(&rec)
}

// writeConditions holds the conditions of a write against the object that is
// there, nil if none.
func (c *call) writeConditions(now *record) error {
	if list := c.r.Header.Get("If-Match"); list != "" {
		if now == nil {
			return noSuchKey(c.name, c.key)
		}
		if !matches(list, now.ETag) {
			return errPrecondition
		}
	}
	if list := c.r.Header.Get("If-None-Match"); list != "" {
		if list != "*" {
			return notImplemented("A header you provided implies functionality that is not implemented: If-None-Match of a write can only be *.")
		}
		if now != nil {
			return errPrecondition
		}
	}
	return nil
}

// source finds the object that is to be copied.
func (c *call) source() (*bucket, string, error) {
	text := c.r.Header.Get("X-Amz-Copy-Source")
	text, version, _ := strings.Cut(text, "?")
	path, err := url.PathUnescape(text)
	if err != nil {
		return nil, "", invalidArgument("Invalid copy source encoding: %q.", clip(text))
	}
	if v, ok := strings.CutPrefix(version, "versionId="); ok && v != "null" {
		return nil, "", faultf("NoSuchVersion", http.StatusNotFound, "The specified version does not exist: %q.", clip(v))
	}
	name, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || key == "" {
		return nil, "", invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey; it is %q.", clip(text))
	}
	b, err := c.s.bucket(name)
	return b, key, err
}

type copyResult struct {
	XMLName      xml.Name
	Namespace    string `xml:"xmlns,attr"`
	LastModified string
	ETag         string
	*checksumXML
}

func (c *call) copyObject() error {
	from, key, err := c.source()
	if err != nil {
		return err
	}
	replace, err := directive(c.r.Header, "X-Amz-Metadata-Directive")
	if err != nil {
		return err
	}
	replaceTags, err := directive(c.r.Header, "X-Amz-Tagging-Directive")
	if err != nil {
		return err
	}
	if from == c.bucket && key == c.key && !replace {
		return faultf("InvalidRequest", http.StatusBadRequest,
			"This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes. Add MetadataDirective REPLACE.")
	}
	rec, err := c.newRecord()
	if err != nil {
		return err
	}
	wanted, err := algorithm(c.r.Header.Get("X-Amz-Checksum-Algorithm"))
	if err != nil {
		return err
	}
	f, old, err := from.open(key)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := c.readConditions(c.r.Header, "X-Amz-Copy-Source-", &old); err != nil {
		return err
	}
	if !replace {
		rec.Headers = old.Headers
	}
	if !replaceTags {
		rec.Tags = old.Tags
	}
	if wanted == "" {
		wanted = old.Checksum.Algorithm
	}
	return c.slowly(func() (any, error) {
		to, err := c.s.temp.Create()
		if err != nil {
			return nil, err
		}
		defer func() { _ = to.Abort() }()
		body := newCopy(f, old.Size, wanted)
		if _, err := body.copyTo(to); err != nil {
			return nil, err
		}
		rec.ETag, rec.Checksum = body.etag(), body.checksum()
		// The conditions If-… of a copy speak of the target, as those of a PUT.
		if rec, err = c.bucket.put(c.key, to, rec, c.writeConditions); err != nil {
			return nil, err
		}
		return copyResult{xml.Name{Local: "CopyObjectResult"}, namespace, xmlObjectTime(&rec), quote(rec.ETag), checksumElements(rec.Checksum)}, nil
	})
}

// newCopy makes a body of a stretch of a file, to be hashed on its way.
func newCopy(from io.Reader, length int64, algorithm string) *body {
	r := http.Request{Body: io.NopCloser(io.LimitReader(from, length)), ContentLength: length}
	b, _ := newBody(&r, algorithm) // without headers there is nothing to refuse
	return b
}

func directive(h http.Header, name string) (replace bool, err error) {
	switch v := h.Get(name); v {
	case "", "COPY":
		return false, nil
	case "REPLACE":
		return true, nil
	default:
		return false, invalidArgument("Unknown directive in %s: %q; there are COPY and REPLACE.", strings.ToLower(name), clip(v))
	}
}

func (c *call) deleteObject() error {
	var allow func(*record) error
	if list := c.r.Header.Get("If-Match"); list != "" {
		allow = func(now *record) error {
			if now == nil || !matches(list, now.ETag) {
				return errPrecondition
			}
			return nil
		}
	}
	if err := c.bucket.delete(c.key, allow); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// maxDeletes is S3's limit of keys in one DeleteObjects.
const maxDeletes = 1000

func (c *call) deleteObjects() error {
	var in struct {
		XMLName xml.Name `xml:"Delete"`
		Quiet   bool
		Object  []struct {
			Key       string
			VersionID string `xml:"VersionId"`
			ETag      string
		}
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	if len(in.Object) == 0 || len(in.Object) > maxDeletes {
		return malformedXML("%d objects to delete, there may be 1 to %d", len(in.Object), maxDeletes)
	}
	type deleted struct {
		Key       string
		VersionID string `xml:"VersionId,omitempty"`
	}
	type failed struct {
		Key       string
		VersionID string `xml:"VersionId,omitempty"`
		Code      string
		Message   string
	}
	out := struct {
		XMLName   xml.Name `xml:"DeleteResult"`
		Namespace string   `xml:"xmlns,attr"`
		Deleted   []deleted
		Error     []failed
	}{Namespace: namespace}
	return c.slowly(func() (any, error) {
		for _, o := range in.Object {
			err := c.deleteOne(o.Key, o.VersionID, o.ETag)
			switch {
			case err != nil:
				f, _ := c.errorBody(err)
				out.Error = append(out.Error, failed{o.Key, o.VersionID, f.code, f.text})
			case !in.Quiet:
				out.Deleted = append(out.Deleted, deleted{o.Key, o.VersionID})
			}
		}
		return out, nil
	})
}

func (c *call) deleteOne(key, version, etag string) error {
	if version != "" && version != "null" {
		return faultf("NoSuchVersion", http.StatusNotFound, "The specified version does not exist: %q.", clip(version))
	}
	return c.bucket.delete(key, func(now *record) error {
		if etag != "" && (now == nil || !matches(etag, now.ETag)) {
			return errPrecondition
		}
		return nil
	})
}

// Tags of objects are kept as x-amz-tagging writes them.

type tag struct {
	Key   string
	Value string
}

type tagging struct {
	XMLName   xml.Name `xml:"Tagging"`
	Namespace string   `xml:"xmlns,attr,omitempty"`
	Tags      []tag    `xml:"TagSet>Tag"`
}

func parseTags(text string) ([]tag, error) {
	if text == "" {
		return nil, nil
	}
	var out []tag
	for pair := range strings.SplitSeq(text, "&") {
		k, v, _ := strings.Cut(pair, "=")
		key, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil {
			return nil, invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates: %q.", clip(pair))
		}
		out = append(out, tag{key, value})
	}
	return out, checkTags(out)
}

func checkTags(tags []tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len(t.Key) > 512 || len(t.Value) > 1024:
			return faultf("InvalidTag", http.StatusBadRequest, "The tag %q has no key, or its key or value is too long.", clip(t.Key))
		case seen[t.Key]:
			return faultf("InvalidTag", http.StatusBadRequest, "Cannot provide multiple Tags with the same key: %q.", clip(t.Key))
		}
		seen[t.Key] = true
	}
	if len(tags) > 10 {
		return faultf("BadRequest", http.StatusBadRequest, "Object tags cannot be greater than 10; there are %d.", len(tags))
	}
	return nil
}

func (c *call) getTagging() error {
	f, rec, err := c.bucket.open(c.key)
	if err != nil {
		return err
	}
	_ = f.Close()
	tags, err := parseTags(rec.Tags)
	if err != nil {
		return err
	}
	return c.xml(http.StatusOK, tagging{Namespace: namespace, Tags: tags})
}

func (c *call) putTagging() error {
	var in tagging
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	var pairs []string
	for _, t := range in.Tags {
		pairs = append(pairs, url.QueryEscape(t.Key)+"="+url.QueryEscape(t.Value))
	}
	if err := c.bucket.amend(c.key, func(r *record) { r.Tags = strings.Join(pairs, "&") }); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

func (c *call) deleteTagging() error {
	if err := c.bucket.amend(c.key, func(r *record) { r.Tags = "" }); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

var _ io.ReaderFrom = (*durable.File)(nil) // parts are copied by the system
