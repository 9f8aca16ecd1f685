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

const (
	typeCSV   = "text/csv"
	typeTable = typeCSV + "; charset=utf-8; header=present"
)

// excavationInputs are the inputs of the process, after OGC API – Processes.
type excavationInputs struct {
	Polygon json.RawMessage `json:"polygon"`
	Depth   *float64        `json:"depth"`
	Layers  []string        `json:"layers"`
}

// excavate answers POST /ogc/processes/excavation/execution.
func (s *Server) excavate(w http.ResponseWriter, r *http.Request, body []byte, table bool) error {
	q, err := s.readExcavation(r, body)
	if err != nil {
		return err
	}
	x, err := s.o.Solids.Excavate(r.Context(), q)
	if err != nil {
		return err
	}
	if table {
		w.Header().Set("Content-Disposition", `attachment; filename="excavation.csv"`)
		return s.bytes(w, r, typeTable, excavationTable(x))
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
	if err := readInputs(body, "polygon (a GeoJSON Polygon), depth (metres) and layers (a list of ids)", &in); err != nil {
		return q, err
	}
	if in.Depth == nil {
		return q, fail(400, "inputs.depth is missing; give the depth of the pit in metres below the ground, such as 3.")
	}
	q.Depth = *in.Depth
	var rings [][][]*float64
	if err := readCoordinates(in.Polygon, "polygon", "Polygon", &rings); err != nil {
		return q, err
	}
	if n := len(rings); n > 1 {
		return q, fail(400, fmt.Sprintf("inputs.polygon has %d rings; a pit has one outline and no holes.", n))
	}
	for _, ring := range rings {
		if q.Ring, err = appendPositions(q.Ring, "polygon", ring); err != nil {
			return q, err
		}
	}
	q.Policy = func(id layers.ID) layers.Policy { return s.policy(r, id) }
	q.Layers, err = s.underground(r, in.Layers)
	return q, err
}

// underground are the layers of some names, each once; without names all that the
// reader may dig up.
func (s *Server) underground(r *http.Request, names []string) (ids []layers.ID, err error) {
	if names == nil {
		return s.excavable(r), nil
	}
	seen := map[layers.ID]bool{}
	for _, name := range names {
		id, err := layers.ParseID(name)
		if err != nil {
			return nil, err
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
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

// excavationColumns are the columns of the table.
var excavationColumns = []string{
	"layer", "id", "name", "kind", "kind_name", "part", "material", "length_m", "depth_min_m", "depth_max_m",
	"diameter_mm", "width_mm", "height_mm", "depth_assumed",
}

// excavationTable is the items as a table.
func excavationTable(x *tiles3d.Excavation) []byte {
	return table(excavationColumns, len(x.Items), func(i int) []string {
		e := &x.Items[i]
		return []string{
			plain(string(e.Layer)), plain(e.ID), plain(e.Name), plain(e.Kind), plain(e.KindName), plain(e.Part), plain(e.Material),
			decimals(e.Length, 3), decimals(e.DepthMin, 3), decimals(e.DepthMax, 3),
			decimals(e.Diameter, 0), decimals(e.Width, 0), decimals(e.Height, 0), strconv.FormatBool(e.Assumed),
		}
	})
}

// table writes rows as CSV (RFC 4180), with a byte order mark, by which
// spreadsheets know UTF-8.
func table(columns []string, rows int, row func(int) []string) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.Write(columns)
	for i := range rows {
		_ = w.Write(row(i))
	}
	w.Flush() // to memory
	return b.Bytes()
}

// decimals writes a number; nil is an empty field.
func decimals(v *float64, digits int) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', digits, 64)
}

// plain keeps a spreadsheet from calculating a text: one that it would take for a
// formula is led by an apostrophe.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
