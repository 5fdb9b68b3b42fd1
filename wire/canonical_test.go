package wire

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Whatever the quick way signs, AWS's signer signs the same; and it signs what
// SDKs send.
func TestQuickSignatures(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	quick := 0
	for range 3000 {
		body := strings.Repeat("x", r.IntN(50))
		req := httptest.NewRequest(pick("POST", "GET", "PUT"), "http://"+pick("localhost:8480", "localhost", "a.b:80", "127.0.0.1:443")+
			pick("/", "/recommendations", "/personalize-ranking", "/a//b", "/a%20b", "/é", "/a.b~c", "/x/y_z")+pick("", "", "?a=1&b", "?"), strings.NewReader(body))
		for _, name := range []string{"Content-Type", "Accept", "X-Amz-Target", "Amz-Sdk-Request", "X-Amz-Meta-Color", "User-Agent"} {
			if r.IntN(3) > 0 {
				continue
			}
			for range 1 + r.IntN(10)/9 {
				req.Header.Add(name, pick("application/json", "a  b", " padded ", "", "attempt=1; max=3", "é"))
			}
		}
		secret := pick("secret", strings.Repeat("long", 30))
		creds := aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: secret}
		payload := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
		if err := v4.NewSigner().SignHTTP(context.Background(), creds, req, payload, pick("personalize", "s3", "sts"), pick("us-east-1", "eu-west-3"), at); err != nil {
			t.Fatal(err)
		}
		s, problem := readSignature(req)
		if problem != "" {
			continue // the signer took a header that is not to be signed
		}
		if got, ok := s.quick(req, secret, payload); ok {
			quick++
			if got != s.signature {
				t.Fatalf("%s %s %v: %s, AWS's signer %s", req.Method, req.URL, req.Header, got, s.signature)
			}
		}
	}
	if quick < 150 {
		t.Errorf("only %d of 3000 requests went the quick way", quick)
	}
}

func TestHMAC(t *testing.T) {
	for _, n := range []int{0, 1, 32, 63, 64, 65, 200} {
		key, text := []byte(strings.Repeat("k", n)), []byte(strings.Repeat("t", 7*n))
		h := hmac.New(sha256.New, key)
		h.Write(text)
		if got := hmacSHA256(key, text); !hmac.Equal(got[:], h.Sum(nil)) {
			t.Errorf("key of %d bytes: %x", n, got)
		}
	}
}

// BenchmarkVerify is the check of a call's signature.
func BenchmarkVerify(b *testing.B) {
	at := time.Now()
	s := Signatures{Keys: func(string) (Key, bool) { return Key{Secret: "secret"}, true }, Now: func() time.Time { return at }}
	body := `{"campaignArn":"arn:aws:personalize:us-east-1:000000000000:campaign/films","userId":"1"}`
	req := httptest.NewRequest(http.MethodPost, "http://localhost:8480/recommendations", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if err := v4.NewSigner().SignHTTP(b.Context(), aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret"}, req, fmt.Sprintf("%x", sha256.Sum256([]byte(body))), "personalize", "us-east-1", at); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		req.Body = &readAlready{all: []byte(body)}
		if _, err := s.Verify(req); err != nil {
			b.Fatal(err)
		}
	}
}
