package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// viewer runs the viewer's unit tests.
func viewer(ctx context.Context, r *report) error {
	const dir = "web/viewer"
	if err := install(ctx, dir); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "twind-vitest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	file := filepath.Join(temp, "report.json")
	out, err := command(ctx, dir, "npx", "vitest", "run", "--reporter=json", "--outputFile="+file).CombinedOutput()
	b, readErr := os.ReadFile(file)
	if readErr != nil {
		return fmt.Errorf("no report of Vitest: %w\n%s", err, lastLines(out, 30))
	}
	faults := r.faults
	if e := readVitest(b, r); e != nil {
		return e
	}
	if err != nil && r.faults == faults {
		return fmt.Errorf("npx vitest: %w\n%s", err, lastLines(out, 30))
	}
	return nil
}

// readVitest reads Vitest's JSON report, which has the form of Jest's.
func readVitest(b []byte, r *report) error {
	var v struct {
		TestResults []struct {
			Name             string
			Status           string
			Message          string
			AssertionResults []struct {
				FullName        string
				Status          string
				FailureMessages []string
			}
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("the report of Vitest: %w", err)
	}
	for _, f := range v.TestResults {
		name, faults := filepath.Base(f.Name), r.faults
		for _, t := range f.AssertionResults {
			switch t.Status {
			case "passed":
				r.pass(1)
			case "failed":
				r.fail(name+" "+t.FullName, strings.Join(t.FailureMessages, "\n"))
			default:
				r.fail(name+" "+t.FullName, t.Status)
			}
		}
		if f.Status != "passed" && r.faults == faults || len(f.AssertionResults) == 0 {
			r.fail(name, "no test ran\n"+f.Message)
		}
		r.note("%-4s %s  %d tests", map[bool]string{true: "ok", false: "FAIL"}[r.faults == faults], name, len(f.AssertionResults))
	}
	return nil
}

//go:embed reporter.mjs
var reporter []byte

// node runs the tests of each folder under test that is an npm package.
func node(ctx context.Context, r *report) error {
	folders, err := filepath.Glob("test/*/package.json")
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "twind-node-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	script := filepath.Join(temp, "reporter.mjs")
	if err := os.WriteFile(script, reporter, 0o600); err != nil {
		return err
	}
	for _, f := range folders {
		dir := filepath.Dir(f)
		files, err := filepath.Glob(filepath.Join(dir, "*.test.mjs"))
		if err != nil {
			return err
		}
		if len(files) == 0 {
			r.fail(dir, "no file is named *.test.mjs")
			continue
		}
		if err := install(ctx, dir); err != nil {
			r.fail(dir, err.Error())
			continue
		}
		for _, file := range files { // one after the other: they share two cores
			if err := nodeTest(ctx, r, dir, filepath.Base(file), script); err != nil {
				r.fail(file, err.Error())
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

func nodeTest(ctx context.Context, r *report, dir, file, script string) error {
	cmd := command(ctx, dir, "node", "--test", "--test-reporter="+script, "--test-reporter-destination=stdout", file)
	cmd.Env = append(os.Environ(), "NODE_ENV=test")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	faults, ran := r.faults, r.ran
	readErr := readNode(out, r, file)
	if readErr != nil {
		_, _ = io.Copy(io.Discard, out) // so that it can end
	}
	err = cmd.Wait()
	switch exit := (*exec.ExitError)(nil); {
	case readErr != nil:
		return readErr
	case r.ran == ran:
		return errors.New("no test ran")
	case errors.As(err, &exit) && r.faults > faults:
		err = nil // said already
	}
	r.note("%-4s %s  %d tests", map[bool]string{true: "ok", false: "FAIL"}[r.faults == faults], filepath.Join(dir, file), r.ran-ran)
	return err
}

// readNode reads the lines of reporter.mjs.
func readNode(in io.Reader, r *report, file string) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var t struct{ Result, Name, Output string }
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return fmt.Errorf("node --test: %w: %.200s", err, lines.Text())
		}
		if t.Result == "pass" {
			r.pass(1)
		} else {
			r.fail(file+" "+t.Name, t.Output)
		}
	}
	return lines.Err()
}
