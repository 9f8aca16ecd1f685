//go:build proof

package load

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is "twind serve" with one live layer, vehicles, in a process of its own.
type server struct {
	pid                      int
	addr, mqtt, jt808, debug string // host:port
	binary                   string
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "twind-load-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "twind")
	out, err := exec.Command("go", "build", "-o", file, "twind/cmd/twind").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if file, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(status)
}

// freePort is one that nothing listens on now.
func freePort(tb testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer ln.Close()
	return ln.Addr().String()
}

func startServer(tb testing.TB) *server {
	tb.Helper()
	binary, err := build()
	require.NoError(tb, err)
	dir := tb.TempDir()
	s := &server{mqtt: freePort(tb), jt808: freePort(tb), debug: freePort(tb), binary: binary}
	conf := "live: [{id: vehicles, kind: vehicle, period: 1s, stale: 10s, offline: 60s, removed: 300s, label: line}]\njt808: {accept: any, layer: vehicles}\n"
	file := filepath.Join(dir, "twind.yaml")
	require.NoError(tb, os.WriteFile(file, []byte(conf), 0o600))
	cmd := exec.Command(binary, "serve", "--config", file, "--addr", "127.0.0.1:0", "--mqtt", s.mqtt, "--jt808", s.jt808, "--debug", s.debug, "--store", "geopackage:"+filepath.Join(dir, "city.gpkg"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	s.pid = cmd.Process.Pid
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			s.addr = m[1]
			return s
		}
	}
	tb.Fatal("the server ended without an address")
	return nil
}

var address = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)
