package serving

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// clients is how many ask at once, each over a connection of its own.
const clients = 16

// measured is what a round gave.
type measured struct {
	perSecond float64
	cpu       time.Duration // of the process, by answer
	took      []time.Duration
	refused   []time.Duration // how long refusals took
}

// load asks in a closed loop for some time, by so many clients.
func load(ctx context.Context, address string, requests [][]byte, clients int, round time.Duration, now func() time.Time) (measured, error) {
	var out measured
	began, used := now(), cpuTime()
	until := began.Add(round)
	took, refused := make([][]time.Duration, clients), make([][]time.Duration, clients)
	err := together(clients, func(c int) error {
		conn, err := dial(ctx, address)
		if err != nil {
			return err
		}
		defer conn.close()
		for i := c * len(requests) / clients; ; i++ {
			from := now()
			if from.After(until) || ctx.Err() != nil {
				return ctx.Err()
			}
			switch err := conn.ask(requests[i%len(requests)]); {
			case errors.Is(err, errRefused):
				refused[c] = append(refused[c], now().Sub(from))
				pause(ctx)
			case err != nil:
				return err
			default:
				took[c] = append(took[c], now().Sub(from))
			}
		}
	})
	seconds := now().Sub(began).Seconds()
	out.took, out.refused = slices.Concat(took...), slices.Concat(refused...)
	out.perSecond = float64(len(out.took)) / seconds
	if n := len(out.took); n > 0 {
		out.cpu = (cpuTime() - used) / time.Duration(n)
	}
	return out, err
}

// ask sends each request once.
func ask(ctx context.Context, address string, requests [][]byte) error {
	return together(clients, func(c int) error {
		conn, err := dial(ctx, address)
		if err != nil {
			return err
		}
		defer conn.close()
		for i := c; i < len(requests); i += clients {
			if err := conn.ask(requests[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// together runs all clients and joins their errors.
func together(n int, client func(c int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for c := range n {
		wg.Go(func() { errs[c] = client(c) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// conn is a kept connection. It reads answers without taking them apart, for a
// client that costs as much as the server would hide what is measured.
type conn struct {
	net.Conn
	buf []byte
}

func dial(ctx context.Context, address string) (*conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{c, make([]byte, 64<<10)}, nil
}

func (c *conn) close() { _ = c.Conn.Close() }

var (
	headEnd = []byte("\r\n\r\n")
	okLine  = []byte("HTTP/1.1 200 ")
	length  = []byte("\r\nContent-Length: ")
	refusal = []byte("ThrottlingException")
)

// errRefused says that the server has too much to do.
var errRefused = errors.New("refused: too many requests")

// pause is what SDKs do before they try again.
func pause(ctx context.Context) {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// ask sends a request and reads its answer, which has to be a success.
func (c *conn) ask(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	have, want := 0, -1
	for want < 0 || have < want {
		n, err := c.Read(c.buf[have:])
		have += n
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		if end := bytes.Index(c.buf[:have], headEnd); want < 0 && end >= 0 {
			if want, err = answerSize(c.buf[:end+2]); err != nil {
				return err
			}
			want += end + len(headEnd)
		}
	}
	if bytes.Contains(c.buf[:have], refusal) {
		return errRefused
	}
	if !bytes.HasPrefix(c.buf, okLine) {
		return fmt.Errorf("answer: %.300q", c.buf[:have])
	}
	return nil
}

// answerSize reads the length of an answer's body from its head.
func answerSize(head []byte) (int, error) {
	at := bytes.Index(head, length)
	if at < 0 {
		return 0, fmt.Errorf("answer without a length: %q", head)
	}
	rest := head[at+len(length):]
	return strconv.Atoi(string(rest[:bytes.IndexByte(rest, '\r')]))
}

// limit is the least that answers: a handler that returns a fixed list of 25.
type limit struct {
	address string
	server  http.Server
	ended   chan struct{}
}

func newLimit() (*limit, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var body []byte
	for i := range 25 {
		body = fmt.Appendf(body, `,{"itemId":"item-%05d","score":0.0%09d}`, i, 987654321-i)
	}
	body = fmt.Appendf(nil, `{"itemList":[%s],"recommendationId":"RID-00000000-0000-0000-0000-000000000000"}`, body[1:])
	x := &limit{address: l.Addr().String(), ended: make(chan struct{})}
	x.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // a client that has left is no error
	})
	go func() {
		defer close(x.ended)
		_ = x.server.Serve(l) // ends with close
	}()
	return x, nil
}

func (l *limit) close() {
	_ = l.server.Close()
	<-l.ended
}
