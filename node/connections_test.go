package node

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// client is a connection to a server with few of them.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// get asks and says whether there was an answer.
func (c *client) get() bool {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return false
	}
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return false
	}
	_ = r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// Who comes to ask finds a place though all are taken by connections that are not
// used, or whose request never begins; those in use stay.
func TestIdleConnectionsGiveWay(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun, answer, idled := make(chan struct{}), make(chan struct{}), make(chan struct{}, 100)
	connections := newConnections(3)
	state := func(c net.Conn, s http.ConnState) {
		connections.changed(c, s)
		if s == http.StateIdle {
			idled <- struct{}{}
		}
	}
	s := &http.Server{ConnState: state, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-answer
		}
	})}
	go func() { _ = s.Serve(l) }() // ends with Close
	defer s.Close()
	dial := func() *client {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return &client{t, c, bufio.NewReader(c)}
	}
	busy := dial()
	if _, err := busy.conn.Write([]byte("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	<-begun
	var idle []*client
	for i := range 10 {
		c := dial()
		if i%2 == 0 {
			if !c.get() {
				t.Fatalf("client %d found no place", i)
			}
			<-idled // the server may say so only after others came
		}
		idle = append(idle, c)
	}
	if !dial().get() {
		t.Error("a client found no place beside idle ones")
	}
	if idle[0].get() {
		t.Error("the connection that was idle longest is still open")
	}
	close(answer)
	r, err := http.ReadResponse(busy.in, nil)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("the one in use: %v", err)
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	c := newConnections(100)
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	for _, s := range []http.ConnState{http.StateNew, http.StateActive, http.StateIdle, http.StateActive, http.StateClosed} {
		c.changed(a, s)
	}
	c.changed(b, http.StateNew)
	if got := fmt.Sprint(c.mu.open, c.mu.waiting.Len(), len(c.mu.at)); got != "1 1 1" {
		t.Errorf("open, waiting: %s", got)
	}
}
