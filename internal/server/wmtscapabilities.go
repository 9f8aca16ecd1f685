package server

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	wmtsVersion   = "1.0.0"
	typeXML       = "application/xml"
	owsNamespace  = "http://www.opengis.net/ows/1.1"
	wmtsNamespace = "http://www.opengis.net/wmts/1.0"
)

// The capabilities document, after wmtsGetCapabilities_response.xsd of 07-057r7:
// elements in the order of the schema.

type wmtsCapabilities struct {
	XMLName        xml.Name        `xml:"Capabilities"`
	Namespace      string          `xml:"xmlns,attr"`
	OWS            string          `xml:"xmlns:ows,attr"`
	XLink          string          `xml:"xmlns:xlink,attr"`
	XSI            string          `xml:"xmlns:xsi,attr"`
	SchemaLocation string          `xml:"xsi:schemaLocation,attr"`
	Version        string          `xml:"version,attr"`
	Title          string          `xml:"ows:ServiceIdentification>ows:Title"`
	Abstract       string          `xml:"ows:ServiceIdentification>ows:Abstract"`
	Type           string          `xml:"ows:ServiceIdentification>ows:ServiceType"`
	TypeVersion    string          `xml:"ows:ServiceIdentification>ows:ServiceTypeVersion"`
	Operations     []wmtsOperation `xml:"ows:OperationsMetadata>ows:Operation"`
	Layers         []wmtsLayerInfo `xml:"Contents>Layer"`
	Sets           []wmtsMatrixSet `xml:"Contents>TileMatrixSet"`
	Self           xlinkHref       `xml:"ServiceMetadataURL"`
}

type xlinkHref struct {
	Href string `xml:"xlink:href,attr"`
}

type wmtsOperation struct {
	Name string    `xml:"name,attr"`
	Gets []wmtsGet `xml:"ows:DCP>ows:HTTP>ows:Get"`
}

