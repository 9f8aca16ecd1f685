package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// folder makes a folder of files given as name, content, …
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(files[i+1]), 0o600))
	}
	return dir
}

// goOutput is what go test -json prints for a module.
func goOutput(t *testing.T, files ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "./...")
	cmd.Dir = folder(t, append([]string{"go.mod", "module example\n\ngo 1.26\n"}, files...)...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, _ := cmd.Output() // exit status 1 where tests fail
	require.NotEmpty(t, out)
	return out
}

func TestGoTestsAreCountedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		files          []string
		passed, failed int
		say            []string
	}{
		"pass": {[]string{"a/a_test.go", `package a
			import "testing"
			func TestOne(t *testing.T) {}
			func TestTwo(t *testing.T) { t.Run("x", func(t *testing.T) { t.Run("deep", func(*testing.T) {}) }); t.Run("y", func(*testing.T) {}) }`, "b/b.go", "package b"}, 3, 0, []string{"ok   example/a  3 tests"}},
		"fail": {[]string{"a/a_test.go", `package a
			import "testing"
			func TestGood(t *testing.T) {}
			func TestBad(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Error("two is not three") }) }
			func TestSkipped(t *testing.T) { t.Skip("no time") }`}, 1, 2, []string{"FAIL example/a TestBad/sub", "two is not three", "FAIL example/a TestSkipped", "no time"}},
		"does not build": {[]string{"a/a_test.go", "package a\nvar x int = true\n", "b/b_test.go", "package b\nimport \"testing\"\nfunc TestB(*testing.T) {}\n"}, 1, 1, []string{"FAIL example/a", "cannot use true"}},
		"panic": {[]string{"a/a_test.go", `package a
			import "testing"
			func TestA(*testing.T) {}
			func TestPanic(*testing.T) { panic("oh") }
			func TestNever(*testing.T) {}`}, 1, 1, []string{"TestPanic", "panic: oh"}},
		"exit": {[]string{"a/a_test.go", `package a
			import ("os"; "testing")
			func TestExit(*testing.T) { os.Exit(0) }`}, 0, 1, []string{"FAIL example/a"}},
		"main fails": {[]string{"a/a_test.go", `package a
			import ("os"; "testing")
			func TestMain(m *testing.M) { m.Run(); os.Exit(3) }
			func TestA(*testing.T) {}`}, 1, 1, []string{"FAIL example/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			r := &report{out: &out}
			require.NoError(t, readGoTest(bytes.NewReader(goOutput(t, c.files...)), r))
			require.Equal(t, []int{c.passed, c.failed}, []int{r.passed, r.failed}, out.String())
			for _, s := range c.say {
				require.Contains(t, out.String(), s)
			}
		})
	}
}

func TestProofsAreFound(t *testing.T) {
	dir := folder(t, "a/a_test.go", "package a\nfunc TestA() {}\n",
		"a/a_proof_test.go", "//go:build proof\n\npackage a\nfunc TestBig() {}\nfunc TestMain() {}\nfunc Testable() {}\nfunc helper() {}\n",
		"b/c/b_test.go", "//go:build proof && linux\n\npackage b\nfunc TestOther() {}\nfunc BenchmarkX() {}\n",
		"b/d_test.go", "//go:build !proof\n\npackage b\nfunc TestNot() {}\n",
		"testdata/x_test.go", "//go:build proof\n\npackage x\nfunc TestX() {}\n")
	t.Chdir(dir)
	packages, tests, err := proofs(".")
	require.NoError(t, err)
	require.Equal(t, []string{"./a", "./b/c"}, packages)
	require.Equal(t, []string{"TestBig", "TestOther"}, tests)
}

func nodeRun(t *testing.T, source string) (*report, string) {
	t.Helper()
	dir := folder(t, "x.test.mjs", source)
	script := filepath.Join(dir, "reporter.mjs")
	require.NoError(t, os.WriteFile(script, reporter, 0o600))
	var out bytes.Buffer
	r := &report{out: &out}
	if err := nodeTest(t.Context(), r, dir, "x.test.mjs", script); err != nil {
		r.fail("x.test.mjs", err.Error())
	}
	return r, out.String()
}

func TestNodeTestsAreCountedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		source         string
		passed, failed int
		say            string
	}{
		"pass": {`import { test, describe, it } from 'node:test';
			test('one', () => { console.log('hello'); });
			describe('suite', () => { it('a', () => {}); it('b', async () => {}); });
			test('parent', async (t) => { await t.test('child', () => {}); });`, 4, 0, "ok "},
		"fail": {`import { test, describe, it } from 'node:test';
			import assert from 'node:assert/strict';
			test('good', () => {});
			describe('suite', () => { it('bad', () => { console.log('a hint'); assert.equal(1, 2, 'one is not two'); }); });
			test('skipped', { skip: true }, () => {});
			test('later', { todo: true }, () => {});
			test('parent', async (t) => { await t.test('child', () => { throw new Error('no child'); }); });`, 1, 4, "one is not two"},
		"no tests":     {`console.log('nothing here');`, 0, 1, "no test ran"},
		"syntax error": {`import { test from 'node:test';`, 0, 1, "x.test.mjs"},
		"after fails": {`import { test, after } from 'node:test';
			after(() => { throw new Error('cannot stop'); });
			test('good', () => {});`, 1, 1, "cannot stop"},
	} {
		t.Run(name, func(t *testing.T) {
			r, out := nodeRun(t, c.source)
			require.Equal(t, []int{c.passed, c.failed}, []int{r.passed, r.failed}, out)
			require.Contains(t, out, c.say)
		})
	}
}

func TestVitestReport(t *testing.T) {
	var out bytes.Buffer
	r := &report{out: &out}
	require.NoError(t, readVitest([]byte(`{"numTotalTests":3,"testResults":[
		{"name":"/x/a.test.ts","status":"passed","assertionResults":[{"fullName":"adds","status":"passed"},{"fullName":"waits","status":"pending"}]},
		{"name":"/x/b.test.ts","status":"failed","message":"cannot import","assertionResults":[]},
		{"name":"/x/c.test.ts","status":"failed","assertionResults":[{"fullName":"breaks","status":"failed","failureMessages":["expected 1 to be 2"]}]}]}`), r))
	require.Equal(t, []int{1, 3}, []int{r.passed, r.failed})
	for _, s := range []string{"FAIL a.test.ts waits", "pending", "FAIL b.test.ts", "cannot import", "FAIL c.test.ts breaks", "expected 1 to be 2"} {
		require.Contains(t, out.String(), s)
	}
	require.Error(t, readVitest([]byte("<html>"), r))
}

func TestLastLineIsTheCount(t *testing.T) {
	var out bytes.Buffer
	r := &report{out: &out}
	r.begin("x")
	r.pass(3)
	require.Equal(t, 0, r.finish())
	require.True(t, strings.HasSuffix(out.String(), "\n3 passed, 0 failed\n"))
	r.fail("y", "why")
	require.Equal(t, 1, r.finish())
	require.True(t, strings.HasSuffix(out.String(), "FAIL y\n3 passed, 1 failed\n"))
	nothing := &report{out: &out}
	require.Equal(t, 1, nothing.finish(), "no test is a failure")
	require.Equal(t, 2, run([]string{"everything"}))
}
