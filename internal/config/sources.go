package config

import (
	"fmt"
	"net/url"
	"strings"

	"twind/layers"
)

// MaxSources bounds the entries of archives and of rasters.
const MaxSources = 64

// Archive is a PMTiles or MBTiles file whose tiles are served as a layer; the
// file itself says whether they are vector or raster tiles.
type Archive struct {
	ID          layers.ID   `yaml:"id"`
	Source      string      `yaml:"source"`      // path of a .pmtiles or .mbtiles file, or http(s) URL of a PMTiles file
	Title       layers.Text `yaml:"title"`       // default: the file's own name, else the id
	Attribution string      `yaml:"attribution"` // default: the file's own
}

// Roles of Raster.
const (
	RoleImagery = "imagery"
	RoleDEM     = "dem"
)

// Raster is a GeoTIFF served as a layer.
type Raster struct {
	ID            layers.ID   `yaml:"id"`
	Source        string      `yaml:"source"`      // path of a .tif file
	Role          string      `yaml:"role"`        // imagery or dem
	Title         layers.Text `yaml:"title"`       // default: the id
	Attribution   string      `yaml:"attribution"` // of the data
	VerticalDatum string      `yaml:"verticalDatum"`
	Offset        float64     `yaml:"offset"` // of a dem: metres from the WGS 84 ellipsoid up to the zero of its datum, added for terrain in 3D
}

// sourceFaults reports every fault of archives and rasters.
func (c *Config) sourceFaults(bad func(format string, args ...any)) {
	if len(c.Archives) > MaxSources || len(c.Rasters) > MaxSources {
		bad("%d archives and %d rasters: at most %d of each are possible", len(c.Archives), len(c.Rasters), MaxSources)
		return
	}
	seen := map[layers.ID]bool{}
	check := func(what string, id layers.ID, source string) {
		if _, err := layers.ParseID(string(id)); err != nil {
			bad("%s: %s", what, err)
		} else if seen[id] {
			bad("%s: id %s stands twice; each archive and raster needs one of its own", what, id)
		}
		seen[id] = true
		if source == "" {
			bad("%s: %s needs source: FILE", what, id)
		}
	}
	for _, a := range c.Archives {
		check("archives", a.ID, a.Source)
		if err := archiveSource(a.Source); err != nil {
			bad("archives: %s: %s", a.ID, err)
		}
	}
	for _, r := range c.Rasters {
		check("rasters", r.ID, r.Source)
		if r.Role == RoleDEM { // which is served in these forms too
			for _, form := range []layers.ID{"-hillshade", "-relief"} {
				if seen[r.ID+form] {
					bad("rasters: id %s is also that of the %s of the dem %s; each archive and raster needs one of its own", r.ID+form, form[1:], r.ID)
				}
				seen[r.ID+form] = true
			}
		}
		if r.Role != RoleImagery && r.Role != RoleDEM {
			bad("rasters: %s: role %q: expected imagery or dem", r.ID, r.Role)
		}
		if !(r.Offset >= -12000 && r.Offset <= 12000) {
			bad("rasters: %s: offset %g: expected metres between -12000 and 12000", r.ID, r.Offset)
		}
	}
}

// Remote tells whether a source is an http or https URL.
func Remote(source string) bool {
	return strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://")
}

func archiveSource(source string) error {
	if !Remote(source) {
		return nil
	}
	u, err := url.Parse(source)
	if err != nil || u.Host == "" || u.Fragment != "" {
		return fmt.Errorf("source %q: expected a file or an http(s) URL", source)
	}
	if strings.HasSuffix(strings.ToLower(u.Path), ".mbtiles") {
		return fmt.Errorf("source %q: an MBTiles file is read from disk only; copy it here, or convert it to PMTiles", source)
	}
	return nil
}
