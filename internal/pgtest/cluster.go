// Package pgtest gives tests a PostgreSQL with PostGIS of their own.
//
//	scripts/test.sh ─ one cluster ─ TWIND_TEST_POSTGRES ─▶ every package's tests
//	go test ./layers/postgis (variable absent)  ─▶ a cluster of that test process
//	DSN(t) ─▶ CREATE DATABASE … TEMPLATE (PostGIS is in it) … DROP DATABASE
//
// A cluster lives in a temporary folder, listens on a free port of 127.0.0.1
// with a random password, and ends with the process that started it, however
// that process ends: a shell waits for the end of a pipe and then stops the
// server and removes the folder.
package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options choose what a cluster is like. The zero Options give a fast one.
type Options struct {
	Durable bool // keep fsync and full page writes on: for tests that kill the server
}

// Cluster is one running PostgreSQL server. Its methods are safe for concurrent
// use, Stop and Start excepted.
type Cluster struct {
	options  Options
	bin      string // folder of initdb and postgres
	folder   string // everything of the cluster
	password string
	port     int
	cred     *syscall.Credential // of the user postgres when we are root

	watchdog *exec.Cmd // removes everything when pipe ends
	pipe     io.WriteCloser
	server   *exec.Cmd // nil while stopped
}

// templateDatabase is copied for each test; PostGIS is in it.
const templateDatabase = "twind_template"

// NewCluster makes a cluster in a temporary folder and starts it. The caller
// must Close it; it ends with the process in any case.
func NewCluster(o Options) (*Cluster, error) {
	bin, err := findServer()
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 12)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	c := &Cluster{options: o, bin: bin, password: hex.EncodeToString(secret)}
	if c.folder, err = os.MkdirTemp(socketParent(), "twind-pg-"); err != nil {
		return nil, fmt.Errorf("a folder for PostgreSQL: %w", err)
	}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		if c.cred, err = credential("postgres"); err != nil {
			os.RemoveAll(c.folder)
			return nil, err
		}
		if err = os.Chown(c.folder, int(c.cred.Uid), int(c.cred.Gid)); err != nil {
			os.RemoveAll(c.folder)
			return nil, err
		}
	}
	if err = c.guard(); err == nil {
		err = c.initialise()
	}
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// socketParent is a folder whose path leaves room for a Unix socket (107 bytes)
// and which other users may enter.
func socketParent() string {
	dir := os.TempDir()
	if len(dir) <= 60 && dir != "/tmp" {
		if st, err := os.Stat(dir); err == nil && os.Geteuid() != 0 && st.IsDir() {
			return dir
		}
	}
	return "/tmp"
}

// findServer looks for the newest PostgreSQL that has PostGIS.
func findServer() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	sort.Slice(found, func(i, j int) bool { return majorOf(found[i]) > majorOf(found[j]) })
	if p, err := exec.LookPath("initdb"); err == nil {
		found = append(found, p)
	}
	if len(found) == 0 {
		return "", errors.New("PostgreSQL is not installed: run scripts/deps.sh, which installs the package postgresql-15-postgis-3")
	}
	for _, p := range found {
		bin := filepath.Dir(p)
		out, err := exec.CommandContext(context.Background(), filepath.Join(bin, "pg_config"), "--sharedir").Output() //nolint:gosec // of the installed PostgreSQL
		if err != nil {                                                                                               // without pg_config (Debian has it in another package) look where Debian puts it
			out = []byte("/usr/share/postgresql/" + strconv.Itoa(majorOf(p)))
		}
		if _, err := os.Stat(filepath.Join(strings.TrimSpace(string(out)), "extension", "postgis.control")); err == nil {
			return bin, nil
		}
	}
	return "", fmt.Errorf("PostgreSQL in %s has no PostGIS: run scripts/deps.sh, which installs the package postgresql-15-postgis-3", filepath.Dir(found[0]))
}

func majorOf(path string) int {
	for _, part := range strings.Split(path, "/") {
		if n, err := strconv.Atoi(part); err == nil {
			return n
		}
	}
	return 0
}

func credential(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("tests run as root need the user %s, which the package postgresql-common makes: run scripts/deps.sh", name)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), name, args...) //nolint:gosec // PostgreSQL's programs and the shell
	cmd.Dir = c.folder
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "HOME="+c.folder, "PGOPTIONS=", "PGPASSWORD=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred, Setsid: true}
	return cmd
}

