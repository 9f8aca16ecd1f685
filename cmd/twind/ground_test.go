package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"twind/internal/config"
	"twind/internal/district"
	"twind/internal/server"
	"twind/layers"
)

func TestDemoGrounds(t *testing.T) {
	dir := t.TempDir()
	list, err := demoGrounds(dir)
	require.NoError(t, err)
	require.Len(t, list, 2)
	before, err := os.Stat(list[1].Source)
	require.NoError(t, err)
	_, err = demoGrounds(dir)
	require.NoError(t, err)
	after, err := os.Stat(list[1].Source)
	require.NoError(t, err)
	require.Equal(t, before.ModTime(), after.ModTime(), "what is there is kept")

	conf := config.Config{Rasters: list}
	conf.EnsureDefaults()
	require.NoError(t, conf.Validate())
	m, err := openModels(conf, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	defer m.Close()
	require.Len(t, m.grounds, 2)
	var roles []string
	for _, r := range m.rasters {
		i := r.Info()
		require.NotEmpty(t, i.Names.ZH)
		roles = append(roles, i.Role)
	}
	require.Equal(t, []string{server.RoleTerrain, server.RoleHillshade, server.RoleRelief, server.RoleTerrain, server.RoleHillshade, server.RoleRelief}, roles)

	d, err := district.New(district.Options{})
	require.NoError(t, err)
	for i := range 200 {
		lon, lat := district.Lon+float64(i%20-10)*0.0011, district.Lat+float64(i/20-5)*0.0017
		h, ok := m.Height(lon, lat)
		require.True(t, ok)
		require.InDelta(t, d.Ground(lon, lat), h, 0.005, "the generated model is the generator's ground")
	}
	h, ok := m.Height(-123.98, 49.16)
	require.True(t, ok)
	require.InDelta(t, 220, h, 5)
	_, ok = m.Height(0, 0)
	require.False(t, ok)
	require.NotEmpty(t, m.Revision())
}

func TestModelsThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ground.tif")
	for _, c := range []struct {
		data, text string
	}{
		{"", "cannot be read: no such file or directory; name an existing GeoTIFF"},
		{"hello, I am a text", "is no TIFF; make one with gdal_translate"},
	} {
		if c.data != "" {
			require.NoError(t, os.WriteFile(path, []byte(c.data), 0o600))
		}
		var log bytes.Buffer
		m, err := openModels(config.Config{Rasters: []config.Raster{{ID: "ground", Source: path, Role: config.RoleDEM, Title: layers.Text{EN: "Ground"}}}}, slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry())
		require.NoError(t, err, "as with images and archives, the rest is served")
		require.Empty(t, m.grounds)
		require.Len(t, m.missing, 1)
		m.Close()
		for _, text := range []string{"an elevation model is left out", "layer=ground", path, c.text} {
			require.Contains(t, log.String(), text)
		}
	}
}
