package wire

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	maxSkew    = 15 * time.Minute
	maxExpires = 7 * 24 * time.Hour
)

// Key is what a principal signs with.
type Key struct {
	Secret string
	Name   string // of the principal
	ARN    string // of the principal
	Scopes Scopes
}

// Of gives the principal who has the key of an access key, of no service and region.
func (k Key) Of(accessKey string) Principal {
	return Principal{AccessKey: accessKey, Name: k.Name, ARN: k.ARN, Scopes: k.Scopes}
}

// Principal is who sent a request.
type Principal struct {
	AccessKey string // empty: nobody signed
	Name      string // empty unless the signature was checked
	ARN       string // likewise
	Scopes    Scopes // likewise
	Service   string // that the signature is for: personalize, s3, iam, sts
	Region    string
}

type principalKey struct{}

// WithPrincipal hands down who sent the request.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf gives who sent the request that ctx belongs to.
func PrincipalOf(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Signatures checks Signature Version 4, in the header Authorization or in the
// query of a presigned request, and presigned URLs of S3 of Version 2, by signing
// again. All methods may be called concurrently.
type Signatures struct {
	Keys    func(accessKey string) (Key, bool) // nil: any credentials, and none, are accepted
	Now     func() time.Time                   // required with Keys
	MaxBody int64                              // of requests that are hashed as a whole; 6 MiB
}

// services are what signatures may be for.
var services = []string{signingName, "s3", "iam", "sts"}

// Verify gives who sent a request, or an Error in the codes of the service that
// is called. It may replace r.Body: bodies of services other than S3 are read
// as a whole, because their hash is part of the signature; those of S3 end in an
// error if they are not what was signed, chunk by chunk where the chunks of a
// streaming upload are.
func (s *Signatures) Verify(r *http.Request) (Principal, error) {
	sig, problem := readSignature(r)
	if s.Keys == nil {
		return Principal{AccessKey: sig.accessKey, Service: sig.service, Region: sig.region}, nil
	}
	if problem != "" {
		return Principal{}, sig.fault(problem)
	}
	key, ok := s.Keys(sig.accessKey)
	if !ok {
		return Principal{}, sig.fault(unknownKey)
	}
	if problem, text := sig.timely(s.Now()); problem != "" {
		f := sig.fault(problem)
		f.Message = text
		return Principal{}, f
	}
	payload, err := s.payload(r, &sig)
	if err != nil {
		return Principal{}, err
	}
	want, err := sig.again(r, key.Secret, payload)
	if err != nil {
		return Principal{}, sig.fault(malformed)
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(sig.signature)) != 1 {
		return Principal{}, sig.fault(mismatch)
	}
	if strings.HasPrefix(payload, streamingSigned) {
		sig.signChunks(r, key.Secret)
	}
	who := key.Of(sig.accessKey)
	who.Service, who.Region = sig.service, sig.region
	return who, nil
}

// payload gives the hash of the body as it stands in what was signed.
func (s *Signatures) payload(r *http.Request, sig *signature) (string, error) {
	given := r.Header.Get("X-Amz-Content-Sha256")
	if sig.service == "s3" {
		switch {
		case sig.presigned:
			return "UNSIGNED-PAYLOAD", nil
		case given == "UNSIGNED-PAYLOAD", strings.HasPrefix(given, "STREAMING-"):
			return given, nil
		}
		want, err := hex.DecodeString(given)
		if err != nil || len(want) != sha256.Size {
			f := sig.fault(malformed)
			f.Message = "The header x-amz-content-sha256 is missing or is no hash."
			return "", f
		}
		if r.Body != nil {
			r.Body = &hashedBody{r.Body, sha256.New(), [sha256.Size]byte(want)}
		}
		return given, nil
	}
	limit := s.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = readBody(r, limit); err != nil {
			return "", err
		}
		r.Body = &readAlready{all: body}
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}

// signature is what a request says about how it was signed.
type signature struct {
	accessKey, day, region, service string
	headers                         []string // signed, lower case
	signature                       string
	at                              time.Time
	presigned                       bool
	expires                         time.Duration // of presigned requests
	version2                        bool          // a presigned URL of S3 of that version; at is when it expires
	protocol                        protocol      // that errors speak
}

// readSignature takes a request's signature apart. Without one, or with half a
// one, it gives what it found and the problem.
func readSignature(r *http.Request) (signature, problem) {
	s := signature{protocol: protocolOf(r)}
	var query url.Values
	if strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") {
		query = r.URL.Query()
	}
	var credential, signed, date string
	switch header := r.Header.Get("Authorization"); {
	case header != "":
		rest, ok := strings.CutPrefix(header, algorithm)
		if strings.HasPrefix(header, "AWS ") {
			return s, outdated
		}
		if !ok {
			return s, malformed
		}
		for part := range strings.SplitSeq(rest, ",") {
			switch k, v, _ := strings.Cut(strings.TrimSpace(part), "="); k {
			case "Credential":
				credential = v
			case "SignedHeaders":
				signed = v
			case "Signature":
				s.signature = v
			}
		}
		date = r.Header.Get("X-Amz-Date")
	case query.Get("X-Amz-Algorithm") == algorithm:
		s.presigned = true
		credential, signed = query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders")
		s.signature, date = query.Get("X-Amz-Signature"), query.Get("X-Amz-Date")
		seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
		if s.expires = time.Duration(seconds) * time.Second; err != nil || seconds < 1 || seconds > int(maxExpires/time.Second) {
			return s, malformed
		}
	case strings.Contains(r.URL.RawQuery, "AWSAccessKeyId="):
		return s, s.parse2(r.URL.Query())
	default:
		return s, missing
	}
	return s, s.parse(r, credential, signed, date)
}

