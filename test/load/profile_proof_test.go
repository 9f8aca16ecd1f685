//go:build proof

package load

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// parts are where a server's time goes: the first whose word is in a stack has it.
var parts = []struct {
	name  string
	words []string
}{
	{"gc", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge"}},
	{"history", []string{"realtime/history."}},
	{"rules", []string{"realtime/rules."}},
	{"socket", []string{"realtime.(*session).send", "realtime.(*session).pump", "realtime.(*session).write"}},
	{"encode", []string{"realtime.(*Hub).tick"}},
	{"state", []string{"realtime.(*Hub).Apply"}},
	{"ingest", []string{"net/http.(*conn).serve", "realtime/mqtt.", "mochi-mqtt"}},
}

// profile takes a CPU profile of the server and tells the seconds of each part,
// in CPU seconds a second; what fits none is "other".
func (s *server) profile(tb testing.TB, seconds int) map[string]float64 {
	resp, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.debug, seconds))
	require.NoError(tb, err)
	defer resp.Body.Close()
	require.Equal(tb, http.StatusOK, resp.StatusCode)
	body, err := io.ReadAll(resp.Body)
	require.NoError(tb, err)
	file := filepath.Join(tb.TempDir(), "cpu.pprof")
	require.NoError(tb, os.WriteFile(file, body, 0o600))
	if keep := os.Getenv("TWIND_LOAD_PROFILE"); keep != "" {
		require.NoError(tb, os.WriteFile(keep, body, 0o600))
	}
	out, err := exec.Command("go", "tool", "pprof", "-traces", file).CombinedOutput()
	require.NoError(tb, err, "%s", out)
	shares := map[string]float64{}
	for block := range strings.SplitSeq(string(out), "-----------+-------------------------------------------------------\n") {
		first, _, _ := strings.Cut(strings.TrimSpace(block), " ")
		d, err := time.ParseDuration(first)
		if err != nil {
			continue // the heading
		}
		shares[partOf(block)] += d.Seconds() / float64(seconds)
	}
	require.NotEmpty(tb, shares)
	return shares
}

func partOf(stack string) string {
	for _, p := range parts {
		for _, w := range p.words {
			if strings.Contains(stack, w) {
				return p.name
			}
		}
	}
	return "other"
}
