// Package killtest runs a test binary again as a server in a process of its own,
// for tests that kill it as a power cut would.
package killtest

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// variable tells the child its folder.
const variable = "TWIND_TEST_CHILD"

// Serve is for TestMain: in a child it serves what open makes of its folder until
// it is killed; elsewhere it returns at once.
func Serve(open func(dir string) (http.Handler, error)) {
	dir := os.Getenv(variable)
	if dir == "" {
		return
	}
	handler, err := open(dir)
	var ln net.Listener
	if err == nil {
		ln, err = net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is killed
	}
	if err == nil {
		fmt.Println(ln.Addr())
		err = http.Serve(ln, handler) //nolint:gosec // it is killed
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Child is a server in a process of its own.
type Child struct {
	URL string
	cmd *exec.Cmd
}

// Start begins one, whose TestMain calls Serve.
func Start(t testing.TB, dir string) *Child {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe) //nolint:noctx,gosec // it is killed; it is this program
	cmd.Env = append(os.Environ(), variable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &Child{cmd: cmd}
	t.Cleanup(c.Kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	c.URL = "http://" + strings.TrimSpace(line)
	return c
}

// Kill ends the process as a power cut would end it, for the process. It may be
// called again.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // killed
}
