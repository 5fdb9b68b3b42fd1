package node

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// mostConnections is how many connections are kept open. Each costs some tens of
// kilobytes and a file of the process.
const mostConnections = 8192

// connections bounds how many there are. When there are more, the one that has
// waited longest for a request is closed: clients that keep connections they do
// not use take none from those who come to ask. A client notices that when it
// asks again, and opens another, as after any timeout.
type connections struct {
	most int

	mu struct {
		sync.Mutex
		open    int
		waiting *list.List // of net.Conn, who has waited longest first
		at      map[net.Conn]*list.Element
	}
}

func newConnections(most int) *connections {
	c := &connections{most: most}
	c.mu.waiting, c.mu.at = list.New(), map[net.Conn]*list.Element{}
	return c
}

// changed follows what http.Server says of a connection.
func (c *connections) changed(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.mu.at[conn]; e != nil {
		c.mu.waiting.Remove(e)
		delete(c.mu.at, conn)
	}
	switch s {
	case http.StateNew:
		c.mu.open++
		if c.mu.open > c.most {
			c.closeOne(conn)
		}
		c.wait(conn)
	case http.StateIdle:
		c.wait(conn)
	case http.StateClosed, http.StateHijacked:
		c.mu.open--
	}
}

// wait notes that a connection has no request. c.mu is held.
func (c *connections) wait(conn net.Conn) { c.mu.at[conn] = c.mu.waiting.PushBack(conn) }

// closeOne closes the connection that has waited longest, or, where all have
// requests, the new one. c.mu is held.
func (c *connections) closeOne(fresh net.Conn) {
	conn := fresh
	if e := c.mu.waiting.Front(); e != nil {
		conn = e.Value.(net.Conn)
		c.mu.waiting.Remove(e) // or who comes before the server has noticed would close it again, and not another
		delete(c.mu.at, conn)
	}
	_ = conn.Close() // the server's goroutine notices, and tells that it is closed
}
