// Command testrun runs every test of the repository and counts them once.
//
//	build     the viewer and bin/twind, which browser tests and judges start
//	viewer    unit tests of the viewer (Vitest)
//	go        go test -race ./... on small fixtures
//	proof     tests with the build tag proof, without -race: real data, PostGIS
//	node      test/*/*.test.mjs in Node's runner: browser tests, other people's readers
//
// The steps to run may be named as arguments. One PostgreSQL serves them all.
//
// Failures are printed with what the test wrote. A skipped test counts as
// failed, and so does a step that ran no test: nothing is left out in silence.
// The last line is "N passed, N failed"; the exit status is 1 unless N is 0.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"twind/internal/pgtest"
)

// timeLimit bounds the whole run.
const timeLimit = 55 * time.Minute

// A step runs tests and tells the report what came of them.
type step struct {
	name  string
	tests bool // it is a failure if there are none
	run   func(context.Context, *report) error
}

var steps = []step{
	{"build", false, build},
	{"viewer", true, viewer},
	{"go", true, goRace},
	{"proof", true, goProof},
	{"node", true, node},
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(names []string) int {
	for _, n := range names {
		if !slices.ContainsFunc(steps, func(s step) bool { return s.name == n }) {
			fmt.Fprintf(os.Stderr, "testrun: step %q is unknown: use build, viewer, go, proof or node\n", n)
			return 2
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	r := &report{out: os.Stdout}
	database := &database{}
	defer database.close()
	for _, s := range steps {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		start := time.Now()
		r.begin(s.name)
		var err error
		if s.name == "go" || s.name == "proof" || s.name == "node" {
			err = database.open()
		}
		if err == nil {
			err = s.run(ctx, r)
		}
		if err == nil && s.tests && r.ran == 0 {
			err = errors.New("no test ran")
		}
		if err != nil {
			r.fail(s.name, err.Error())
		}
		r.end(time.Since(start))
		if ctx.Err() != nil || err != nil && s.name == "build" {
			break
		}
	}
	return r.finish()
}

// database is the PostgreSQL of the tests.
type database struct{ cluster *pgtest.Cluster }

func (d *database) open() (err error) {
	if d.cluster != nil || os.Getenv(pgtest.Variable) != "" {
		return nil
	}
	if d.cluster, err = pgtest.NewCluster(pgtest.Options{}); err != nil {
		return err
	}
	return os.Setenv(pgtest.Variable, d.cluster.DSN("postgres"))
}

func (d *database) close() {
	if d.cluster != nil {
		if err := d.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "testrun: PostgreSQL:", err)
		}
	}
}

// command is a child that ends, with its children, when ctx does.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // go, make, node and npm
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// quiet runs a command whose output matters only when it fails.
func quiet(ctx context.Context, dir, name string, args ...string) error {
	out, err := command(ctx, dir, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, lastLines(out, 30))
	}
	return nil
}

func build(ctx context.Context, _ *report) error {
	return quiet(ctx, ".", "make", "--no-print-directory", "build")
}

// install installs a folder's npm packages when its lock file is newer than
// what is there.
func install(ctx context.Context, dir string) error {
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("%s has no package-lock.json: run npm install there and commit it", dir)
	}
	if done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil && !done.ModTime().Before(lock.ModTime()) {
		return nil
	}
	return quiet(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
}
