package s3server

import (
	"bufio"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestContinueIsAlwaysSaid speaks as botocore does: every put expects
// "100 Continue", that of an empty object too.
func TestContinueIsAlwaysSaid(t *testing.T) {
	server := httptest.NewServer(newBuckets(t))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, body := range []string{"", "text", ""} {
		if _, err := fmt.Fprintf(conn, "PUT /box/key HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body)); err != nil {
			t.Fatal(err)
		}
		if got := head(t, in); !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n") {
			t.Fatalf("a body of %d bytes: %q", len(body), got)
		}
		if _, err := fmt.Fprint(conn, body); err != nil {
			t.Fatal(err)
		}
		if got := head(t, in); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.Contains(got, "Content-Length: 0\r\n") {
			t.Fatalf("a body of %d bytes: %q", len(body), got)
		}
	}
}

// head reads lines up to an empty one.
func head(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(line)
		if line == "\r\n" {
			return b.String()
		}
	}
}
