// Package s3 is a small client of S3 and of what speaks like it: whole objects are
// put and got, as backups need it.
//
// Requests are signed (SigV4) over everything but the body, which is streamed from
// where it lies; who reads an object compares it with a checksum of their own. What
// the other side could not do for the moment is tried again. Objects of more than
// 5 GiB, which S3 takes in parts only, are refused.
package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Options say where the buckets are and who asks.
type Options struct {
	Endpoint     string // http://host:port; "": Amazon's of the region
	Region       string // us-east-1
	AccessKey    string // "": requests are not signed
	Secret       string
	SessionToken string
	HTTP         *http.Client     // http.DefaultClient
	Now          func() time.Time // of signatures; required
	Pause        time.Duration    // before the second attempt; doubled before each further one; 500 ms
}

// Client calls S3. All methods may be called concurrently.
type Client struct {
	opt    Options
	signer *v4.Signer
}

const (
	attempts  = 4
	largest   = 5 << 30
	unsigned  = "UNSIGNED-PAYLOAD"
	maxAnswer = 1 << 20 // of an error or a list
)

// New gives a client.
func New(opt Options) *Client {
	if opt.Region == "" {
		opt.Region = "us-east-1"
	}
	if opt.Endpoint == "" {
		opt.Endpoint = "https://s3." + opt.Region + ".amazonaws.com"
	}
	opt.Endpoint = strings.TrimSuffix(opt.Endpoint, "/")
	if opt.HTTP == nil {
		opt.HTTP = http.DefaultClient
	}
	if opt.Pause == 0 {
		opt.Pause = 500 * time.Millisecond
	}
	return &Client{opt, v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
}

// Put puts the bytes of body, from its beginning on, as an object.
func (c *Client) Put(ctx context.Context, bucket, key string, body io.ReadSeeker, size int64) error {
	if size > largest {
		return fmt.Errorf("put s3://%s/%s: %d bytes are more than S3 takes at once", bucket, key, size)
	}
	res, err := c.do(ctx, http.MethodPut, bucket, key, nil, body, size)
	if err != nil {
		return fmt.Errorf("put s3://%s/%s: %w", bucket, key, err)
	}
	return res.Body.Close()
}

// Get opens an object. The error wraps fs.ErrNotExist when there is none.
func (c *Client) Get(ctx context.Context, bucket, key string) (io.ReadCloser, error) {
	res, err := c.do(ctx, http.MethodGet, bucket, key, nil, nil, 0)
	if err != nil {
		return nil, fmt.Errorf("get s3://%s/%s: %w", bucket, key, err)
	}
	return res.Body, nil
}

// First gives the first key of a bucket that begins with prefix; "" when there is
// none.
func (c *Client) First(ctx context.Context, bucket, prefix string) (key string, err error) {
	query := url.Values{"list-type": {"2"}, "max-keys": {"1"}, "prefix": {prefix}}
	res, err := c.do(ctx, http.MethodGet, bucket, "", query, nil, 0)
	if err != nil {
		return "", fmt.Errorf("list s3://%s/%s: %w", bucket, prefix, err)
	}
	defer res.Body.Close()
	var list struct{ Contents []struct{ Key string } }
	if err := xml.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&list); err != nil {
		return "", fmt.Errorf("list s3://%s/%s: read answer: %w", bucket, prefix, err)
	}
	for _, o := range list.Contents {
		return o.Key, nil
	}
	return "", nil
}

// MakeBucket makes a bucket, unless it is there and the caller's.
func (c *Client) MakeBucket(ctx context.Context, bucket string) error {
	if _, err := c.First(ctx, bucket, ""); err == nil {
		return nil
	}
	res, err := c.do(ctx, http.MethodPut, bucket, "", nil, nil, 0)
	if err != nil {
		return fmt.Errorf("make bucket s3://%s: %w", bucket, err)
	}
	return res.Body.Close()
}

// do makes a request until it is answered, and gives the answer if it is a good one.
func (c *Client) do(ctx context.Context, method, bucket, key string, query url.Values, body io.ReadSeeker, size int64) (*http.Response, error) {
	pause := c.opt.Pause
	for n := 1; ; n++ {
		res, err := c.once(ctx, method, bucket, key, query, body, size)
		if err == nil {
			return res, nil
		}
		var again *passing
		if !errors.As(err, &again) || n == attempts {
			return nil, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
		pause *= 2
	}
}

// passing is an error that may be gone the next time.
type passing struct{ error }

func (e *passing) Unwrap() error { return e.error }

func (c *Client) once(ctx context.Context, method, bucket, key string, query url.Values, body io.ReadSeeker, size int64) (*http.Response, error) {
	req, err := c.request(ctx, method, bucket, key, query, body, size)
	if err != nil {
		return nil, err
	}
	res, err := c.opt.HTTP.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &passing{err}
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	return nil, refusal(res)
}

func (c *Client) request(ctx context.Context, method, bucket, key string, query url.Values, body io.ReadSeeker, size int64) (*http.Request, error) {
	u, err := url.Parse(c.opt.Endpoint)
	if err != nil {
		return nil, err
	}
	u.Path, u.RawPath = "/"+bucket+"/"+key, "/"+escape(bucket)+"/"+escape(key)
	u.RawQuery = query.Encode()
	var in io.Reader
	if body != nil {
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		if in = io.NopCloser(body); size == 0 {
			in = bytes.NewReader(nil) // else the length would not be sent
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), in)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	if c.opt.AccessKey == "" {
		return req, nil
	}
	req.Header.Set("X-Amz-Content-Sha256", unsigned)
	keys := aws.Credentials{AccessKeyID: c.opt.AccessKey, SecretAccessKey: c.opt.Secret, SessionToken: c.opt.SessionToken}
	return req, c.signer.SignHTTP(ctx, keys, req, unsigned, "s3", c.opt.Region, c.opt.Now())
}

// escape writes a key as S3 signs it: all bytes but letters, digits, - . _ ~ and the
// slash are escaped.
func escape(key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(p), "+", "%20")
	}
	return strings.Join(parts, "/")
}

// refusal makes an error of an answer.
func refusal(res *http.Response) error {
	var e struct{ Code, Message string }
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err == nil {
		err = xml.Unmarshal(text, &e)
	}
	if err != nil { // not S3's: what is in between, for example a proxy
		e.Code, e.Message = res.Status, ""
	}
	said := fmt.Errorf("%s: %s", e.Code, e.Message)
	switch {
	case res.StatusCode == http.StatusNotFound && e.Code != "NoSuchBucket":
		return fmt.Errorf("%w: %w", said, fs.ErrNotExist)
	case res.StatusCode >= http.StatusInternalServerError, res.StatusCode == http.StatusTooManyRequests:
		return &passing{said}
	}
	return said
}
