package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// report counts tests and prints the failures.
type report struct {
	out            io.Writer
	passed, failed int
	ran, faults    int // of the step under way
	failures       []string
}

func (r *report) begin(step string) {
	r.ran, r.faults = 0, 0
	fmt.Fprintf(r.out, "== %s\n", step)
}

func (r *report) end(took time.Duration) {
	fmt.Fprintf(r.out, "== %d passed, %d failed in %v\n\n", r.ran-r.faults, r.faults, took.Round(time.Second))
}

// pass counts tests that passed.
func (r *report) pass(n int) {
	r.passed += n
	r.ran += n
}

// fail counts one that failed, or was skipped, and prints what it wrote.
func (r *report) fail(name, output string) {
	r.failed++
	r.ran++
	r.faults++
	r.failures = append(r.failures, name)
	fmt.Fprintf(r.out, "FAIL %s\n", name)
	if output = strings.TrimRight(output, "\n"); output != "" {
		fmt.Fprintf(r.out, "    %s\n", strings.ReplaceAll(output, "\n", "\n    "))
	}
}

// note prints a line about a part that is done.
func (r *report) note(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// finish prints the failures' names again and the count, and returns the exit status.
func (r *report) finish() int {
	if r.passed+r.failed == 0 {
		r.fail("testrun", "no test ran")
	}
	for _, f := range r.failures {
		fmt.Fprintf(r.out, "FAIL %s\n", f)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed\n", r.passed, r.failed)
	if r.failed > 0 {
		return 1
	}
	return 0
}

func lastLines(b []byte, n int) string {
	lines := strings.Split(string(bytes.TrimSpace(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
