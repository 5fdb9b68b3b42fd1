package wire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// DefaultMaxBody is how large a request body may be: AWS's bound is near it.
const DefaultMaxBody = 6 << 20

// Options configure a Mux or Query.
type Options struct {
	MaxBody int64            // bytes of a request body; 6 MiB
	Now     func() time.Time // required: durations in log and Observe
	Log     *slog.Logger     // discarded if nil
	// Admit gives what bounds an operation's calls, nil where nothing does.
	Admit func(op Operation) *Admission
	// Observe is called after each answer, if it is not nil. Operation is
	// "unknown" where the request names none of ours, so that a caller cannot
	// make up names; errorCode is empty for a success.
	Observe func(service, operation string, status int, errorCode string, seconds float64)
}

func (o Options) withDefaults() Options {
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// gone is the status of requests whose client has left: nobody reads it but the log.
const gone = 499

// public gives the error that the client may see, and logs what it may not.
func (o Options) public(err error, op Operation, id string) Error {
	var e Error
	var later interface {
		error
		NotNow() string
	}
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &later): // the machine's fault, which may pass: a full disk
		o.Log.Error("request refused for now", "request", id, "service", op.Service, "operation", op.Name, "error", err)
		return &Fault{"ServiceUnavailable", later.NotNow(), http.StatusServiceUnavailable}
	case errors.Is(err, context.Canceled):
		return &Fault{"RequestCanceled", "The client has left.", gone}
	case errors.Is(err, context.DeadlineExceeded):
		o.Log.Warn("request took too long", "request", id, "service", op.Service, "operation", op.Name, "error", err)
		return &Fault{"ServiceUnavailable", "The request took too long. Try again.", http.StatusServiceUnavailable}
	}
	o.Log.Error("request failed", "request", id, "service", op.Service, "operation", op.Name, "error", err)
	return &Fault{"InternalFailure", "The request failed because of an internal error. The log of the server has more under the request id " + id + ".", http.StatusInternalServerError}
}

func (o Options) observe(r *http.Request, op Operation, status int, code string, d time.Duration) {
	if o.Observe != nil {
		o.Observe(op.Service, op.Name, status, code, d.Seconds())
	}
	o.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request", RequestID(r.Context())),
		slog.String("service", op.Service), slog.String("operation", op.Name), slog.Int("status", status),
		slog.String("error", code), slog.Duration("took", d), slog.String("remote", r.RemoteAddr))
}
