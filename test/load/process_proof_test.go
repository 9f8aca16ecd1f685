//go:build proof

package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cpuOf is what another process has used, user and system.
func cpuOf(tb testing.TB, pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(tb, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(tb, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(tb, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// anonymous is what another process has in memory that is not of files, bytes.
func anonymous(tb testing.TB, pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(tb, err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			require.NoError(tb, err)
			return kb << 10
		}
	}
	tb.Fatal("no RssAnon")
	return 0
}

// loadAverage is how busy the machine is: every figure is to be read with it.
func loadAverage(tb testing.TB) float64 {
	b, err := os.ReadFile("/proc/loadavg")
	require.NoError(tb, err)
	v, err := strconv.ParseFloat(strings.Fields(string(b))[0], 64)
	require.NoError(tb, err)
	return v
}
