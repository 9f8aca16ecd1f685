//go:build proof

package geotiff

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

func gdal(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v: %s", name, args, errOut.String())
	return string(out)
}

// rawBand reads a band as GDAL does.
func rawBand(t *testing.T, path string, band int, m *Image) []float64 {
	t.Helper()
	to := filepath.Join(t.TempDir(), "raw")
	gdal(t, "gdal_translate", "-q", "-of", "ENVI", "-b", strconv.Itoa(band+1), path, to)
	b, err := os.ReadFile(to)
	require.NoError(t, err)
	v := make([]float64, m.Width*m.Height)
	require.Len(t, b, len(v)*m.Type.Size())
	samples(m.Type, v, b, m.Type.Size())
	return v
}

// TestEveryFormThatGDALWrites makes the samples again in every type, compression,
// predictor, byte order and arrangement that GDAL has for it and compares all
// samples.
func TestEveryFormThatGDALWrites(t *testing.T) {
	sources := map[string]string{"int": "testdata/int16-none.tif", "float": "testdata/float64-deflate.tif", "colors": "testdata/uint8-planar.tif"}
	arrangements := []string{"TILED=YES BLOCKXSIZE=16 BLOCKYSIZE=48", "TILED=NO BLOCKYSIZE=7", "TILED=NO BLOCKYSIZE=61 INTERLEAVE=BAND", "TILED=YES BLOCKXSIZE=32 BLOCKYSIZE=32 INTERLEAVE=PIXEL"}
	forms := 0
	path := filepath.Join(t.TempDir(), "a.tif")
	want := map[string][]float64{} // by type, source and band: no form loses anything
	for _, typ := range []string{"Byte", "UInt16", "Int16", "UInt32", "Int32", "Float32", "Float64"} {
		for _, compression := range []string{"NONE", "LZW", "DEFLATE", "PACKBITS", "ZSTD"} {
			for predictor := 1; predictor <= 3; predictor++ {
				float, predicts := strings.HasPrefix(typ, "Float"), compression != "NONE" && compression != "PACKBITS"
				if predictor > 1 && !predicts || predictor == 3 && !float {
					continue
				}
				for range 2 {
					arrangement := forms % 4
					source := sources["int"]
					switch {
					case arrangement >= 2:
						source = sources["colors"]
					case float:
						source = sources["float"]
					}
					options := append([]string{"COMPRESS=" + compression, "ENDIANNESS=" + []string{"LITTLE", "BIG"}[forms/4%2], "BIGTIFF=" + []string{"NO", "YES", "NO"}[forms%3]}, strings.Fields(arrangements[arrangement])...)
					if predicts {
						options = append(options, "PREDICTOR="+strconv.Itoa(predictor))
					}
					args := []string{"-q", "-ot", typ, "-a_nodata", "none"}
					for _, o := range options {
						args = append(args, "-co", o)
					}
					gdal(t, "gdal_translate", append(args, source, path)...)
					name := fmt.Sprintf("%s %v", typ, options)
					f, err := Open(path, Options{})
					require.NoError(t, err, name)
					m := f.Levels()[0]
					for band := range m.Bands {
						key := fmt.Sprint(typ, source, band)
						if predictor == 3 && f.bigEndian() { // GDAL 3.6 writes other samples than it was given
							key = name + key
						}
						if want[key] == nil {
							want[key] = rawBand(t, path, band, m)
						}
						got := make([]float64, m.Width*m.Height)
						require.NoError(t, f.ReadFloat64(0, band, image.Rect(0, 0, m.Width, m.Height), got), name)
						require.Equal(t, want[key], got, "%s band %d", name, band)
					}
					f.Close()
					forms++
				}
			}
		}
	}
	require.Greater(t, forms, 110)
	t.Logf("%d forms", forms)
}