func (c *Cluster) initialise() error {
	secret := filepath.Join(c.folder, "password")
	if err := os.WriteFile(secret, []byte(c.password+"\n"), 0o600); err != nil {
		return err
	}
	if c.cred != nil {
		if err := os.Chown(secret, int(c.cred.Uid), int(c.cred.Gid)); err != nil {
			return err
		}
	}
	out, err := c.command(filepath.Join(c.bin, "initdb"), "--no-sync", "--no-instructions", "-D", filepath.Join(c.folder, "data"),
		"-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--locale=C.UTF-8").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// watch waits until standard input ends, then ends the server of the cluster in
// the folder $0 at once and removes the folder.
const watch = `trap '' INT TERM HUP
cat >/dev/null
if read pid <"$0/data/postmaster.pid"; then
	kill -QUIT "$pid"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do kill -0 "$pid" && sleep 0.1; done
	kill -KILL "$pid"
fi 2>/dev/null
cd / && rm -rf "$0"
exit 0`

func (c *Cluster) guard() error {
	cmd := c.command("/bin/sh", "-c", watch, c.folder)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("the watchdog of PostgreSQL: %w", err)
	}
	c.watchdog, c.pipe = cmd, pipe
	return nil
}

// Start starts a cluster that Stop or Kill ended, on the port it had.
func (c *Cluster) Start() error {
	if c.server != nil {
		return nil
	}
	for attempt := 0; ; attempt++ {
		fresh := c.port == 0
		if fresh {
			l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			c.port = l.Addr().(*net.TCPAddr).Port
			_ = l.Close()
		}
		err := c.start()
		if err == nil || !fresh || attempt == 3 {
			return err
		}
		c.port = 0 // somebody else took it meanwhile
	}
}

func (c *Cluster) start() error {
	args := []string{"-D", filepath.Join(c.folder, "data"), "-p", strconv.Itoa(c.port), "-k", c.folder}
	settings := []string{"listen_addresses=127.0.0.1", "max_connections=200", "shared_buffers=128MB", "maintenance_work_mem=128MB",
		"wal_level=minimal", "max_wal_senders=0", "max_wal_size=2GB", "logging_collector=off", "jit=off"}
	if !c.options.Durable {
		settings = append(settings, "fsync=off", "full_page_writes=off", "synchronous_commit=off")
	}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	log, err := os.OpenFile(filepath.Join(c.folder, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := c.command(filepath.Join(c.bin, "postgres"), args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	c.server = cmd
	deadline := time.Now().Add(60 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		conn, err := pgx.Connect(ctx, c.DSN("postgres"))
		if err == nil {
			_ = conn.Close(ctx)
			cancel()
			return nil
		}
		cancel()
		if time.Now().After(deadline) || gone(cmd.Process.Pid) {
			c.end(syscall.SIGQUIT)
			return fmt.Errorf("PostgreSQL does not start: %w: %s", err, lastLines(c.Log(), 10))
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// gone tells whether our child has ended (a zombie until it is waited for).
func gone(pid int) bool {
	st, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(st, []byte(") Z "))
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Log is what the server has written so far.
func (c *Cluster) Log() string {
	b, _ := os.ReadFile(filepath.Join(c.folder, "log"))
	return string(b)
}

// DSN is the address of one of the cluster's databases for its superuser, as a
// postgres:// URL with the password in it.
func (c *Cluster) DSN(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", c.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Port is the TCP port on 127.0.0.1.
func (c *Cluster) Port() int { return c.port }

// Kill ends the server as a crash does; Start brings it back.
func (c *Cluster) Kill() { c.end(syscall.SIGQUIT) }

// Stop shuts the server down in order, closing its connections; Start brings it back.
func (c *Cluster) Stop() { c.end(syscall.SIGINT) }

func (c *Cluster) end(signal syscall.Signal) {
	if c.server == nil {
		return
	}
	_ = c.server.Process.Signal(signal)
	timer := time.AfterFunc(30*time.Second, func() { _ = c.server.Process.Kill() })
	_ = c.server.Wait() // its error is the signal
	timer.Stop()
	c.server = nil
}

// Close ends the server and removes its folder.
func (c *Cluster) Close() error {
	c.end(syscall.SIGQUIT)
	if c.pipe != nil {
		c.pipe.Close()
		_ = c.watchdog.Wait()
	}
	return os.RemoveAll(c.folder)
}
