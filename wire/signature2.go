package wire

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file has Signature Version 2 of S3's presigned URLs, which boto3 still makes
// by default in the oldest regions, us-east-1 among them. It signs the method, the
// path, when it expires, the x-amz- headers and some parameters of the query.
// Parameters that it does not sign are refused: whoever has the URL could have
// added them.

// signed2 are the parameters of the query that are signed, in the order of their names.
var signed2 = []string{
	"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging", "metrics",
	"notification", "object-lock", "partNumber", "policy", "replication", "requestPayment", "response-cache-control",
	"response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type", "response-expires",
	"restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
}

// carried2 are the parameters that carry the signature, and headers that are signed.
var carried2 = []string{"awsaccesskeyid", "signature", "expires", "content-type", "content-md5"}

// parse2 reads the signature of a presigned URL of version 2.
func (s *signature) parse2(query url.Values) problem {
	s.version2, s.presigned, s.service, s.protocol = true, true, "s3", s3Protocol
	s.accessKey, s.signature = query.Get("AWSAccessKeyId"), query.Get("Signature")
	seconds, err := strconv.ParseInt(query.Get("Expires"), 10, 64)
	if err != nil || s.signature == "" {
		return malformed
	}
	s.at = time.Unix(seconds, 0)
	for name := range query {
		if lower := strings.ToLower(name); !slices.Contains(signed2, name) && !slices.Contains(carried2, lower) && !strings.HasPrefix(lower, "x-amz-") {
			return outdated
		}
	}
	return ""
}

// again2 gives the signature that the secret makes for the request.
func (s *signature) again2(r *http.Request, secret string) string {
	query := r.URL.Query()
	given := map[string][]string{} // headers, and what stands for them in the query
	for _, values := range []map[string][]string{query, r.Header} {
		for name, v := range values {
			given[strings.ToLower(name)] = v
		}
	}
	lines := []string{r.Method, strings.Join(given["content-md5"], ","), strings.Join(given["content-type"], ","), query.Get("Expires")}
	var headers []string
	for name, values := range given {
		if strings.HasPrefix(name, "x-amz-") {
			headers = append(headers, name+":"+strings.Join(values, ","))
		}
	}
	slices.Sort(headers)
	lines = append(append(lines, headers...), resource2(r, query))
	m := hmac.New(sha1.New, []byte(secret))
	m.Write([]byte(strings.Join(lines, "\n")))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// resource2 gives the bucket, the key and the parameters as they are signed.
func resource2(r *http.Request, query url.Values) string {
	path := r.URL.EscapedPath()
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if bucket, ok := strings.CutSuffix(strings.ToLower(host), ".localhost"); ok {
		path = "/" + strings.TrimSuffix(bucket, ".s3") + path
	}
	separator := "?"
	for _, name := range signed2 {
		for _, value := range query[name] {
			path += separator + name
			if value != "" {
				path += "=" + value
			}
			separator = "&"
		}
	}
	return path
}
