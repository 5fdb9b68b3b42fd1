package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"usher/wire/internal/codec"
)

// ClientOptions say where a client calls and as whom.
type ClientOptions struct {
	Endpoint     string       // http://127.0.0.1:8480; required
	HTTP         *http.Client // http.DefaultClient
	AccessKey    string       // with Secret: requests are signed
	Secret       string
	SessionToken string
	Region       string           // of the signature; us-east-1
	Now          func() time.Time // of the signature; required with AccessKey
}

// Conn carries calls of the generated clients. All methods may be called concurrently.
type Conn struct {
	opt    ClientOptions
	signer *v4.Signer
}

// maxAnswer bounds what a client reads: the largest answer, 500 items with
// metadata, is far below.
const maxAnswer = 64 << 20

// NewConn gives a connection for a generated client.
func NewConn(opt ClientOptions) *Conn {
	opt.Endpoint = strings.TrimSuffix(opt.Endpoint, "/")
	if opt.HTTP == nil {
		opt.HTTP = http.DefaultClient
	}
	if opt.Region == "" {
		opt.Region = "us-east-1"
	}
	return &Conn{opt: opt, signer: v4.NewSigner()}
}

// shape is a generated input or output.
type shape[T any] interface {
	*T
	AppendJSON([]byte) []byte
	ReadJSON(*codec.Reader)
}

// Do calls an operation; generated clients use it. A nil in is an empty input.
// fault makes the typed error of a code, or gives nil.
func Do[I, O any, PI shape[I], PO shape[O]](ctx context.Context, c *Conn, op Operation, in *I, fault func(code, message string) error) (*O, error) {
	if in == nil {
		in = new(I)
	}
	out := new(O)
	if err := c.call(ctx, op, PI(in).AppendJSON(nil), PO(out).ReadJSON, fault); err != nil {
		return nil, err
	}
	return out, nil
}

func (c *Conn) call(ctx context.Context, op Operation, body []byte, read func(*codec.Reader), fault func(code, message string) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.opt.Endpoint+op.Path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("call %s: %w", op.Name, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if op.Target != "" {
		req.Header.Set("Content-Type", jsonType)
		req.Header.Set("X-Amz-Target", op.Target)
	}
	if err := c.sign(ctx, req, body); err != nil {
		return fmt.Errorf("call %s: %w", op.Name, err)
	}
	res, err := c.opt.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", op.Name, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("call %s: read answer: %w", op.Name, err)
	}
	if res.StatusCode != http.StatusOK {
		return answeredFault(res, answer, fault)
	}
	if err := decode(answer, read); err != nil {
		return fmt.Errorf("call %s: read answer: %w", op.Name, err)
	}
	return nil
}

func (c *Conn) sign(ctx context.Context, req *http.Request, body []byte) error {
	if c.opt.AccessKey == "" {
		return nil
	}
	if c.opt.Now == nil {
		return fmt.Errorf("sign request: ClientOptions has keys but no clock in Now")
	}
	sum := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: c.opt.AccessKey, SecretAccessKey: c.opt.Secret, SessionToken: c.opt.SessionToken}
	return c.signer.SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), signingName, c.opt.Region, c.opt.Now())
}

// signingName is the service in the signatures of all three APIs.
const signingName = "personalize"

// answeredFault makes an error of an answer.
func answeredFault(res *http.Response, answer []byte, fault func(code, message string) error) error {
	var body faultBody
	code := res.Header.Get("X-Amzn-Errortype")
	if decode(answer, body.ReadJSON) == nil && code == "" && body.code != nil {
		code = *body.code
	}
	code, _, _ = strings.Cut(code, ":")
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	message := ""
	if body.message != nil {
		message = *body.message
	}
	if err := fault(code, message); err != nil {
		return err
	}
	if code == "" {
		code = res.Status
	}
	return &Fault{code, message, res.StatusCode}
}

// faultBody is the body of an answered error.
type faultBody struct{ code, message *string }

// ReadJSON reads the body.
func (f *faultBody) ReadJSON(r *codec.Reader) {
	for r.Object(); r.Member(); {
		switch string(r.Name()) {
		case "__type":
			f.code = r.String()
		case "message", "Message":
			f.message = r.String()
		default:
			r.Skip()
		}
	}
}
