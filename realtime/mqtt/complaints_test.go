package mqtt

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheLogTellsOfAFewRefusalsAMinute counts the lines of thirty refused messages,
// the library's included.
func TestTheLogTellsOfAFewRefusalsAMinute(t *testing.T) {
	log := newLines()
	m := client(t, broker(t, BrokerOptions{Sink: newHub(t), Log: log.logger()}), "a", "", "")
	for range 30 {
		code, _ := publish(t, m, "twind/vehicles/x", "nonsense")
		require.EqualValues(t, 0x99, code)
	}
	require.Equal(t, complaintsAtOnce, strings.Count(log.String(), "\n"), log.String())
	require.Equal(t, complaintsAtOnce, strings.Count(log.String(), "an MQTT message is refused"))
}

func TestTheLibrarysErrorsAreLimitedTooAndWithoutPackets(t *testing.T) {
	log := newLines()
	now := time.Unix(1, 0)
	c := &complaints{log: log.logger(), now: func() time.Time { return now }}
	for range 20 {
		c.quiet().Error("parse will error", "error", errors.New("no"), "packet", "password")
	}
	c.about("an MQTT message is refused", "topic", "t", "c", errors.New("no"))
	c.quiet().Warn("a client went away")
	require.Equal(t, complaintsAtOnce, strings.Count(log.String(), `msg="MQTT: parse will error" error=no`))
	require.Equal(t, complaintsAtOnce, strings.Count(log.String(), "\n"))
	require.NotContains(t, log.String(), "password")
	now = now.Add(complaintEvery)
	c.quiet().Error("parse will error")
	require.Contains(t, log.String(), "others=16")
}
