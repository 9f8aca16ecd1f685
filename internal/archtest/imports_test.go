// Package archtest holds no code: its tests keep the architecture's directions
// of import and the one home of each third-party package.
package archtest

import (
	"encoding/json"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "twind/...", "twind/testdata/city")
	out, err := cmd.Output()
	require.NoError(t, err)
	var list []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		list = append(list, p)
	}
	require.Greater(t, len(list), 15, "go list found the packages")
	return list
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

func anyWithin(p string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return within(p, d) })
}

// allowed lists, for each part of the house, the parts it may import. The first
// entry that holds a package decides.
var allowed = []struct {
	dir  string
	from []string
}{
	{"twind/spatial", []string{"twind/spatial"}},
	{"twind/internal/sqlite", nil},
	{"twind/internal/golden", nil},
	{"twind/internal/archtest", nil},
	{"twind/internal/pgtest", nil},
	{"twind/internal/lz", nil},
	{"twind/internal/redistest", nil},
	{"twind/internal/outfile", nil},
	{"twind/layers/geopackage", []string{"twind/layers", "twind/spatial", "twind/internal/sqlite"}},
	{"twind/layers/postgis", []string{"twind/layers", "twind/spatial"}},
	{"twind/layers", []string{"twind/layers", "twind/spatial"}},
	{"twind/tiles/mbtiles", []string{"twind/tiles", "twind/layers", "twind/spatial", "twind/internal/sqlite"}},
	{"twind/tiles", []string{"twind/tiles", "twind/layers", "twind/spatial", "twind/internal/lz"}},
	{"twind/realtime", []string{"twind/realtime", "twind/layers", "twind/spatial"}},
	{"twind/importers", []string{"twind/importers", "twind/layers", "twind/spatial", "twind/internal/outfile"}},
	{"twind/exporters", []string{"twind/layers", "twind/spatial", "twind/internal/outfile"}},
	{"twind/internal/config", []string{"twind/layers"}},
	{"twind/internal/server", []string{"twind/internal/config", "twind/layers", "twind/spatial", "twind/tiles", "twind/realtime"}},
	{"twind/testdata", nil},
	{"twind/web/viewer", nil},
	{"twind/internal/district", []string{"twind/layers", "twind/spatial"}},
	{"twind/internal/demo", []string{"twind/internal/district", "twind/internal/demo", "twind/internal/config", "twind/layers", "twind/spatial", "twind/realtime", "twind/importers", "twind/testdata/city"}},
	{"twind/cmd", []string{"twind"}},
	{"twind/scripts", []string{"twind"}},
	{"twind/test", []string{"twind"}},
}

// stores may be imported by the program that wires, and by tests.
var stores = []string{"twind/layers/geopackage", "twind/layers/postgis", "twind/layers/storetest"}

func TestImportDirections(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath == "twind" {
			require.Empty(t, p.Imports, "the root package is a map, without code")
			continue
		}
		i := slices.IndexFunc(allowed, func(a struct {
			dir  string
			from []string
		}) bool {
			return within(p.ImportPath, a.dir)
		})
		require.GreaterOrEqual(t, i, 0, "%s has no place in the architecture: give it one in this test", p.ImportPath)
		for _, imp := range p.Imports {
			if !within(imp, "twind") {
				continue
			}
			require.True(t, anyWithin(imp, allowed[i].from), "%s must not import %s", p.ImportPath, imp)
			require.False(t, within(imp, "twind/cmd"), "%s must not import a command", p.ImportPath)
			if !within(p.ImportPath, "twind/cmd") && !within(p.ImportPath, "twind/scripts") {
				require.False(t, anyWithin(imp, stores) && !within(p.ImportPath, path.Dir(imp)), "%s must not import the store %s: cmd/twind wires it", p.ImportPath, imp)
			}
		}
	}
}

func TestPackageDoesNotImportItsSubPackages(t *testing.T) {
	for _, p := range packages(t) {
		if within(p.ImportPath, "twind/cmd") || within(p.ImportPath, "twind/internal/demo") {
			continue // they wire
		}
		for _, imp := range p.Imports {
			require.False(t, strings.HasPrefix(imp, p.ImportPath+"/"), "%s imports its own sub-package %s: declare the interface instead", p.ImportPath, imp)
		}
	}
}

// homes are the only places that may import a third-party package.
var homes = map[string][]string{
	"github.com/jackc/pgx/v5":              {"twind/layers/postgis", "twind/internal/pgtest"},
	"github.com/ncruces/go-sqlite3":        {"twind/internal/sqlite"},
	"github.com/go-chi/chi/v5":             {"twind/internal/server"},
	"github.com/tidwall/rtree":             {"twind/spatial/index", "twind/realtime"},
	"github.com/google/flatbuffers":        {"twind/realtime/wire"},
	"github.com/alecthomas/kong":           {"twind/cmd/twind"},
	"github.com/coder/websocket":           {"twind/realtime"},
	"github.com/twpayne/go-geom":           {"twind/spatial/mesh", "twind/spatial/wkb", "twind/layers/postgis"},
	"github.com/mochi-mqtt/server/v2":      {"twind/realtime/mqtt"},
	"github.com/eclipse/paho.golang":       {"twind/realtime/mqtt", "twind/realtime/replay"},
	"github.com/peterstace/simplefeatures": {"twind/importers", "twind/tiles/mvt", "twind/cmd/twind", "twind/realtime/sensorthings"},
	"github.com/schollz/progressbar/v3":    {"twind/cmd/twind"},
	"github.com/klauspost/compress":        {"twind/tiles", "twind/internal/lz", "twind/internal/server", "twind/realtime/history"},
	"golang.org/x/image":                   {"twind/tiles/sprite"},
	"gopkg.in/yaml.v3":                     {"twind/internal/config"},
	"github.com/stretchr/testify":          {"twind/layers/storetest", "twind/internal/golden", "twind/internal/pgtest", "twind/internal/redistest", "twind/realtime/killtest"}, // and all tests
}

func TestThirdPartyPackagesHaveOneHome(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			for name, in := range homes {
				if within(imp, name) {
					require.True(t, anyWithin(p.ImportPath, in), "%s imports %s, whose home is %s", p.ImportPath, imp, strings.Join(in, ", "))
				}
			}
		}
	}
}