func TestPlacesEqualGDALs(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"UTM":              nil,
		"degrees":          {"-a_srs", "EPSG:4490", "-a_ullr", "112.5", "28.5", "113.5", "27.5"},
		"Gauss-Krüger":     {"-a_srs", "EPSG:4547", "-a_ullr", "400000", "3120000", "407500", "3113900"},
		"feet":             {"-a_srs", "EPSG:2263", "-a_ullr", "980000", "220000", "990000", "200000"},
		"Web Mercator":     {"-a_srs", "EPSG:3857", "-a_ullr", "-8240000", "4980000", "-8230000", "4970000"},
		"points":           {"-mo", "AREA_OR_POINT=Point"},
		"south at the top": {"-a_srs", "EPSG:3857", "-a_ullr", "0", "0", "7500", "6100"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "a.tif")
			gdal(t, "gdal_translate", append(append([]string{"-q"}, args...), "testdata/int16-none.tif", path)...)
			f, err := Open(path, Options{})
			require.NoError(t, err)
			defer f.Close()
			g, err := f.Georeference()
			require.NoError(t, err)
			for _, p := range [][2]int{{0, 0}, {74, 0}, {30, 60}} {
				// gdallocationinfo finds the pixel again at the middle that the transform gives.
				x, y := g.Transform.Apply(float64(p[0])+0.5, float64(p[1])+0.5)
				out := gdal(t, "gdallocationinfo", "-geoloc", path, fmt.Sprintf("%.9f", x), fmt.Sprintf("%.9f", y))
				require.Contains(t, out, fmt.Sprintf("(%dP,%dL)", p[0], p[1]))
				v := make([]float64, 1)
				require.NoError(t, f.ReadFloat64(0, 0, image.Rect(p[0], p[1], p[0]+1, p[1]+1), v))
				require.Contains(t, out, fmt.Sprintf("Value: %g", v[0]))
				x, y = g.Transform.Apply(float64(p[0])+0.01, float64(p[1])+0.99)
				require.Contains(t, gdal(t, "gdallocationinfo", "-geoloc", path, fmt.Sprintf("%.9f", x), fmt.Sprintf("%.9f", y)), fmt.Sprintf("(%dP,%dL)", p[0], p[1]))
			}
		})
	}
}

func TestRotatedImage(t *testing.T) {
	dir := t.TempDir()
	vrt := filepath.Join(dir, "a.vrt")
	gdal(t, "gdal_translate", "-q", "-of", "VRT", "testdata/int16-none.tif", vrt)
	b, err := os.ReadFile(vrt)
	require.NoError(t, err)
	from, to := bytes.Index(b, []byte("<GeoTransform>")), bytes.Index(b, []byte("</GeoTransform>"))
	text := string(b[:from]) + "<GeoTransform>424000, 15, 4, 5448000, 3, -17" + string(b[to:])
	text = strings.ReplaceAll(text, "relativeToVRT=\"1\">", "relativeToVRT=\"0\">")
	abs, err := filepath.Abs("testdata/int16-none.tif")
	require.NoError(t, err)
	start := strings.Index(text, "<SourceFilename")
	open := start + strings.Index(text[start:], ">") + 1
	end := open + strings.Index(text[open:], "<")
	text = text[:open] + abs + text[end:]
	require.NoError(t, os.WriteFile(vrt, []byte(text), 0o600))
	path := filepath.Join(dir, "a.tif")
	gdal(t, "gdal_translate", "-q", vrt, path)
	f, err := Open(path, Options{})
	require.NoError(t, err)
	defer f.Close()
	g, err := f.Georeference()
	require.NoError(t, err)
	require.Equal(t, Affine{424000, 15, 4, 5448000, 3, -17}, g.Transform)
}

func TestRefusalsNameTheWayOut(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.tif")
	for args, word := range map[string]string{
		"-a_srs|+proj=laea +lat_0=50 +lon_0=10": "gdalwarp",
		"-a_srs|EPSG:27700":                     "gdalwarp",
		"-co|PROFILE=BASELINE":                  "-a_srs",
		"-gcp|0|0|1|1|-gcp|75|0|2|1|-gcp|0|61|1|3|-gcp|75|61|2|4|-a_srs|EPSG:4326": "gdalwarp",
	} {
		gdal(t, "gdal_translate", append(append([]string{"-q"}, strings.Split(args, "|")...), "testdata/int16-none.tif", path)...)
		f, err := Open(path, Options{})
		require.NoError(t, err)
		_, err = f.Georeference()
		require.Error(t, err, args)
		require.Contains(t, err.Error(), word)
		require.NotContains(t, err.Error(), "\n")
		f.Close()
	}
	gdal(t, "gdal_translate", "-q", "-of", "COG", "-co", "COMPRESS=LERC", "testdata/int16-none.tif", path)
	_, err := Open(path, Options{})
	require.ErrorIs(t, err, layers.ErrUnsupported)
	require.Contains(t, err.Error(), "gdal_translate")
}

