package shapefile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/importers/shapefile"
	"twind/layers"
)

// drain reads a shapefile to its end or its fault; nothing may panic, and every
// error must be one for the user.
func drain(t *testing.T, parts map[string][]byte, o importers.OpenOptions) {
	src, err := shapefile.OpenParts(parts, o)
	if err != nil {
		require.ErrorIs(t, err, layers.ErrInvalid)
		return
	}
	defer src.Close()
	var rec importers.Record
	for {
		err := src.Next(&rec)
		var r *importers.Refusal
		if errors.Is(err, io.EOF) {
			return
		}
		if errors.As(err, &r) {
			require.NotEmpty(t, r.Reason)
			continue
		}
		if err != nil {
			require.ErrorIs(t, err, layers.ErrInvalid)
			return
		}
		_ = rec.Geometry.Check() // what is malformed is the engine's to refuse
		for _, v := range rec.Values {
			require.True(t, utf8.ValidString(v.Text()), "%q", v.Text())
		}
	}
}

func FuzzShp(f *testing.F) {
	files, err := filepath.Glob("testdata/shapes/*.shp")
	require.NoError(f, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		if len(b) < 5000 {
			idx, _ := os.ReadFile(name[:len(name)-1] + "x")
			f.Add(b, idx)
		}
	}
	f.Fuzz(func(t *testing.T, shp, shx []byte) {
		parts := map[string][]byte{"shp": shp}
		if len(shx) > 0 {
			parts["shx"] = shx
		}
		drain(t, parts, importers.OpenOptions{GeometryOnly: true, Reuse: true})
	})
}

func FuzzDbf(f *testing.F) {
	for _, name := range []string{"testdata/shapes/poly.dbf", "testdata/gb18030/管线.dbf", "testdata/shapes/multipatch.dbf"} {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b, "GBK")
	}
	f.Add(dbase(0x57, []column{{[]byte("a"), 'N', 5, 2}, {[]byte("b"), '@', 8, 0}}, []string{"1.5", "12345678"}), "")
	shp, _ := shapes(1, pointContent(1, 1), pointContent(2, 2), pointContent(3, 3))
	f.Fuzz(func(t *testing.T, dbf []byte, cpg string) {
		parts := map[string][]byte{"shp": shp, "dbf": dbf}
		if cpg != "" {
			parts["cpg"] = []byte(cpg)
		}
		drain(t, parts, importers.OpenOptions{Reuse: true})
	})
}

func FuzzPrjAndCpg(f *testing.F) {
	f.Add([]byte(wgs84), []byte("936"))
	f.Add([]byte("PROJCS["), []byte("ANSI 1252\x00"))
	shp, _ := shapes(1, pointContent(1, 1))
	dbf := dbase(0, []column{{[]byte("a"), 'C', 8, 0}}, []string{"\xb3\xa4\xc9\xb3"})
	f.Fuzz(func(t *testing.T, prj, cpg []byte) {
		drain(t, map[string][]byte{"shp": shp, "dbf": dbf, "prj": prj, "cpg": cpg}, importers.OpenOptions{Reuse: true})
	})
}
