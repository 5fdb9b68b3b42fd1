package wire

import (
	"context"

	"usher/wire/internal/codec"
)

// Operation names an operation and how it travels.
type Operation struct {
	Service string // as in Go's package: personalize, personalizeevents, personalizeruntime
	Name    string
	Target  string // value of X-Amz-Target for awsJson1.1; empty for restJson1
	Path    string // of the request
}

// input is what a request is read into.
type input[T any] interface {
	*T
	ReadJSON(*codec.Reader)
	Validate() error
}

// output is what an answer is written from.
type output[T any] interface {
	*T
	AppendJSON([]byte) []byte
}

// call reads, checks and does a request and appends its answer to b.
type call func(ctx context.Context, body, b []byte) ([]byte, error)

// Route makes mux serve an operation. Generated code calls it; programs call the
// Register of a generated package.
func Route[I, O any, PI input[I], PO output[O]](mux *Mux, op Operation, do func(context.Context, *I) (*O, error)) {
	mux.add(op, func(ctx context.Context, body, b []byte) ([]byte, error) {
		in := new(I)
		if err := decode(body, PI(in).ReadJSON); err != nil {
			return b, err
		}
		if err := PI(in).Validate(); err != nil {
			return b, err
		}
		out, err := do(ctx, in)
		if err != nil {
			return b, err
		}
		if out == nil {
			return b, nil
		}
		return PO(out).AppendJSON(b), nil
	})
}

// decode reads one JSON text. An empty body stands for an empty structure.
func decode(body []byte, read func(*codec.Reader)) error {
	if len(body) == 0 {
		return nil
	}
	r := readers.Get().(*codec.Reader)
	defer readers.Put(r)
	defer r.Reset(nil)
	r.Reset(body)
	read(r)
	if err := r.End(); err != nil {
		return &Fault{"SerializationException", err.Error(), 400}
	}
	return nil
}