// TestCloudOptimised reads a COG with JPEG, a mask and overviews, made tiled in
// Web Mercator as imagery is.
func TestCloudOptimised(t *testing.T) {
	dir := t.TempDir()
	big, cog := filepath.Join(dir, "big.tif"), filepath.Join(dir, "cog.tif")
	gdal(t, "gdal_translate", "-q", "-outsize", "1500", "1220", "-r", "bilinear", "testdata/uint8-pixel.tif", big)
	gdal(t, "gdalwarp", "-q", "-of", "COG", "-t_srs", "EPSG:3857", "-dstalpha", "-r", "bilinear", big, cog, "-co", "COMPRESS=JPEG", "-co", "TILING_SCHEME=GoogleMapsCompatible", "-co", "BLOCKSIZE=256")
	f, err := Open(cog, Options{})
	require.NoError(t, err)
	defer f.Close()
	require.Greater(t, len(f.Levels()), 2)
	for level, m := range f.Levels() {
		img, err := f.RGBA(level, image.Rect(0, 0, m.Width, m.Height))
		require.NoError(t, err)
		transparent, sum := 0, 0.0
		if level == 0 {
			reds := rawBand(t, cog, 0, m)
			mask := filepath.Join(dir, "mask")
			gdal(t, "gdal_translate", "-q", "-of", "ENVI", "-b", "mask", cog, mask)
			alpha, err := os.ReadFile(mask)
			require.NoError(t, err)
			for i, a := range alpha {
				p := img.NRGBAAt(i%m.Width, i/m.Width)
				require.Equal(t, a > 0, p.A > 0)
				if a > 0 {
					sum += math.Abs(reds[i] - float64(p.R))
				}
			}
			require.Less(t, sum/float64(len(alpha)), 2.0)
		}
		for y := range m.Height {
			for x := range m.Width {
				if img.NRGBAAt(x, y).A == 0 {
					transparent++
				}
			}
		}
		require.Positive(t, transparent)
	}
}

// TestUnitsAndScales reads what GDAL says of the meaning of samples.
func TestUnitsAndScales(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tif")
	gdal(t, "gdal_translate", "-q", "-a_srs", "EPSG:2263+6360", "-a_ullr", "980000", "220000", "990000", "200000", "-a_scale", "0.25", "-a_offset", "10", "testdata/int16-none.tif", path)
	f, err := Open(path, Options{})
	require.NoError(t, err)
	defer f.Close()
	g, err := f.Georeference()
	require.NoError(t, err)
	require.Equal(t, 6360, g.VerticalCode)
	require.InDelta(t, 1200.0/3937, g.VerticalUnit, 1e-12)
	b, err := f.Bounds()
	require.NoError(t, err)
	require.True(t, b.ContainsPoint(-74, 40.74), "%v", b)
	raw, got := expected(t, "int16-none.tif", Int16, 0), read(t, f, 0, 0)
	for i := range raw {
		require.InDelta(t, raw[i]*0.25+10, got[i], 1e-12)
	}
	for _, args := range [][]string{{"-a_srs", "EPSG:2263+6360"}, {"-a_scale", "0.25", "-a_offset", "10"}, nil} {
		gdal(t, "gdal_translate", append(append([]string{"-q"}, args...), "testdata/int16-none.tif", path)...)
		f, err := Open(path, Options{})
		require.NoError(t, err)
		for i, v := range read(t, f, 0, 0) {
			if len(args) == 4 {
				v = (v - 10) / 0.25
			}
			require.InDelta(t, raw[i], v, 1e-12, "%v", args)
		}
		f.Close()
	}
}
