// Package redistest runs a redis-server for benchmarks that compare with it.
package redistest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Server is a redis-server on a Unix socket in a temporary folder, with one
// connection to it. One goroutine at a time.
type Server struct {
	PID int
	Dir string // where its files are

	conn net.Conn
	in   *bufio.Reader
	buf  []byte
}

// Start runs a server with further arguments until the benchmark ends; it needs
// the Debian package redis-server, which scripts/deps.sh installs.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	dir := tb.TempDir()
	socket := filepath.Join(dir, "s")
	cmd := exec.CommandContext(tb.Context(), "redis-server", append([]string{"--port", "0", "--unixsocket", socket, "--dir", dir, "--save", ""}, args...)...) //nolint:gosec // of benchmarks
	require.NoError(tb, cmd.Start(), "redis-server is needed: scripts/deps.sh installs it")
	r := &Server{PID: cmd.Process.Pid, Dir: dir}
	tb.Cleanup(func() {
		if r.conn != nil {
			_ = r.conn.Close()
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(tb, func() bool {
		c, err := (&net.Dialer{}).DialContext(tb.Context(), "unix", socket)
		if err == nil {
			r.conn, r.in = c, bufio.NewReaderSize(c, 64<<10)
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	return r
}

// Command adds a command to those that Send sends together.
func (r *Server) Command(words ...string) {
	r.buf = fmt.Appendf(r.buf, "*%d\r\n", len(words))
	for _, w := range words {
		r.buf = fmt.Appendf(r.buf, "$%d\r\n%s\r\n", len(w), w)
	}
}

// Send sends what was gathered, reads that many answers and tells how many
// elements the arrays among them have together.
func (r *Server) Send(tb testing.TB, answers int) (elements int) {
	_, err := r.conn.Write(r.buf)
	require.NoError(tb, err)
	r.buf = r.buf[:0]
	for range answers {
		n, err := r.answer()
		require.NoError(tb, err)
		elements += n
	}
	return elements
}

// answer reads one answer of RESP and tells how many elements it has if it is an array.
func (r *Server) answer() (int, error) {
	line, err := r.in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	n := 0
	if line[0] == '$' || line[0] == '*' {
		if n, err = strconv.Atoi(line[1 : len(line)-2]); err != nil {
			return 0, err
		}
	}
	switch {
	case line[0] == '-':
		return 0, fmt.Errorf("redis: %s", line)
	case line[0] == '$' && n >= 0:
		_, err = io.CopyN(io.Discard, r.in, int64(n)+2)
		return 0, err
	case line[0] == '*':
		for range n {
			if _, err := r.answer(); err != nil {
				return 0, err
			}
		}
		return max(n, 0), nil
	}
	return 0, nil
}
