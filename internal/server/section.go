package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"twind/layers"
	"twind/tiles/tiles3d"
)

// defaultReach is how far from a section nodes and parts are shown, in metres.
const defaultReach = 1.0

// sectionInputs are the inputs of the process.
type sectionInputs struct {
	Line   json.RawMessage `json:"line"`
	Reach  *float64        `json:"reach"`
	Layers []string        `json:"layers"`
}

// cut answers POST /ogc/processes/section/execution.
func (s *Server) cut(w http.ResponseWriter, r *http.Request, body []byte, asTable bool) error {
	q, err := s.readSection(r, body)
	if err != nil {
		return err
	}
	x, err := s.o.Solids.Section(r.Context(), q)
	if err != nil {
		return err
	}
	if asTable {
		w.Header().Set("Content-Disposition", `attachment; filename="section.csv"`)
		return s.bytes(w, r, typeTable, sectionTable(x))
	}
	return s.json(w, r, typeJSON, x)
}

func (s *Server) readSection(r *http.Request, body []byte) (q tiles3d.SectionRequest, err error) {
	var in sectionInputs
	if err := readInputs(body, "line (a GeoJSON LineString), reach (metres) and layers (a list of ids)", &in); err != nil {
		return q, err
	}
	q.Reach = defaultReach
	if in.Reach != nil {
		q.Reach = *in.Reach
	}
	var course [][]*float64
	if err := readCoordinates(in.Line, "line", "LineString", &course); err != nil {
		return q, err
	}
	if q.Line, err = appendPositions(make([]float64, 0, 2*len(course)), "line", course); err != nil {
		return q, err
	}
	q.Policy = func(id layers.ID) layers.Policy { return s.policy(r, id) }
	if q.Layers, err = s.underground(r, in.Layers); err != nil || in.Layers != nil {
		return q, err
	}
	list := s.o.Catalog.Layers()
	for i := range list {
		if l := &list[i]; l.Kind == layers.KindBuilding && tiles3d.Has(l) && !s.policy(r, l.ID).Deny {
			q.Buildings = append(q.Buildings, l.ID)
		}
	}
	return q, nil
}

func (s *Server) sectionProcess(r *http.Request) object {
	d := s.sectionSummary(r)
	d["inputs"] = object{
		"line": object{
			"title":       "The line that is cut along",
			"description": fmt.Sprintf("A GeoJSON LineString, longitude and latitude in degrees; at most %d vertices and %d m.", tiles3d.MaxSectionVertices, tiles3d.MaxSectionLength),
			"minOccurs":   1, "maxOccurs": 1,
			"schema": object{"allOf": []object{{"format": "geojson-geometry"}, {"$ref": "https://geojson.org/schema/LineString.json"}}},
		},
		"reach": object{
			"title":     "How far from the line nodes and parts are still shown, in metres",
			"minOccurs": 0, "maxOccurs": 1,
			"schema": object{"type": "number", "minimum": 0, "maximum": tiles3d.MaxSectionReach, "default": defaultReach},
		},
		"layers": undergroundInput(),
	}
	d["outputs"] = object{sectionID: object{
		"title":       "What the section shows",
		"description": "length (m, on the spheroid), ground (samples of at and elevation) and items by their distance at along the line: depth (ground above the top of a pipe, m), top and invert (elevations), wide and tall (extent in the plane of the section, m), angle (degrees), size (mm); without layers also buildings: from, to, base and height above the ground (m). CSV by Accept: text/csv.",
		"schema":      object{"type": "object", "contentMediaType": typeJSON},
	}}
	return d
}

// sectionColumns are the columns of the table.
var sectionColumns = []string{
	"at_m", "layer", "id", "name", "kind", "kind_name", "part", "material", "offset_m", "depth_m", "ground_m", "top_m", "invert_m",
	"diameter_mm", "width_mm", "height_mm", "angle_deg", "depth_assumed",
}

// sectionTable is the items as a table.
func sectionTable(x *tiles3d.Profile) []byte {
	return table(sectionColumns, len(x.Items), func(i int) []string {
		e := &x.Items[i]
		return []string{
			decimals(&e.At, 3), plain(string(e.Layer)), plain(e.ID), plain(e.Name), plain(e.Kind), plain(e.KindName), plain(e.Part), plain(e.Material),
			decimals(e.Offset, 3), decimals(e.Depth, 3), decimals(e.Ground, 3), decimals(e.Top, 3), decimals(e.Invert, 3),
			decimals(e.Diameter, 0), decimals(e.Width, 0), decimals(e.Height, 0), decimals(e.Angle, 1), strconv.FormatBool(e.Assumed),
		}
	})
}
