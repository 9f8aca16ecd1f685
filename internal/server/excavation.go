package server

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"twind/layers"
	"twind/tiles/tiles3d"
)

const typeCSV = "text/csv"

// excavationInputs are the inputs of the process, after OGC API – Processes. A
// polygon may stand by itself or as {"value": …}.
type excavationInputs struct {
	Inputs struct {
		Polygon json.RawMessage `json:"polygon"`
		Depth   *float64        `json:"depth"`
		Layers  []string        `json:"layers"`
	} `json:"inputs"`
}

// outline is a GeoJSON Polygon; nil stands for null where a number is expected.
type outline struct {
	Type        string          `json:"type"`
	Coordinates [][][]*float64  `json:"coordinates"`
	Value       json.RawMessage `json:"value"`
}

// excavate answers POST /ogc/processes/excavation/execution.
func (s *Server) excavate(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	if err := s.knownProcess(r); err != nil {
		return err
	}
	table, err := wantsTable(r.Header.Get("Accept"))
	if err != nil {
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	q, err := s.readExcavation(r, b)
	if err != nil {
		return err
	}
	x, err := s.o.Solids.Excavate(r.Context(), q)
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	if table {
		w.Header().Set("Content-Disposition", `attachment; filename="excavation.csv"`)
		return s.bytes(w, r, typeCSV+"; charset=utf-8; header=present", excavationTable(x))
	}
	return s.json(w, r, typeJSON, x)
}

// wantsTable reads an Accept header: the first of CSV and JSON that it names.
func wantsTable(accept string) (bool, error) {
	if accept == "" {
		return false, nil
	}
	for _, part := range strings.Split(accept, ",") {
		switch t, _, _ := mime.ParseMediaType(part); t {
		case typeCSV, "text/*":
			return true, nil
		case typeJSON, "application/*", "*/*":
			return false, nil
		}
	}
	return false, fail(http.StatusNotAcceptable, fmt.Sprintf("Accept: %s is not offered; ask for %s or %s.", cut(accept, 80), typeJSON, typeCSV))
}

func (s *Server) readExcavation(r *http.Request, body []byte) (q tiles3d.ExcavationRequest, err error) {
	var in excavationInputs
	if err := json.Unmarshal(body, &in); err != nil {
		return q, fail(400, fmt.Sprintf("The body is not a JSON object with inputs: %v.", err))
	}
	if in.Inputs.Depth == nil {
		return q, fail(400, "inputs.depth is missing; give the depth of the pit in metres below the ground, such as 3.")
	}
	q.Depth = *in.Inputs.Depth
	if q.Ring, err = readOutline(in.Inputs.Polygon, true); err != nil {
		return q, err
	}
	q.Policy = func(id layers.ID) layers.Policy { return s.policy(r, id) }
	if in.Inputs.Layers == nil {
		q.Layers = s.excavable(r)
		return q, nil
	}
	seen := map[layers.ID]bool{}
	for _, name := range in.Inputs.Layers {
		id, err := layers.ParseID(name)
		if err != nil {
			return q, err
		}
		if !seen[id] {
			seen[id] = true
			q.Layers = append(q.Layers, id)
		}
	}
	return q, nil
}

// excavable are the layers that the reader may dig up: pipes first, then nodes, then
// parts.
func (s *Server) excavable(r *http.Request) (ids []layers.ID) {
	list := s.o.Catalog.Layers()
	for _, kind := range []layers.Kind{layers.KindPipe, layers.KindNode, layers.KindPart} {
		for i := range list {
			if l := &list[i]; l.Kind == kind && tiles3d.Excavable(l) && !s.policy(r, l.ID).Deny {
				ids = append(ids, l.ID)
			}
		}
	}
	return ids
}

// readOutline reads the one ring of a GeoJSON Polygon: longitude, latitude, ….
func readOutline(raw json.RawMessage, wrapped bool) ([]float64, error) {
	if len(raw) == 0 {
		return nil, fail(400, "inputs.polygon is missing; give a GeoJSON Polygon in degrees.")
	}
	var g outline
	if err := json.Unmarshal(raw, &g); err != nil {
		return nil, fail(400, fmt.Sprintf("inputs.polygon is not a GeoJSON Polygon: %v.", err))
	}
	if wrapped && g.Type == "" && len(g.Value) > 0 {
		return readOutline(g.Value, false)
	}
	if g.Type != "Polygon" {
		return nil, fail(400, fmt.Sprintf("inputs.polygon has the type %q; give a GeoJSON Polygon.", cut(g.Type, 40)))
	}
	if n := len(g.Coordinates); n > 1 {
		return nil, fail(400, fmt.Sprintf("inputs.polygon has %d rings; a pit has one outline and no holes.", n))
	}
	var ring []float64
	for _, ps := range g.Coordinates {
		for k, p := range ps {
			if len(p) < 2 || p[0] == nil || p[1] == nil {
				return nil, fail(400, fmt.Sprintf("inputs.polygon: vertex %d is not a longitude and a latitude.", k+1))
			}
			ring = append(ring, *p[0], *p[1])
		}
	}
	return ring, nil
}

// excavationColumns are the columns of the table.
var excavationColumns = []string{
	"layer", "id", "name", "kind", "kind_name", "part", "material", "length_m", "depth_min_m", "depth_max_m",
	"diameter_mm", "width_mm", "height_mm", "depth_assumed",
}

// excavationTable is the items as CSV (RFC 4180), with a byte order mark, by which
// spreadsheets know UTF-8. A text that a spreadsheet would take for a formula is
// led by an apostrophe.
func excavationTable(x *tiles3d.Excavation) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.Write(excavationColumns)
	number := func(v *float64, digits int) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', digits, 64)
	}
	for i := range x.Items {
		e := &x.Items[i]
		_ = w.Write([]string{
			plain(string(e.Layer)), plain(e.ID), plain(e.Name), plain(e.Kind), plain(e.KindName), plain(e.Part), plain(e.Material),
			number(e.Length, 3), number(e.DepthMin, 3), number(e.DepthMax, 3),
			number(e.Diameter, 0), number(e.Width, 0), number(e.Height, 0), strconv.FormatBool(e.Assumed),
		})
	}
	w.Flush() // to memory
	return b.Bytes()
}

// plain keeps a spreadsheet from calculating a text.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
