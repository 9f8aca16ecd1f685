package server_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/archive"
	"twind/tiles/pmtiles"
)

// chessboard is a raster layer of real images: each tile in two colours that tell
// its numbers, in quarters.
type chessboard struct{ info server.RasterInfo }

func (b chessboard) Info() server.RasterInfo { return b.info }

// colours of a tile's north-west and south-east quarters, and of the others.
func (b chessboard) colours(id tile.ID) (color.RGBA, color.RGBA) {
	return color.RGBA{uint8(id.X), uint8(id.Y), 10 * id.Z, 255}, color.RGBA{255 - uint8(id.X), uint8(id.Y), 10 * id.Z, 255}
}

func (b chessboard) Tile(_ context.Context, id tile.ID, format string) (server.RasterTile, error) {
	if id.Z < b.info.MinZoom || id.Z > b.info.MaxZoom || !id.Envelope().Intersects(b.info.Bounds) {
		return server.RasterTile{}, layers.Errorf(layers.ErrNotFound, "layer %s has no tile %v", b.info.ID, id)
	}
	n := b.info.TileSize
	m := image.NewRGBA(image.Rect(0, 0, n, n))
	one, other := b.colours(id)
	for y := range n {
		for x := range n {
			c := one
			if (x < n/2) != (y < n/2) {
				c = other
			}
			m.SetRGBA(x, y, c)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		return server.RasterTile{}, err
	}
	h := fnv.New64a()
	_, _ = h.Write(out.Bytes())
	return server.RasterTile{Bytes: out.Bytes(), ContentType: "image/" + format, ETag: fmt.Sprintf("%q", fmt.Sprint(h.Sum64()))}, nil
}

// newMapCity is the city with two raster layers, of tiles of 256 and 512 pixels.
func newMapCity(t *testing.T) (*city, chessboard) {
	board := chessboard{server.RasterInfo{
		ID: "board", Title: "Chess & board", Bounds: spatial.Envelope{MinX: -74.02, MinY: 40.69, MaxX: -73.96, MaxY: 40.72},
		MinZoom: 8, MaxZoom: 14, TileSize: 256, ContentType: "image/png", Formats: []string{"png"}, Role: server.RoleImagery,
	}}
	large := board
	large.info.ID, large.info.TileSize, large.info.MaxZoom = "large", 512, 13
	return newCityWith(t, nil, func(o *server.Options) { o.Rasters = []server.Raster{board, large} }), board
}

// exception asserts an OWS exception report.
func (a answer) exception(status int, code, locator, part string) {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s", a.body)
	require.Equal(a.t, "application/xml", a.header.Get("Content-Type"))
	var v struct {
		XMLName   xml.Name
		Version   string `xml:"version,attr"`
		Exception []struct {
			Code    string `xml:"exceptionCode,attr"`
			Locator string `xml:"locator,attr"`
			Text    string `xml:"http://www.opengis.net/ows/1.1 ExceptionText"`
		} `xml:"http://www.opengis.net/ows/1.1 Exception"`
	}
	require.NoError(a.t, xml.Unmarshal(a.body, &v), "%s", a.body)
	require.Equal(a.t, xml.Name{Space: "http://www.opengis.net/ows/1.1", Local: "ExceptionReport"}, v.XMLName)
	require.Equal(a.t, "1.1.0", v.Version)
	require.Len(a.t, v.Exception, 1)
	require.Equal(a.t, code, v.Exception[0].Code, "%s", a.body)
	require.Equal(a.t, locator, v.Exception[0].Locator)
	require.Contains(a.t, v.Exception[0].Text, part)
}

// element is any XML element.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e *element) all(path string) (list []*element) {
	first, rest, deeper := strings.Cut(path, "/")
	for i := range e.Children {
		if c := &e.Children[i]; c.XMLName.Local == first {
			if deeper {
				list = append(list, c.all(rest)...)
			} else {
				list = append(list, c)
			}
		}
	}
	return list
}

