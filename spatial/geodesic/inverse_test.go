package geodesic

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDistanceEqualsPROJ(t *testing.T) {
	file, err := os.Open("testdata/inverse.txt")
	require.NoError(t, err)
	defer file.Close()
	n, worst := 0, 0.0
	for s := bufio.NewScanner(file); s.Scan(); n++ {
		var lat1, lon1, lat2, lon2, want float64
		_, err := fmt.Sscan(s.Text(), &lat1, &lon1, &lat2, &lon2, &want)
		require.NoError(t, err)
		got := Distance(lon1, lat1, lon2, lat2)
		require.InDelta(t, want, got, 2e-8, s.Text())
		require.InDelta(t, want, Distance(lon2, lat2, lon1, lat1), 2e-8, "reversed "+s.Text())
		worst = math.Max(worst, math.Abs(got-want))
	}
	require.Equal(t, 338, n)
	t.Logf("largest difference %.1e m", worst)
}

func TestDistanceOfNaNIsNaN(t *testing.T) {
	require.True(t, math.IsNaN(Distance(math.NaN(), 0, 1, 1)))
	require.True(t, math.IsNaN(Distance(0, math.NaN(), 1, 1)))
}

func BenchmarkDistance(b *testing.B) {
	b.ReportAllocs()
	for i := range b.N {
		Distance(-73.98, 40.75, -73.98+float64(i%1000)*1e-5, 40.751)
	}
}
