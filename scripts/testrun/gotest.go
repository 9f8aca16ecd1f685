package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// goRace runs all Go tests under the race detector, which needs cgo.
func goRace(ctx context.Context, r *report) error {
	return goTest(ctx, r, []string{"CGO_ENABLED=1"}, "-race", "-timeout=25m", "./...")
}

// goProof runs the tests of files with the build tag proof, and only these: the
// others have run in the first pass.
func goProof(ctx context.Context, r *report) error {
	packages, tests, err := proofs(".")
	if err != nil {
		return err
	}
	if len(tests) == 0 {
		return errors.New("no file has the build tag proof")
	}
	if err := install(ctx, "test/judges"); err != nil { // proofs of glTF ask the validator there
		return err
	}
	args := append([]string{"-tags=proof", "-timeout=25m", "-p=1", "-run=^(" + strings.Join(tests, "|") + ")$"}, packages...)
	return goTest(ctx, r, []string{"CGO_ENABLED=0"}, args...)
}

// proofs finds the packages and names of the tests with the build tag proof.
func proofs(root string) (packages, tests []string, err error) {
	seen := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == "testdata" || len(name) > 1 && name[0] == '.') {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil || !tagged(f) {
			return err
		}
		dir := "./" + filepath.ToSlash(filepath.Dir(path))
		if !seen[dir] {
			seen[dir] = true
			packages = append(packages, dir)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && testName.MatchString(fn.Name.Name) && fn.Name.Name != "TestMain" {
				tests = append(tests, fn.Name.Name)
			}
		}
		return nil
	})
	sort.Strings(tests)
	return packages, slices.Compact(tests), err
}

var testName = regexp.MustCompile(`^(Test|Fuzz|Example)([^a-z]|$)`)

// tagged tells whether a file is built only with the tag proof.
func tagged(f *ast.File) bool {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if !constraint.IsGoBuild(c.Text) {
				continue
			}
			x, err := constraint.Parse(c.Text)
			if err != nil {
				return false
			}
			set := func(proof bool) bool {
				return x.Eval(func(tag string) bool { return tag != "proof" || proof })
			}
			return set(true) && !set(false)
		}
	}
	return false
}

func goTest(ctx context.Context, r *report, env []string, args ...string) error {
	cmd := command(ctx, ".", "go", append([]string{"test", "-json", "-count=1"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	failed := r.faults
	readErr := readGoTest(out, r)
	if readErr != nil {
		_, _ = io.Copy(io.Discard, out) // so that it can end
	}
	err = cmd.Wait()
	switch exit := (*exec.ExitError)(nil); {
	case readErr != nil:
		return readErr
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &exit) && r.faults > failed:
		return nil // said already
	}
	return err
}

// event is a line of go test -json (cmd/test2json).
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
	Elapsed                                                float64
}

// goPackage is what is known of a package's tests so far.
type goPackage struct {
	output map[string]*strings.Builder // by test; "" is the package's own
	parent map[string]bool             // tests that have subtests
	result map[string]string           // pass, fail, skip
	order  []string
}

// readGoTest counts tests without subtests, so that nothing counts twice. A test
// that skips counts as failed; so does a package that fails without a test that
// does, such as one that does not build.
func readGoTest(in io.Reader, r *report) error {
	packages := map[string]*goPackage{}
	builds := map[string]*strings.Builder{} // output of the compiler
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(r.out, lines.Text()) // not of test2json: of go itself
			continue
		}
		if e.Action == "build-output" {
			if builds[e.ImportPath] == nil {
				builds[e.ImportPath] = &strings.Builder{}
			}
			builds[e.ImportPath].WriteString(e.Output)
			continue
		}
		if e.Package == "" {
			continue
		}
		p := packages[e.Package]
		if p == nil {
			p = &goPackage{map[string]*strings.Builder{}, map[string]bool{}, map[string]string{}, nil}
			packages[e.Package] = p
		}
		switch e.Action {
		case "output":
			b := p.output[e.Test]
			if b == nil {
				b = &strings.Builder{}
				p.output[e.Test] = b
			}
			if b.Len() < 1<<20 {
				b.WriteString(e.Output)
			}
		case "run":
			p.order = append(p.order, e.Test)
			for i := strings.LastIndexByte(e.Test, '/'); i > 0; i = strings.LastIndexByte(e.Test[:i], '/') {
				p.parent[e.Test[:i]] = true
			}
		case "pass", "fail", "skip":
			if e.Test != "" {
				p.result[e.Test] = e.Action
				continue
			}
			if e.FailedBuild != "" && builds[e.FailedBuild] != nil {
				r.fail(e.Package, builds[e.FailedBuild].String())
				delete(packages, e.Package)
				continue
			}
			p.finish(r, e)
			delete(packages, e.Package)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read go test: %w", err)
	}
	for name := range packages {
		r.fail(name, "the package's tests did not end")
	}
	return nil
}

// finish counts a package's tests.
func (p *goPackage) finish(r *report, e event) {
	passed, faults := 0, r.faults
	childFailed := map[string]bool{}
	for _, t := range slices.Backward(p.order) {
		result := p.result[t]
		up := t[:max(0, strings.LastIndexByte(t, '/'))]
		text := ""
		if b := p.output[t]; b != nil {
			text = clean(b.String())
		}
		if result != "pass" {
			childFailed[up] = true
		}
		switch result {
		case "pass":
			if !p.parent[t] {
				passed++
			}
		case "fail":
			if !p.parent[t] || !childFailed[t] || strings.TrimSpace(text) != "" {
				r.fail(e.Package+" "+t, text)
			}
		case "skip":
			r.fail(e.Package+" "+t, "skipped:\n"+text)
		default:
			r.fail(e.Package+" "+t, "did not end (the process died?)\n"+text)
		}
	}
	r.pass(passed)
	if e.Action == "fail" && r.faults == faults {
		text := "the package fails without a failing test"
		if b := p.output[""]; b != nil {
			text = b.String()
		}
		r.fail(e.Package, text)
	}
	if passed > 0 || r.faults > faults {
		r.note("%-4s %s  %d tests  %.1fs", map[bool]string{true: "ok", false: "FAIL"}[r.faults == faults], e.Package, passed+r.faults-faults, e.Elapsed)
	}
}

var noise = regexp.MustCompile(`^\s*(=== (RUN|PAUSE|CONT|NAME)|--- (PASS|FAIL|SKIP):) .*\n?`)

// clean leaves out the lines with which go test frames a test's output.
func clean(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if !noise.MatchString(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}
