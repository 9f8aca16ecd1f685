package shapefile_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The writers below make shapefiles byte by byte, right ones and wrong ones.

func shpHeader(kind int32, size int) []byte {
	h := make([]byte, 100)
	binary.BigEndian.PutUint32(h, 9994)
	binary.BigEndian.PutUint32(h[24:], uint32(size/2))
	binary.LittleEndian.PutUint32(h[28:], 1000)
	binary.LittleEndian.PutUint32(h[32:], uint32(kind))
	return h
}

// shapes makes the .shp and .shx of records' contents.
func shapes(kind int32, contents ...[]byte) (shp, shx []byte) {
	size := 100
	for _, c := range contents {
		size += 8 + len(c)
	}
	shp, shx = shpHeader(kind, size), shpHeader(kind, 100+8*len(contents))
	for i, c := range contents {
		shx = binary.BigEndian.AppendUint32(shx, uint32(len(shp)/2))
		shx = binary.BigEndian.AppendUint32(shx, uint32(len(c)/2))
		shp = binary.BigEndian.AppendUint32(shp, uint32(i+1))
		shp = binary.BigEndian.AppendUint32(shp, uint32(len(c)/2))
		shp = append(shp, c...)
	}
	return shp, shx
}

func i32(b []byte, v ...int32) []byte {
	for _, n := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

func floats(b []byte, v ...float64) []byte {
	for _, n := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(n))
	}
	return b
}

func pointContent(x, y float64) []byte { return floats(i32(nil, 1), x, y) }

// pathContent makes a polyline or polygon of parts.
func pathContent(kind int32, parts ...[]float64) []byte {
	b := floats(i32(nil, kind), 0, 0, 0, 0)
	n := 0
	for _, p := range parts {
		n += len(p) / 2
	}
	b = i32(b, int32(len(parts)), int32(n))
	n = 0
	for _, p := range parts {
		b = i32(b, int32(n))
		n += len(p) / 2
	}
	for _, p := range parts {
		b = floats(b, p...)
	}
	return b
}

type column struct {
	name     []byte
	kind     byte
	wide     int
	decimals byte
}

// dbase makes a .dbf; a row is the fields' bytes, a deleted one begins with "*".
func dbase(driver byte, cols []column, rows ...[]string) []byte {
	length := 1
	for _, c := range cols {
		length += c.wide
	}
	b := make([]byte, 32)
	b[0], b[1], b[2], b[3] = 3, 126, 11, 21
	binary.LittleEndian.PutUint32(b[4:], uint32(len(rows)))
	binary.LittleEndian.PutUint16(b[8:], uint16(33+32*len(cols)))
	binary.LittleEndian.PutUint16(b[10:], uint16(length))
	b[29] = driver
	for _, c := range cols {
		d := make([]byte, 32)
		copy(d[:11], c.name)
		d[11], d[16], d[17] = c.kind, byte(c.wide), c.decimals
		b = append(b, d...)
	}
	b = append(b, 0x0d)
	for _, r := range rows {
		mark := byte(' ')
		if len(r) > len(cols) {
			mark = '*'
		}
		b = append(b, mark)
		for i, c := range cols {
			b = append(b, append([]byte(r[i]), bytes.Repeat([]byte{' '}, max(0, c.wide-len(r[i])))...)[:c.wide]...)
		}
	}
	return append(b, 0x1a)
}

// write puts parts of a shapefile (by extension) into a new folder and returns
// the .shp's path.
func write(t testing.TB, parts map[string][]byte) string {
	dir := t.TempDir()
	for ext, b := range parts {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data."+ext), b, 0o600))
	}
	return filepath.Join(dir, "data.shp")
}

const wgs84 = `GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`
