package demo

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/testdata/city"
)

// row is a line of the README's table.
var row = regexp.MustCompile(`(?m)^\| (\S+/\S+) \| (\d+) \| (\d+) \|`)

func TestReadmeNamesEveryFileWithItsSizeAndCount(t *testing.T) {
	text, err := os.ReadFile("../../testdata/city/README.md")
	require.NoError(t, err)
	listed := make(map[string][2]int)
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		size, err := strconv.Atoi(m[3])
		require.NoError(t, err)
		listed[m[1]] = [2]int{n, size}
	}
	total := 0
	require.NoError(t, fs.WalkDir(city.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		require.NoError(t, err)
		want, ok := listed[name]
		require.True(t, ok, "%s stands in the README", name)
		require.Equal(t, want[1], int(info.Size()), "bytes of %s", name)
		total += want[1]
		delete(listed, name)
		if plain, ok := strings.CutSuffix(name, ".gz"); ok {
			b, err := city.ReadFile(plain)
			require.NoError(t, err)
			require.Equal(t, want[0], count(t, plain, b), "count of %s", name)
		}
		return nil
	}))
	require.Empty(t, listed, "the README names only what is there")
	require.Less(t, total, 16<<20, "bytes of all files")
}

// count is the number of things in a file.
func count(t *testing.T, name string, b []byte) int {
	switch path.Ext(name) {
	case ".geojson":
		return bytes.Count(b, []byte("\n{\"type\":\"Feature\","))
	case ".txt", ".tsv":
		n := -1
		for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
			n++
		}
		return n
	case ".gtfsrt":
		return entities(t, b)
	case ".shp": // records of a length of their own, from byte 100
		n, at := 0, 100
		for at+8 <= len(b) {
			words := int(b[at+4])<<24 | int(b[at+5])<<16 | int(b[at+6])<<8 | int(b[at+7])
			at += 8 + 2*words
			n++
		}
		require.Equal(t, len(b), at)
		return n
	case ".tif":
		return 1
	case ".shx":
		return (len(b) - 100) / 8
	case ".dbf":
		return int(b[4]) | int(b[5])<<8 | int(b[6])<<16 | int(b[7])<<24
	}
	require.Fail(t, fmt.Sprintf("what is in %s?", name))
	return 0
}

// entities counts the fields 2 of a protobuf message.
func entities(t *testing.T, b []byte) int {
	n := 0
	for len(b) > 0 {
		require.Equal(t, byte(2), b[0]&7, "a length-delimited field")
		if b[0]>>3 == 2 {
			n++
		}
		size, shift, i := 0, 0, 1
		for ; ; i++ {
			size |= int(b[i]&0x7f) << shift
			shift += 7
			if b[i] < 0x80 {
				break
			}
		}
		b = b[i+1+size:]
	}
	return n
}

func TestOpenNamesWhatIsMissing(t *testing.T) {
	_, err := city.ReadFile("new-york/nothing.geojson")
	require.ErrorIs(t, err, fs.ErrNotExist)
}
