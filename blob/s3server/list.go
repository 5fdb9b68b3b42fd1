package s3server

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

// page is what one call of ListObjects asks for and gets.
type page struct {
	prefix, delimiter, after string
	max                      int

	objects   []object
	prefixes  []string
	truncated bool
	next      string // the last key or common prefix of a truncated page
}

// list fills a page: objects and common prefixes count alike, in order of keys.
func (b *bucket) list(p *page) error {
	w, err := b.walk(p.prefix, p.after)
	if err != nil {
		return err
	}
	// All that is listed comes after the marker, common prefixes too.
	if common := p.common(p.after); common != "" {
		w.skip(common)
	}
	for {
		o, ok, err := w.next()
		if err != nil || !ok {
			return err
		}
		if len(p.objects)+len(p.prefixes) >= p.max {
			p.truncated = p.max > 0
			return nil
		}
		if common := p.common(o.key); common != "" {
			p.prefixes = append(p.prefixes, common)
			p.next = common
			w.skip(common)
			continue
		}
		p.objects = append(p.objects, o)
		p.next = o.key
	}
}

// common gives the common prefix that stands for a key; "" if the key stands
// for itself.
func (p *page) common(key string) string {
	rest, ok := strings.CutPrefix(key, p.prefix)
	if !ok || p.delimiter == "" {
		return ""
	}
	i := strings.Index(rest, p.delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(p.prefix)+i+len(p.delimiter)]
}

// encoder gives the encoding of keys that the request asks for: XML cannot hold
// every character.
func (c *call) encoder() (func(string) string, error) {
	switch kind := c.query.Get("encoding-type"); kind {
	case "":
		return func(s string) string { return s }, nil
	case "url":
		return func(s string) string {
			return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(s))
		}, nil
	default:
		return nil, invalidArgument("Invalid Encoding Method specified in Request: %q; there is url.", clip(kind))
	}
}

type listedObject struct {
	Key               string
	VersionID         string `xml:"VersionId,omitempty"` // of ListObjectVersions
	IsLatest          string `xml:",omitempty"`
	LastModified      string
	ETag              string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              int64
	StorageClass      string
	Owner             *owner `xml:",omitempty"`
}

type commonPrefix struct {
	Prefix string
}

type objectList struct {
	XMLName               xml.Name
	Namespace             string `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Delimiter             string  `xml:",omitempty"`
	EncodingType          string  `xml:",omitempty"`
	MaxKeys               int     `xml:"MaxKeys"`
	Marker                *string // of version 1
	NextMarker            string  `xml:",omitempty"`
	KeyCount              *int    // of version 2
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	KeyMarker             *string // of versions
	VersionIDMarker       *string `xml:"VersionIdMarker"`
	NextKeyMarker         string  `xml:",omitempty"`
	NextVersionIDMarker   string  `xml:"NextVersionIdMarker,omitempty"`
	IsTruncated           bool
	Contents              []listedObject
	Version               []listedObject
	CommonPrefixes        []commonPrefix
}

// listPage does what the three kinds of listing have in common.
func (c *call) listPage(p *page, owner *owner) (*objectList, func(string) string, error) {
	encode, err := c.encoder()
	if err != nil {
		return nil, nil, err
	}
	if p.max, err = c.number("max-keys", 1000, 0, 1000); err != nil {
		return nil, nil, err
	}
	p.prefix, p.delimiter = c.query.Get("prefix"), c.query.Get("delimiter")
	if err := c.bucket.list(p); err != nil {
		return nil, nil, err
	}
	out := &objectList{Namespace: namespace, Name: c.name, Prefix: encode(p.prefix), Delimiter: encode(p.delimiter),
		EncodingType: c.query.Get("encoding-type"), MaxKeys: p.max, IsTruncated: p.truncated}
	out.XMLName.Local = "ListBucketResult"
	for _, o := range p.objects {
		rec, err := c.s.recordOf(c.name, o.key, o.info)
		if err != nil {
			return nil, nil, err
		}
		out.Contents = append(out.Contents, listedObject{Key: encode(o.key), LastModified: xmlObjectTime(&rec), ETag: quote(rec.ETag),
			ChecksumAlgorithm: rec.Checksum.Algorithm, ChecksumType: rec.Checksum.Type, Size: rec.Size, StorageClass: "STANDARD", Owner: owner})
	}
	for _, prefix := range p.prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{encode(prefix)})
	}
	return out, encode, nil
}

func (c *call) listObjects() error {
	if c.query.Get("list-type") == "2" {
		return c.listObjectsV2()
	}
	marker := c.query.Get("marker")
	p := page{after: marker}
	out, encode, err := c.listPage(&p, c.s.owner())
	if err != nil {
		return err
	}
	marker = encode(marker)
	out.Marker = &marker
	if p.truncated && p.delimiter != "" { // else clients go on from the last key
		out.NextMarker = encode(p.next)
	}
	return c.xml(http.StatusOK, out)
}

func (c *call) listObjectsV2() error {
	var p page
	p.after = c.query.Get("start-after")
	token := c.query.Get("continuation-token")
	if c.query.Has("continuation-token") {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) == 0 {
			return invalidArgument("The continuation token provided is incorrect: %q.", clip(token))
		}
		p.after = string(raw)
	}
	var by *owner
	if c.query.Get("fetch-owner") == "true" {
		by = c.s.owner()
	}
	out, encode, err := c.listPage(&p, by)
	if err != nil {
		return err
	}
	count := len(out.Contents) + len(out.CommonPrefixes)
	out.KeyCount = &count
	out.StartAfter, out.ContinuationToken = encode(c.query.Get("start-after")), token
	if p.truncated {
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(p.next))
	}
	return c.xml(http.StatusOK, out)
}

// listVersions shows the one version of each object, as S3 does for buckets
// that never had versioning.
func (c *call) listVersions() error {
	marker, version := c.query.Get("key-marker"), c.query.Get("version-id-marker")
	p := page{after: marker}
	out, encode, err := c.listPage(&p, c.s.owner())
	if err != nil {
		return err
	}
	out.XMLName.Local = "ListVersionsResult"
	out.Version, out.Contents = out.Contents, nil
	for i := range out.Version {
		out.Version[i].VersionID, out.Version[i].IsLatest = "null", "true"
	}
	marker = encode(marker)
	out.KeyMarker, out.VersionIDMarker = &marker, &version
	if p.truncated {
		out.NextKeyMarker, out.NextVersionIDMarker = encode(p.next), "null"
	}
	return c.xml(http.StatusOK, out)
}