type wmtsGet struct {
	Href       string `xml:"xlink:href,attr"`
	Constraint struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"ows:AllowedValues>ows:Value"`
	} `xml:"ows:Constraint"`
}

type wmtsLayerInfo struct {
	Title       string         `xml:"ows:Title"`
	Abstract    string         `xml:"ows:Abstract,omitempty"`
	BoundingBox *owsBox        `xml:"ows:WGS84BoundingBox"`
	Identifier  string         `xml:"ows:Identifier"`
	Style       wmtsStyleInfo  `xml:"Style"`
	Formats     []string       `xml:"Format"`
	Sets        []wmtsSetLink  `xml:"TileMatrixSetLink"`
	Resources   []wmtsResource `xml:"ResourceURL"`
}

type owsBox struct {
	LowerCorner string `xml:"ows:LowerCorner"`
	UpperCorner string `xml:"ows:UpperCorner"`
}

type wmtsStyleInfo struct {
	IsDefault  bool   `xml:"isDefault,attr"`
	Title      string `xml:"ows:Title"`
	Identifier string `xml:"ows:Identifier"`
}

type wmtsSetLink struct {
	Set    string       `xml:"TileMatrixSet"`
	Limits []wmtsLimits `xml:"TileMatrixSetLimits>TileMatrixLimits"`
}

type wmtsLimits struct {
	Matrix string `xml:"TileMatrix"`
	MinRow uint32 `xml:"MinTileRow"`
	MaxRow uint32 `xml:"MaxTileRow"`
	MinCol uint32 `xml:"MinTileCol"`
	MaxCol uint32 `xml:"MaxTileCol"`
}

type wmtsResource struct {
	Format   string `xml:"format,attr"`
	Type     string `xml:"resourceType,attr"`
	Template string `xml:"template,attr"`
}

type wmtsMatrixSet struct {
	Title      string       `xml:"ows:Title"`
	Identifier string       `xml:"ows:Identifier"`
	CRS        string       `xml:"ows:SupportedCRS"`
	ScaleSet   string       `xml:"WellKnownScaleSet,omitempty"`
	Matrices   []wmtsMatrix `xml:"TileMatrix"`
}

type wmtsMatrix struct {
	Identifier       string `xml:"ows:Identifier"`
	ScaleDenominator string `xml:"ScaleDenominator"`
	TopLeftCorner    string `xml:"TopLeftCorner"`
	TileWidth        uint32 `xml:"TileWidth"`
	TileHeight       uint32 `xml:"TileHeight"`
	MatrixWidth      uint32 `xml:"MatrixWidth"`
	MatrixHeight     uint32 `xml:"MatrixHeight"`
}

// wmtsAbstract tells clients how to be shown only what they can read.
const wmtsAbstract = "With FORMAT=image/png in the request only layers of that format are listed, with FORMAT=" + typeMVT + " only those of vector tiles."

// has tells whether a layer is offered in a format; "" is any.
func (l *wmtsLayer) has(format string) bool {
	return format == "" || slices.Contains(l.formats, format)
}

// wmtsCapabilitiesResource answers the document at its address.
func (s *Server) wmtsCapabilitiesResource(w http.ResponseWriter, r *http.Request) error {
	kvp, err := readKVP(r)
	if err != nil {
		return err
	}
	return s.wmtsCapabilities(w, r, kvp["format"])
}

// wmtsCapabilities answers GetCapabilities with the layers that have tiles of the
// media type that is asked for. Clients of other services send the format of the
// document instead, which says nothing: then, and without one, with all layers.
func (s *Server) wmtsCapabilities(w http.ResponseWriter, r *http.Request, format string) error {
	if _, ofTiles := wmtsEndings[format]; !ofTiles {
		format = ""
	}
	list, err := s.wmtsLayers(r)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(l *wmtsLayer) bool { return !l.has(format) })
	base := s.base(r) + "/wmts"
	self := base + "/1.0.0/WMTSCapabilities.xml"
	if format != "" {
		self += "?" + url.Values{"FORMAT": {format}}.Encode()
	}
	doc := wmtsCapabilities{
		Namespace: wmtsNamespace, OWS: owsNamespace, XLink: "http://www.w3.org/1999/xlink", XSI: "http://www.w3.org/2001/XMLSchema-instance",
		SchemaLocation: wmtsNamespace + " http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd",
		Version:        wmtsVersion, Title: cmp.Or(s.o.Title.In(language(r)), "twind"), Abstract: wmtsAbstract, Type: "OGC WMTS", TypeVersion: wmtsVersion,
		Operations: []wmtsOperation{
			{"GetCapabilities", []wmtsGet{wmtsGetAt(base+"?", "KVP"), wmtsGetAt(base+"/1.0.0/WMTSCapabilities.xml", "RESTful")}},
			{"GetTile", []wmtsGet{wmtsGetAt(base+"?", "KVP"), wmtsGetAt(base+"/1.0.0/", "RESTful")}},
		},
		Self: xlinkHref{self},
	}
	described := map[string]bool{}
	for _, l := range list {
		doc.Layers = append(doc.Layers, l.describe(base))
		for _, m := range l.sets {
			if name := m.name(); !described[name] {
				described[name] = true
				doc.Sets = append(doc.Sets, m.describe())
			}
		}
	}
	b, err := xml.MarshalIndent(doc, "", " ")
	if err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	w.Header().Set("Vary", "Accept-Language")
	return s.bytes(w, r, typeXML, append([]byte(xml.Header), b...))
}

func wmtsGetAt(href, encoding string) wmtsGet {
	g := wmtsGet{Href: href}
	g.Constraint.Name, g.Constraint.Value = "GetEncoding", encoding
	return g
}

func (l *wmtsLayer) describe(base string) wmtsLayerInfo {
	info := wmtsLayerInfo{
		Title: l.title, Abstract: l.abstract, Identifier: l.id, Formats: l.formats,
		Style: wmtsStyleInfo{true, wmtsStyle, wmtsStyle},
	}
	if e := l.extent; !e.IsEmpty() && len(l.sets) > 0 {
		e = within(l.sets[len(l.sets)-1].Grid, e)
		info.BoundingBox = &owsBox{corner(e.MinX, e.MinY), corner(e.MaxX, e.MaxY)}
	}
	for _, m := range l.sets {
		link := wmtsSetLink{Set: m.name()}
		for z := m.first; z <= m.last; z++ {
			if t, ok := l.limits(m.MatrixSet, z); ok {
				link.Limits = append(link.Limits, wmtsLimits{t.Matrix, t.MinRow, t.MaxRow, t.MinCol, t.MaxCol})
			}
		}
		info.Sets = append(info.Sets, link)
	}
	for _, f := range l.formats {
		info.Resources = append(info.Resources, wmtsResource{f, "tile", base + "/1.0.0/" + l.id + "/{Style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}." + wmtsEndings[f]})
	}
	return info
}

func (m wmtsSet) describe() wmtsMatrixSet {
	d := wmtsMatrixSet{Title: m.Title, Identifier: m.name(), CRS: owsURN("crs", m.CRS), ScaleSet: owsURN("wkss", m.WellKnownScaleSet)}
	for z := m.first; z <= m.last; z++ {
		t := m.Matrix(z)
		d.Matrices = append(d.Matrices, wmtsMatrix{
			t.ID, decimal(t.ScaleDenominator), corner(t.PointOfOrigin[0], t.PointOfOrigin[1]), t.TileWidth, t.TileHeight, t.MatrixWidth, t.MatrixHeight,
		})
	}
	return d
}

// owsURN is the URN that older services write for an http://www.opengis.net/def/
// address of a kind; OpenLayers reads no other form.
func owsURN(kind, uri string) string {
	parts := strings.Split(strings.TrimPrefix(uri, "http://www.opengis.net/def/"+kind+"/"), "/")
	if len(parts) != 3 {
		return uri
	}
	if parts[1] == "0" {
		parts[1] = "" // no version
	}
	return "urn:ogc:def:" + kind + ":" + strings.Join(parts, ":")
}

func corner(a, b float64) string { return decimal(a) + " " + decimal(b) }

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