func (e *element) text(path string) string {
	for _, c := range e.all(path) {
		return strings.TrimSpace(c.Text)
	}
	return ""
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// order is the names of the children, runs of one name as one.
func (e *element) order() (names []string) {
	for _, c := range e.Children {
		if n := len(names); n == 0 || names[n-1] != c.XMLName.Local {
			names = append(names, c.XMLName.Local)
		}
	}
	return names
}

const capabilitiesPath = "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"

// imageCapabilitiesPath is that of the layers of images alone.
const imageCapabilitiesPath = capabilitiesPath + "&FORMAT=image/png"

func (c *city) capabilities(path string) *element {
	c.t.Helper()
	a := c.get(path).ok(200)
	require.Equal(c.t, "application/xml", a.header.Get("Content-Type"))
	e := new(element)
	require.NoError(c.t, xml.Unmarshal(a.body, e))
	return e
}

func TestWMTSCapabilities(t *testing.T) {
	c, _ := newMapCity(t)
	e := c.capabilities(capabilitiesPath)
	require.Equal(t, xml.Name{Space: "http://www.opengis.net/wmts/1.0", Local: "Capabilities"}, e.XMLName)
	require.Equal(t, "1.0.0", e.attr("version"))
	// The order of the schema.
	require.Equal(t, []string{"ServiceIdentification", "OperationsMetadata", "Contents", "ServiceMetadataURL"}, e.order())
	require.Equal(t, []string{"Title", "Abstract", "ServiceType", "ServiceTypeVersion"}, e.all("ServiceIdentification")[0].order())
	require.Equal(t, []string{"Layer", "TileMatrixSet"}, e.all("Contents")[0].order())
	require.Equal(t, []string{"board", "large", "buildings"}, identifiers(e), "vehicles are live")
	byID := map[string]*element{}
	for _, l := range e.all("Contents/Layer") {
		require.Equal(t, []string{"Title", "WGS84BoundingBox", "Identifier", "Style", "Format", "TileMatrixSetLink", "ResourceURL"}, l.order())
		require.Equal(t, "default", l.text("Style/Identifier"))
		require.Equal(t, "true", l.all("Style")[0].attr("isDefault"))
		byID[l.text("Identifier")] = l
	}
	require.Equal(t, "Chess & board", byID["board"].text("Title"))
	require.Equal(t, "image/png", byID["board"].text("Format"))
	require.Equal(t, "-74.02 40.69", byID["board"].text("WGS84BoundingBox/LowerCorner"))
	require.Equal(t, "-73.96 40.72", byID["board"].text("WGS84BoundingBox/UpperCorner"))
	require.Equal(t, "application/vnd.mapbox-vector-tile", byID["buildings"].text("Format"))
	require.Equal(t, c.URL+"/wmts/1.0.0/buildings/{Style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.mvt", byID["buildings"].all("ResourceURL")[0].attr("template"))
	require.Equal(t, "tile", byID["buildings"].all("ResourceURL")[0].attr("resourceType"))
	for id, sets := range map[string][]string{"board": {"WebMercatorQuad_8-14"}, "large": {"WebMercatorQuadx2_8-13"}, "buildings": {"WebMercatorQuad_0-16", "WorldCRS84Quad_0-15", "CGCS2000Quad_1-16"}} {
		links := byID[id].all("TileMatrixSetLink")
		require.Len(t, links, len(sets))
		for i, l := range links {
			require.Equal(t, sets[i], l.text("TileMatrixSet"))
			require.NotEmpty(t, l.all("TileMatrixSetLimits/TileMatrixLimits"))
			for _, limits := range l.all("TileMatrixSetLimits/TileMatrixLimits") {
				require.Equal(t, []string{"TileMatrix", "MinTileRow", "MaxTileRow", "MinTileCol", "MaxTileCol"}, limits.order())
			}
		}
	}
	want := map[string][]string{ // CRS, corner, first matrix, its denominator, columns and rows
		"WebMercatorQuad_0-16":   {"urn:ogc:def:crs:EPSG::3857", "-20037508.3427892 20037508.3427892", "0", "559082264.028717", "256", "1", "1"},
		"WebMercatorQuad_8-14":   {"urn:ogc:def:crs:EPSG::3857", "-20037508.3427892 20037508.3427892", "8", "2183915.09386217", "256", "256", "256"},
		"WebMercatorQuadx2_8-13": {"urn:ogc:def:crs:EPSG::3857", "-20037508.3427892 20037508.3427892", "8", "1091957.54693108", "512", "256", "256"},
		"WorldCRS84Quad_0-15":    {"urn:ogc:def:crs:OGC:1.3:CRS84", "-180 90", "0", "279541132.014358", "256", "2", "1"},
		"CGCS2000Quad_1-16":      {"urn:ogc:def:crs:EPSG::4490", "90 -180", "1", "279541132.014358", "256", "2", "1"},
	}
	sets := e.all("Contents/TileMatrixSet")
	require.Len(t, sets, len(want))
	for _, m := range sets {
		id := m.text("Identifier")
		first := m.all("TileMatrix")[0]
		require.Equal(t, want[id], []string{m.text("SupportedCRS"), first.text("TopLeftCorner"), first.text("Identifier"), first.text("ScaleDenominator"), first.text("TileWidth"), first.text("MatrixWidth"), first.text("MatrixHeight")}, id)
		require.Equal(t, []string{"Identifier", "ScaleDenominator", "TopLeftCorner", "TileWidth", "TileHeight", "MatrixWidth", "MatrixHeight"}, first.order())
	}
	for i, op := range []string{"GetCapabilities", "GetTile"} {
		o := e.all("OperationsMetadata/Operation")[i]
		require.Equal(t, op, o.attr("name"))
		gets := o.all("DCP/HTTP/Get")
		require.Len(t, gets, 2)
		require.Equal(t, c.URL+"/wmts?", gets[0].attr("href"))
		require.Equal(t, "GetEncoding", gets[0].all("Constraint")[0].attr("name"))
		require.Equal(t, "KVP", gets[0].text("Constraint/AllowedValues/Value"))
	}
	require.Equal(t, c.URL+"/wmts/1.0.0/WMTSCapabilities.xml", e.all("ServiceMetadataURL")[0].attr("href"))
	rest := c.get("/wmts/1.0.0/WMTSCapabilities.xml").ok(200)
	require.Equal(t, c.get(capabilitiesPath).body, rest.body)
	c.get("/wmts/1.0.0/WMTSCapabilities.xml", "If-None-Match", rest.header.Get("ETag")).ok(304)
	require.Equal(t, "gzip", c.get(capabilitiesPath, "Accept-Encoding", "gzip").ok(200).header.Get("Content-Encoding"))
	require.Contains(t, string(c.get(capabilitiesPath, "Accept-Language", "zh-CN").body), "<ows:Title>建筑</ows:Title>")
	c.get("/wmts?service=wmts&request=getcapabilities&acceptVersions=1.0.0,2.0.0&sections=All&x=1").ok(200)
}

// A client that reads one format only is shown the layers that have it.
func TestWMTSCapabilitiesOfOneFormat(t *testing.T) {
	c, _ := newMapCity(t)
	vectors := c.capabilities(capabilitiesPath + "&FORMAT=" + mvtType)
	require.Equal(t, []string{"buildings"}, identifiers(vectors))
	require.Len(t, vectors.all("Contents/TileMatrixSet"), 3)
	require.Contains(t, vectors.text("ServiceIdentification/Abstract"), "FORMAT=image/png")
	require.Equal(t, c.URL+"/wmts/1.0.0/WMTSCapabilities.xml?FORMAT=application%2Fvnd.mapbox-vector-tile", vectors.all("ServiceMetadataURL")[0].attr("href"))
	require.Equal(t, c.get(capabilitiesPath+"&FORMAT="+mvtType).body, c.get("/wmts/1.0.0/WMTSCapabilities.xml?format="+mvtType).ok(200).body)
	require.Equal(t, []string{"board", "large"}, identifiers(c.capabilities(imageCapabilitiesPath)))
	require.Empty(t, identifiers(c.capabilities(capabilitiesPath+"&format=image/webp")))
	require.Equal(t, c.get(capabilitiesPath).body, c.get(capabilitiesPath+"&FORMAT=text/xml").body, "what clients of WMS send")
}

func identifiers(capabilities *element) (out []string) {
	for _, l := range capabilities.all("Contents/Layer") {
		out = append(out, l.text("Identifier"))
	}
	return out
}

// kvp is the address of a tile's KVP request; overrides replace parameters, and
// empty ones take them away.
func kvp(layer, format, set string, matrix, row, col any, overrides ...string) string {
	q := url.Values{"SERVICE": {"WMTS"}, "REQUEST": {"GetTile"}, "VERSION": {"1.0.0"}, "LAYER": {layer}, "STYLE": {"default"}, "FORMAT": {format},
		"TILEMATRIXSET": {set}, "TILEMATRIX": {fmt.Sprint(matrix)}, "TILEROW": {fmt.Sprint(row)}, "TILECOL": {fmt.Sprint(col)}}
	for i := 0; i < len(overrides); i += 2 {
		if q.Set(overrides[i], overrides[i+1]); overrides[i+1] == "" {
			q.Del(overrides[i])
		}
	}
	return "/wmts?" + q.Encode()
}

const mvtType = "application/vnd.mapbox-vector-tile"

func TestWMTSVectorTilesInEveryGrid(t *testing.T) {
	c, _ := newMapCity(t)
	for set, g := range grids {
		for col := 4824; col <= 4825; col++ {
			want := c.get(fmt.Sprintf("/ogc/collections/buildings/tiles/%s/%d/%d/%d", set, g.matrix, g.row, col)).ok(200)
			a := c.get(kvp("buildings", mvtType, set, g.matrix, g.row, col)).ok(200)
			require.Equal(t, want.body, a.body)
			require.Equal(t, mvtType, a.header.Get("Content-Type"))
			rest := c.get(fmt.Sprintf("/wmts/1.0.0/buildings/default/%s/%d/%d/%d.mvt", set, g.matrix, g.row, col)).ok(200)
			require.Equal(t, want.body, rest.body)
			require.Equal(t, want.header.Get("ETag"), rest.header.Get("ETag"))
			part := fmt.Sprintf("%s_%d-%d", set, g.first, g.last) // as the capabilities name it
			require.Equal(t, want.body, c.get(kvp("buildings", mvtType, part, g.matrix, g.row, col)).ok(200).body)
			c.get(kvp("buildings", mvtType, set, g.matrix, g.row, col), "If-None-Match", a.header.Get("ETag")).ok(304)
		}
	}
	// Names ignore case, the format may be unescaped, what nobody knows is ignored.
	p := "/wmts?service=WMTS&request=GetTile&version=1.0.0&layer=buildings&style=&format=" + mvtType + "&TileMatrixSet=WebMercatorQuad&TileMatrix=14&TileRow=6160&TileCol=4824&tk=abc&dpi=96"
	require.Equal(t, c.get("/tiles/buildings/14/4824/6160.mvt").body, c.get(p).ok(200).body)
	require.Equal(t, "gzip", c.get(p, "Accept-Encoding", "gzip").ok(200).header.Get("Content-Encoding"))
	require.Empty(t, c.do("HEAD", p, "").ok(200).body)
	require.Equal(t, "*", c.get(p, "Origin", "https://desk.example").header.Get("Access-Control-Allow-Origin"))
}

func TestWMTSRasterTiles(t *testing.T) {
	c, board := newMapCity(t)
	want, err := board.Tile(t.Context(), tile.ID{Z: 13, X: 2411, Y: 3080}, "png")
	require.NoError(t, err)
	a := c.get(kvp("board", "image/png", "WebMercatorQuad", 13, 3080, 2411)).ok(200)
	require.Equal(t, want.Bytes, a.body)
	require.Equal(t, "image/png", a.header.Get("Content-Type"))
	require.Equal(t, want.Bytes, c.get("/wmts/1.0.0/board/default/WebMercatorQuad/13/3080/2411.png").ok(200).body)
	c.get("/wmts/1.0.0/board/default/WebMercatorQuad/13/3080/2411.png", "If-None-Match", want.ETag).ok(304)
	m, err := png.DecodeConfig(bytes.NewReader(c.get("/wmts/1.0.0/large/default/WebMercatorQuadx2/13/3080/2411.png").ok(200).body))
	require.NoError(t, err)
	require.Equal(t, 512, m.Width)
	c.get("/wmts/1.0.0/large/default/WebMercatorQuad/13/3080/2411.png").exception(404, "InvalidParameterValue", "TileMatrixSet", "WebMercatorQuadx2")
	c.get("/wmts/1.0.0/board/default/WebMercatorQuad/13/3080/2411.webp").exception(404, "InvalidParameterValue", "Format", "image/png")
	c.get(kvp("board", "image/png", "WebMercatorQuad", 15, 0, 0)).exception(400, "TileOutOfRange", "TileMatrix", "no tiles in tile matrix 15")
}

// Files of finished tiles are layers like any other.
func TestWMTSOfArchives(t *testing.T) {
	bounds := spatial.Envelope{MinX: -75, MinY: 40, MaxX: -73, MaxY: 41}
	vector := archived(t, "base", pmtiles.WriterOptions{
		Type: pmtiles.MVT, Tiles: pmtiles.Gzip, Bounds: bounds, Metadata: pmtiles.Metadata{VectorLayers: []pmtiles.VectorLayer{{ID: "water", MaxZoom: 2}}},
	}, func(id tile.ID) []byte {
		if id.Z == 1 {
			return nil
		}
		b, err := pmtiles.Deflate(nil, []byte("tile "+id.String()))
		require.NoError(t, err)
		return b
	})
	images := archived(t, "aerial", pmtiles.WriterOptions{Type: pmtiles.PNG, Bounds: bounds}, func(id tile.ID) []byte { return []byte("image " + id.String()) })
	c := newCityWith(t, nil, func(o *server.Options) { o.Archives = []*archive.Archive{vector, images} })
	formats := map[string]string{}
	for _, l := range c.capabilities(capabilitiesPath).all("Contents/Layer") {
		formats[l.text("Identifier")] = l.text("Format") + " " + l.text("TileMatrixSetLink/TileMatrixSet")
	}
	require.Equal(t, map[string]string{
		"base": mvtType + " WebMercatorQuad_0-2", "aerial": "image/png WebMercatorQuad_0-2", "buildings": mvtType + " WebMercatorQuad_0-16",
	}, formats)
	require.Equal(t, "tile 2/1/1", string(c.get(kvp("base", mvtType, "WebMercatorQuad", 2, 1, 1)).ok(200).body))
	c.get(kvp("base", mvtType, "WebMercatorQuad_0-2", 1, 0, 0)).ok(204)
	c.get(kvp("base", mvtType, "WorldCRS84Quad", 1, 0, 0)).exception(400, "InvalidParameterValue", "TileMatrixSet", "WebMercatorQuad_0-2")
	require.Equal(t, "image 2/1/1", string(c.get("/wmts/1.0.0/aerial/default/WebMercatorQuad/2/1/1.png").ok(200).body))
	c.get("/wmts/1.0.0/aerial/default/WebMercatorQuad/2/3/3.png").exception(404, "TileOutOfRange", "TileRow", "1 to 1")
}

func TestWMTSExceptions(t *testing.T) {
	c, _ := newMapCity(t)
	tileAt := func(overrides ...string) answer {
		return c.get(kvp("buildings", mvtType, "WebMercatorQuad", 14, 6160, 4824, overrides...))
	}
	tileAt().ok(200)
	const missing, invalid, outside = "MissingParameterValue", "InvalidParameterValue", "TileOutOfRange"
	for _, name := range []string{"Service", "Request", "Version", "Layer", "Style", "Format", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol"} {
		tileAt(strings.ToUpper(name), "").exception(400, missing, name, name+" is missing")
	}
	c.get("/wmts").exception(400, missing, "Service", "Service")
	c.get("/wmts?SERVICE=WMS&REQUEST=GetMap").exception(400, invalid, "Service", "WMTS is")
	c.get("/wmts?SERVICE=WMTS&REQUEST=GetFeatureInfo").exception(501, "OperationNotSupported", "GetFeatureInfo", "GetTile")
	c.get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&ACCEPTVERSIONS=2.0.0").exception(400, "VersionNegotiationFailed", "AcceptVersions", "1.0.0")
	c.get("/wmts?SERVICE=%ZZ").exception(400, invalid, "", "decode")
	tileAt("VERSION", "1.3.0").exception(400, invalid, "Version", "1.0.0")
	tileAt("LAYER", "nothing").exception(400, invalid, "Layer", "nothing")
	tileAt("LAYER", "vehicles").exception(400, invalid, "Layer", "vehicles")
	tileAt("LAYER", "<a&b>'\"\x00").exception(400, invalid, "Layer", "<a&b>")
	tileAt("LAYER", strings.Repeat("x", 10000)).exception(400, invalid, "Layer", "xxx…")
	tileAt("STYLE", "night").exception(400, invalid, "Style", "default")
	tileAt("FORMAT", "image/png").exception(400, invalid, "Format", mvtType)
	tileAt("TILEMATRIXSET", "GoogleMapsCompatible").exception(400, invalid, "TileMatrixSet", "WorldCRS84Quad_0-15")
	for _, m := range []string{"25", "-1", "014", "1e1", "EPSG:3857:14", "99999999999999999999"} {
		tileAt("TILEMATRIX", m).exception(400, invalid, "TileMatrix", "0 to 24")
	}
	tileAt("TILEMATRIX", "20").exception(400, outside, "TileMatrix", "no tiles in tile matrix 20")
	for _, name := range []string{"TileRow", "TileCol"} {
		for _, n := range []string{"-1", "0", "16384", "4294967296", "2147483647", "-99999999999999999999", "99999999999999999999"} {
			tileAt(strings.ToUpper(name), n).exception(400, outside, name, "tile matrix 14")
		}
		for _, n := range []string{"1e3", "x", "1.5", "01", "0x10", "+1", " 1", "½", strings.Repeat("9", 5000)} {
			tileAt(strings.ToUpper(name), n).exception(400, invalid, name, "whole number")
		}
	}
	// The same by address: what is not there is 404.
	c.get("/wmts/1.0.0/nothing/default/WebMercatorQuad/14/6160/4824.mvt").exception(404, invalid, "Layer", "nothing")
	c.get("/wmts/1.0.0/buildings/night/WebMercatorQuad/14/6160/4824.mvt").exception(404, invalid, "Style", "default")
	c.get("/wmts/1.0.0/buildings/default/c/14/6160/4824.mvt").exception(404, invalid, "TileMatrixSet", "CGCS2000Quad")
	c.get("/wmts/1.0.0/buildings/default/WebMercatorQuad/25/6160/4824.mvt").exception(404, invalid, "TileMatrix", "0 to 24")
	c.get("/wmts/1.0.0/buildings/default/WebMercatorQuad/14/6161/4824.mvt").exception(404, outside, "TileRow", "6160 to 6160")
	c.get("/wmts/1.0.0/buildings/default/WebMercatorQuad/14/6160/1e3.mvt").exception(400, invalid, "TileCol", "whole number")
	c.get("/wmts/1.0.0/buildings/default/WebMercatorQuad/14/6160/4824").exception(404, invalid, "Format", mvtType)
	c.get("/wmts/1.0.0/buildings/default/WebMercatorQuad/14/6160/4824.png").exception(404, invalid, "Format", mvtType)
	require.Empty(t, c.do("HEAD", "/wmts", "").body)
	c.do("POST", "/wmts", "").problem(405, "POST")
	c.get("/wmts/1.0.0/").problem(404, "")
}

// What a file says of its zooms is not believed.
func TestWMTSOfALyingRaster(t *testing.T) {
	c := newCityWith(t, nil, func(o *server.Options) {
		for i, zooms := range [][2]uint8{{0, 255}, {30, 40}, {9, 3}} {
			o.Rasters = append(o.Rasters, chessboard{server.RasterInfo{ID: fmt.Sprint("map", i), MinZoom: zooms[0], MaxZoom: zooms[1], TileSize: 256, Formats: []string{"png"}}})
		}
	})
	var sets []string
	for _, l := range c.capabilities(imageCapabilitiesPath).all("Contents/Layer") {
		sets = append(sets, l.text("TileMatrixSetLink/TileMatrixSet"))
	}
	require.Equal(t, []string{"WebMercatorQuad", "WebMercatorQuad_24-24", "WebMercatorQuad_3-3"}, sets)
	c.get(kvp("map1", "image/png", "WebMercatorQuad", 24, 0, 0)).exception(400, "TileOutOfRange", "TileMatrix", "no tiles")
}

// A raster layer whose source cannot be read is no fault of the request.
type brokenRaster struct{ chessboard }

func (brokenRaster) Tile(context.Context, tile.ID, string) (server.RasterTile, error) {
	return server.RasterTile{}, layers.Errorf(layers.ErrUnavailable, "the archive of the map cannot be read now")
}

func TestWMTSWithoutASource(t *testing.T) {
	_, board := newMapCity(t)
	c := newCityWith(t, nil, func(o *server.Options) { o.Rasters = []server.Raster{brokenRaster{board}} })
	c.get(kvp("board", "image/png", "WebMercatorQuad", 13, 3080, 2411)).exception(503, "NoApplicableCode", "", "cannot be read now")
}