// parse checks the parts of a signature against each other and the request.
func (s *signature) parse(r *http.Request, credential, signed, date string) problem {
	// Access keys may hold slashes; the scope behind them may not.
	parts := strings.Split(credential, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != "aws4_request" {
		return malformed
	}
	s.accessKey, s.day, s.region, s.service = strings.Join(parts[:n-4], "/"), parts[n-4], parts[n-3], parts[n-2]
	if s.service == "s3" {
		s.protocol = s3Protocol
	} else if s.service == "iam" || s.service == "sts" {
		s.protocol = queryProtocol
	}
	var err error
	if s.at, err = time.Parse(timeFormat, date); err != nil || !strings.HasPrefix(date, s.day) || len(s.day) != 8 {
		return malformed
	}
	s.headers = strings.Split(signed, ";")
	if len(s.signature) != 64 || !slices.Contains(s.headers, "host") {
		return malformed
	}
	if !slices.Contains(services, s.service) || (r.Header.Get("X-Amz-Target") != "" && s.service != signingName) {
		s.protocol = protocolOf(r)
		return wrongService
	}
	// What the headers of AWS say must be signed, or a stolen signature could be
	// used for another operation.
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && name != "x-amz-content-sha256" && !slices.Contains(s.headers, name) {
			return unsigned
		}
	}
	return ""
}

// timely checks when a request was signed.
func (s *signature) timely(now time.Time) (problem, string) {
	date, clock := s.at.Format(timeFormat), now.UTC().Format(timeFormat)
	switch {
	case s.version2:
		if now.After(s.at) {
			return expired, "Request has expired."
		}
	case now.Sub(s.at) < -maxSkew:
		return skewed, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 15 min.)", date, now.Add(maxSkew).UTC().Format(timeFormat), clock)
	case s.presigned && now.After(s.at.Add(s.expires)):
		return expired, "Request has expired."
	case !s.presigned && now.Sub(s.at) > maxSkew:
		return skewed, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 15 min.)", date, now.Add(-maxSkew).UTC().Format(timeFormat), clock)
	}
	return "", ""
}

// signer keeps derived keys of a day; it is safe for concurrent use.
var signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableHeaderHoisting = true })

// again gives the signature that the secret makes for the request: over the
// signed headers only, because proxies add others.
func (s *signature) again(r *http.Request, secret, payload string) (string, error) {
	if s.version2 {
		return s.again2(r, secret), nil
	}
	if made, ok := s.quick(r, secret, payload); ok {
		return made, nil
	}
	u := *r.URL
	u.Host, u.Scheme = r.Host, "http"
	req := &http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: http.Header{}}
	for _, name := range s.headers {
		switch name {
		case "host":
		case "content-length":
			req.ContentLength = r.ContentLength
		default:
			if v := r.Header.Values(name); len(v) > 0 {
				req.Header[http.CanonicalHeaderKey(name)] = v
			}
		}
	}
	keys := aws.Credentials{AccessKeyID: s.accessKey, SecretAccessKey: secret}
	plainPath := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.service == "s3" }
	if s.presigned {
		q := u.Query()
		q.Del("X-Amz-Signature")
		u.RawQuery = q.Encode()
		uri, _, err := signer.PresignHTTP(r.Context(), keys, req, payload, s.service, s.region, s.at, plainPath)
		if err != nil {
			return "", err
		}
		made, err := url.Parse(uri)
		if err != nil {
			return "", err
		}
		return made.Query().Get("X-Amz-Signature"), nil
	}
	if err := signer.SignHTTP(r.Context(), keys, req, payload, s.service, s.region, s.at, plainPath); err != nil {
		return "", err
	}
	_, made, _ := strings.Cut(req.Header.Get("Authorization"), "Signature=")
	return made, nil
}

// Scope gives the service that a request's signature is for, checked or not;
// empty if there is none. node routes by it.
func Scope(r *http.Request) string {
	s, _ := readSignature(r)
	return s.service
}
