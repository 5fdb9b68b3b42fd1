package s3server

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

func (c *call) createBucket() error {
	var in struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string
	}
	data, err := document(c.w, c.r)
	if err != nil {
		return err
	}
	if len(data) > 0 {
		if err := xml.Unmarshal(data, &in); err != nil {
			return malformedXML("%v", err)
		}
	}
	if region := in.LocationConstraint; strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-EU") != "" || len(region) > 40 {
		return faultf("InvalidLocationConstraint", http.StatusBadRequest, "The specified location-constraint is not valid: %q.", clip(region))
	}
	if err := c.s.createBucket(c.name, in.LocationConstraint); err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.name)
	return c.empty(http.StatusOK)
}

func (c *call) headBucket() error {
	conf, err := c.bucket.config()
	if err != nil {
		return err
	}
	c.w.Header().Set("X-Amz-Bucket-Region", conf.Region)
	return c.empty(http.StatusOK)
}

func (c *call) deleteBucket() error {
	if err := c.s.deleteBucket(c.name); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

type listedBucket struct {
	Name         string
	CreationDate string
	BucketRegion string
}

func (c *call) listBuckets() error {
	most, err := c.number("max-buckets", 10_000, 1, 10_000)
	if err != nil {
		return err
	}
	names, err := c.s.names()
	if err != nil {
		return err
	}
	out := struct {
		XMLName           xml.Name       `xml:"ListAllMyBucketsResult"`
		Namespace         string         `xml:"xmlns,attr"`
		Owner             *owner         `xml:"Owner"`
		Buckets           []listedBucket `xml:"Buckets>Bucket"`
		Prefix            string         `xml:",omitempty"`
		ContinuationToken string         `xml:",omitempty"`
	}{Namespace: namespace, Owner: c.s.owner(), Prefix: c.query.Get("prefix")}
	after := c.query.Get("continuation-token")
	for _, name := range names {
		if name <= after && after != "" || !strings.HasPrefix(name, out.Prefix) {
			continue
		}
		conf, err := c.s.known(name).config()
		if err != nil {
			return err
		}
		if region := c.query.Get("bucket-region"); region != "" && region != conf.Region {
			continue
		}
		if len(out.Buckets) == most {
			out.ContinuationToken = out.Buckets[most-1].Name
			break
		}
		out.Buckets = append(out.Buckets, listedBucket{name, xmlTime(conf.Created), conf.Region})
	}
	return c.xml(http.StatusOK, out)
}

// Configuration of a bucket: some is real, some is kept and shown without
// effect, some says that there is none, and the rest is not implemented.

// keptDocuments are subresources whose documents are kept and shown; nothing
// follows from them. The text is S3's error where there is none.
var keptDocuments = map[string][2]string{
	"tagging":           {"NoSuchTagSet", "The TagSet does not exist"},
	"cors":              {"NoSuchCORSConfiguration", "The CORS configuration does not exist"},
	"encryption":        {"ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"},
	"publicAccessBlock": {"NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"},
	"ownershipControls": {"OwnershipControlsNotFoundError", "The bucket ownership controls were not found"},
}

// absentDocuments are subresources that usher has not: reading them says so.
var absentDocuments = map[string][2]string{
	"lifecycle":   {"NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"},
	"website":     {"NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"},
	"replication": {"ReplicationConfigurationNotFoundError", "The replication configuration was not found"},
	"object-lock": {"ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"},
}

// fixedDocuments are answers that are the same for every bucket.
var fixedDocuments = map[string]string{
	"versioning":     `<VersioningConfiguration xmlns="` + namespace + `"></VersioningConfiguration>`,
	"notification":   `<NotificationConfiguration xmlns="` + namespace + `"></NotificationConfiguration>`,
	"logging":        `<BucketLoggingStatus xmlns="` + namespace + `"></BucketLoggingStatus>`,
	"requestPayment": `<RequestPaymentConfiguration xmlns="` + namespace + `"><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`,
	"accelerate":     `<AccelerateConfiguration xmlns="` + namespace + `"></AccelerateConfiguration>`,
	"policyStatus":   `<PolicyStatus xmlns="` + namespace + `"><IsPublic>false</IsPublic></PolicyStatus>`,
}

// configAction finds the action on a bucket's configuration; nil if S3 has none.
func configAction(method, sub string) action {
	if sub == "" || !slices.Contains([]string{http.MethodGet, http.MethodPut, http.MethodDelete}, method) {
		return nil
	}
	switch method + " " + sub {
	case "GET location":
		return (*call).getLocation
	case "GET policy":
		return (*call).getPolicy
	case "PUT policy":
		return (*call).putPolicy
	case "DELETE policy":
		return func(c *call) error { return c.configure(http.StatusNoContent, func(b *config) { b.Policy = "" }) }
	case "GET acl":
		return (*call).getACL
	case "PUT acl":
		return (*call).accept
	case "PUT versioning":
		return (*call).putVersioning
	}
	return func(c *call) error { return c.document(sub) }
}

// configure changes the bucket's configuration and answers without a body.
func (c *call) configure(status int, change func(*config)) error {
	if err := c.bucket.configure(change); err != nil {
		return err
	}
	return c.empty(status)
}

func (c *call) document(sub string) error {
	missing, kept := keptDocuments[sub]
	absent, none := absentDocuments[sub]
	fixed, same := fixedDocuments[sub]
	switch {
	case kept && c.r.Method == http.MethodPut:
		data, err := document(c.w, c.r)
		if err != nil {
			return err
		}
		if err := wellFormed(data); err != nil {
			return err
		}
		return c.configure(http.StatusOK, func(b *config) {
			if b.Documents == nil {
				b.Documents = map[string]string{}
			}
			b.Documents[sub] = string(data)
		})
	case kept && c.r.Method == http.MethodDelete:
		return c.configure(http.StatusNoContent, func(b *config) { delete(b.Documents, sub) })
	case kept:
		conf, err := c.bucket.config()
		if err != nil {
			return err
		}
		if conf.Documents[sub] == "" {
			return faultf(missing[0], http.StatusNotFound, "%s: %s.", missing[1], c.name)
		}
		return c.raw("application/xml", conf.Documents[sub])
	case none && c.r.Method == http.MethodGet:
		return faultf(absent[0], http.StatusNotFound, "%s: %s.", absent[1], c.name)
	case none && c.r.Method == http.MethodDelete:
		return c.empty(http.StatusNoContent)
	case same && c.r.Method == http.MethodGet:
		return c.raw("application/xml", xml.Header+fixed)
	}
	return notImplemented("A header or query you provided implies functionality that is not implemented: %s of a bucket. usher's buckets hold plain objects of one version.", sub)
}

func wellFormed(data []byte) error {
	d := xml.NewDecoder(strings.NewReader(string(data)))
	elements := 0
	for {
		t, err := d.Token()
		if err == io.EOF && elements > 0 {
			return nil
		}
		if err != nil {
			return malformedXML("%v", err)
		}
		if _, ok := t.(xml.StartElement); ok {
			elements++
		}
	}
}

func (c *call) raw(contentType, text string) error {
	c.w.Header().Set("Content-Type", contentType)
	c.sent = true
	_, _ = io.WriteString(c.w, text) // a client that has left is no error of ours
	return nil
}

// accept takes a call that changes nothing here: usher has one owner, and access
// control lists grant nothing.
func (c *call) accept() error {
	if _, err := document(c.w, c.r); err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

func (c *call) getLocation() error {
	conf, err := c.bucket.config()
	if err != nil {
		return err
	}
	out := struct {
		XMLName   xml.Name `xml:"LocationConstraint"`
		Namespace string   `xml:"xmlns,attr"`
		Region    string   `xml:",chardata"`
	}{Namespace: namespace, Region: conf.Region}
	if conf.Region == "us-east-1" { // as S3 has it, since the time when there was only one
		out.Region = ""
	}
	return c.xml(http.StatusOK, out)
}

func (c *call) getPolicy() error {
	conf, err := c.bucket.config()
	if err != nil {
		return err
	}
	if conf.Policy == "" {
		return faultf("NoSuchBucketPolicy", http.StatusNotFound, "The bucket policy does not exist: %s.", c.name)
	}
	return c.raw("application/json", conf.Policy)
}

// maxPolicy is S3's limit.
const maxPolicy = 20 << 10

func (c *call) putPolicy() error {
	data, err := document(c.w, c.r)
	if err != nil {
		return err
	}
	malformed := func(why string) error {
		return faultf("MalformedPolicy", http.StatusBadRequest, "Policies must be valid JSON and the first byte must be '{': %s.", why)
	}
	var policy struct {
		Statement json.RawMessage
	}
	switch {
	case len(data) > maxPolicy:
		return faultf("PolicyTooLarge", http.StatusBadRequest, "The policy has %d bytes of at most %d.", len(data), maxPolicy)
	case len(data) == 0 || data[0] != '{':
		return malformed("it begins otherwise")
	}
	if err := json.Unmarshal(data, &policy); err != nil {
		return malformed(err.Error())
	}
	if len(policy.Statement) == 0 {
		return malformed("missing required field Statement")
	}
	return c.configure(http.StatusNoContent, func(b *config) { b.Policy = string(data) })
}

func (c *call) putVersioning() error {
	var in struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Status == "Enabled" {
		return notImplemented("usher keeps one version of an object; versioning cannot be enabled.")
	}
	return c.empty(http.StatusOK)
}

type grantee struct {
	Namespace string `xml:"xmlns:xsi,attr"`
	Type      string `xml:"xsi:type,attr"`
	ID        string
	Name      string `xml:"DisplayName"`
}

type grant struct {
	Grantee    grantee
	Permission string
}

func (c *call) getACL() error {
	if c.key != "" {
		f, _, err := c.bucket.open(c.key)
		if err != nil {
			return err
		}
		_ = f.Close()
	}
	o := c.s.owner()
	return c.xml(http.StatusOK, struct {
		XMLName   xml.Name `xml:"AccessControlPolicy"`
		Namespace string   `xml:"xmlns,attr"`
		Owner     *owner   `xml:"Owner"`
		Grants    []grant  `xml:"AccessControlList>Grant"`
	}{Namespace: namespace, Owner: o, Grants: []grant{{
		Grantee:    grantee{"http://www.w3.org/2001/XMLSchema-instance", "CanonicalUser", o.ID, o.DisplayName},
		Permission: "FULL_CONTROL",
	}}})
}

func noLock() error {
	return faultf("InvalidRequest", http.StatusBadRequest, "Bucket is missing Object Lock Configuration")
}

func noRestore() error {
	return faultf("InvalidObjectState", http.StatusForbidden, "Restore is not allowed for the object's current storage class: usher has no archive.")
}

// xmlObjectTime is the time of an object in a document.
func xmlObjectTime(r *record) string { return xmlTime(time.Unix(0, r.ModTime)) }
