package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/config"
)

func TestHistoryRetention(t *testing.T) {
	c, err := config.Parse([]byte(`
history:
  dir: /var/lib/twind/history
  retention: {vehicles: 90d, trains: {age: 1y, bytes: 20GiB}, _events: 36h, buses: {bytes: 1000}}
  default: 2w
  maxBytes: 64GiB
`))
	require.NoError(t, err)
	h := c.History
	require.Equal(t, "/var/lib/twind/history", h.Dir)
	day := 24 * time.Hour
	require.Equal(t, config.Retention{Age: config.Age(90 * day)}, h.Retention["vehicles"])
	require.Equal(t, config.Retention{Age: config.Age(365 * day), Bytes: 20 << 30}, h.Retention["trains"])
	require.Equal(t, config.Retention{Age: config.Age(36 * time.Hour)}, h.Retention["_events"])
	require.Equal(t, config.Retention{Bytes: 1000}, h.Retention["buses"])
	require.Equal(t, config.Retention{Age: config.Age(14 * day)}, h.Default)
	require.Equal(t, config.Bytes(64<<30), h.MaxBytes)
	for text, want := range map[string]string{
		"history: {default: soon}":                     "a number and a unit, such as 30d",
		"history: {default: -3d}":                      "a number and a unit",
		"history: {default: [1]}":                      "a retention is an age",
		"history: {retention: {vehicles: {years: 3}}}": "unknown key \"years\"",
		"history: {maxBytes: 5 apples}":                "expected a whole number of bytes",
		"history: {maxBytes: 9000000TiB}":              "expected a whole number of bytes",
		"history: {retention: {Größe: 3d}}":            "layer id",
		"history: {colour: red}":                       "colour",
	} {
		_, err := config.Parse([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}
