package wire_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"usher/wire"
)

// TestPresigned2 takes URLs that boto3 1.43.11 made for us-east-1 by default, at the
// epoch of these tests and for 100 seconds.
func TestPresigned2(t *testing.T) {
	const (
		path    = "http://localhost:8480/bucket/a%20b/%C3%A9%2Bc%3Dd%26%28e%29.csv?"
		who     = "AWSAccessKeyId=AKIAEXAMPLE&Expires=1700000100&"
		get     = path + who + "Signature=jIv4YuJIU74cT8KJjGKz5QR%2BBl4%3D"
		typed   = path + "versionId=null&response-content-type=text%2Fcsv%3B%20charset%3Dutf-8&" + who + "Signature=Ro8QH%2BtFkixD5SbHW6l5wpfdWr0%3D"
		put     = path + who + "Signature=OpDqvdPps0sEFgYHYtu8CvPGI4o%3D&content-type=text%2Fcsv&x-amz-meta-a=b"
		part    = path + "uploadId=u%2F1&partNumber=2&" + who + "Signature=vpCJPRIJ%2B0BV20JxgESLEHFkQtk%3D"
		virtual = "http://bucket.localhost:8480/a%20b/%C3%A9%2Bc%3Dd%26%28e%29.csv?" + who + "Signature=S3T0M4bPHBtva1F%2Bt6hq4NAttsI%3D"
		session = path + who + "Signature=7Cqkli6dJ3w9HTzA%2FHWEPVDpzhA%3D&x-amz-security-token=tok%2Fen%2B"
	)
	for name, c := range map[string]struct {
		method, link string
		header       string // added to the request
		after        time.Duration
		code         string // empty: accepted
		status       int
	}{
		"GET":                  {method: "GET", link: get},
		"GET, late":            {method: "GET", link: get, after: 100 * time.Second},
		"parameters":           {method: "GET", link: typed},
		"PUT":                  {method: "PUT", link: put},
		"PUT with headers":     {method: "PUT", link: put, header: "Content-Type: text/csv"},
		"part":                 {method: "PUT", link: part},
		"virtual host":         {method: "HEAD", link: virtual},
		"session":              {method: "DELETE", link: session},
		"too late":             {method: "GET", link: get, after: 101 * time.Second, code: "AccessDenied", status: 403},
		"another method":       {method: "DELETE", link: get, code: "SignatureDoesNotMatch", status: 403},
		"another key":          {method: "GET", link: strings.Replace(get, ".csv", ".txt", 1), code: "SignatureDoesNotMatch", status: 403},
		"another bucket":       {method: "HEAD", link: strings.Replace(virtual, "bucket.", "other.", 1), code: "SignatureDoesNotMatch", status: 403},
		"longer":               {method: "GET", link: strings.Replace(get, "1700000100", "1800000100", 1), code: "SignatureDoesNotMatch", status: 403},
		"another part":         {method: "PUT", link: strings.Replace(part, "partNumber=2", "partNumber=3", 1), code: "SignatureDoesNotMatch", status: 403},
		"a subresource":        {method: "PUT", link: put + "&tagging", code: "SignatureDoesNotMatch", status: 403},
		"another type":         {method: "PUT", link: put, header: "Content-Type: text/html", code: "SignatureDoesNotMatch", status: 403},
		"a header":             {method: "PUT", link: put, header: "X-Amz-Copy-Source: /bucket/secret", code: "SignatureDoesNotMatch", status: 403},
		"a parameter":          {method: "GET", link: get + "&prefix=x", code: "InvalidRequest", status: 400},
		"a key of nobody":      {method: "GET", link: strings.Replace(get, "AKIAEXAMPLE", "AKIAOTHER", 1), code: "InvalidAccessKeyId", status: 403},
		"without an end":       {method: "GET", link: strings.Replace(get, "Expires=1700000100", "Expires=never", 1), code: "AuthorizationHeaderMalformed", status: 400},
		"without a signature":  {method: "GET", link: path + "AWSAccessKeyId=AKIAEXAMPLE&Expires=1700000100", code: "AuthorizationHeaderMalformed", status: 400},
		"signed by a stranger": {method: "GET", link: strings.Replace(get, "jIv4", "jIv5", 1), code: "SignatureDoesNotMatch", status: 403},
	} {
		r := httptest.NewRequest(c.method, c.link, nil)
		if key, value, ok := strings.Cut(c.header, ": "); ok {
			r.Header.Set(key, value)
		}
		s := &wire.Signatures{Keys: keys, Now: func() time.Time { return epoch().Add(c.after) }}
		p, err := s.Verify(r)
		var fault *wire.Fault
		switch {
		case c.code == "":
			if err != nil || p.Name != "shop" || p.Service != "s3" {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		case !errors.As(err, &fault) || fault.Code != c.code || fault.Status != c.status || fault.Message == "":
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// TestPresigned2IsForBuckets: a URL that a client presigned for a bucket is no key to
// the APIs.
func TestPresigned2IsForBuckets(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8480/?AWSAccessKeyId=AKIAEXAMPLE&Expires=1700000100&Signature=x", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Target", "AmazonPersonalize.ListSolutions")
	if p, err := (&wire.Signatures{Keys: keys, Now: epoch}).Verify(r); err == nil {
		t.Errorf("taken as signed by %+v", p)
	}
	if got := wire.Scope(r); got != "s3" {
		t.Errorf("the request is for %q", got)
	}
}
