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

// sectionInputs are the inputs of the process. A line may stand by itself or as
// {"value": …}.
type sectionInputs struct {
	Inputs struct {
		Line   json.RawMessage `json:"line"`
		Reach  *float64        `json:"reach"`
		Layers []string        `json:"layers"`
	} `json:"inputs"`
}

// sectionCourse is a GeoJSON LineString; nil stands for null where a number is
// expected.
type sectionCourse struct {
	Type        string          `json:"type"`
	Coordinates [][]*float64    `json:"coordinates"`
	Value       json.RawMessage `json:"value"`
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
	if err := json.Unmarshal(body, &in); err != nil {
		return q, fail(400, fmt.Sprintf("The body is not a JSON object with inputs: %v.", err))
	}
	q.Reach = defaultReach
	if in.Inputs.Reach != nil {
		q.Reach = *in.Inputs.Reach
	}
	if q.Line, err = readCourse(in.Inputs.Line, true); err != nil {
		return q, err
	}
	q.Policy = func(id layers.ID) layers.Policy { return s.policy(r, id) }
	if q.Layers, err = s.underground(r, in.Inputs.Layers); err != nil || in.Inputs.Layers != nil {
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

// readCourse reads a GeoJSON LineString: longitude, latitude, ….
func readCourse(raw json.RawMessage, wrapped bool) ([]float64, error) {
	if len(raw) == 0 {
		return nil, fail(400, "inputs.line is missing; give a GeoJSON LineString in degrees.")
	}
	var g sectionCourse
	if err := json.Unmarshal(raw, &g); err != nil {
		return nil, fail(400, fmt.Sprintf("inputs.line is not a GeoJSON LineString: %v.", err))
	}
	if wrapped && g.Type == "" && len(g.Value) > 0 {
		return readCourse(g.Value, false)
	}
	if g.Type != "LineString" {
		return nil, fail(400, fmt.Sprintf("inputs.line has the type %q; give a GeoJSON LineString.", cut(g.Type, 40)))
	}
	line := make([]float64, 0, 2*len(g.Coordinates))
	for k, p := range g.Coordinates {
		if len(p) < 2 || p[0] == nil || p[1] == nil {
			return nil, fail(400, fmt.Sprintf("inputs.line: vertex %d is not a longitude and a latitude.", k+1))
		}
		line = append(line, *p[0], *p[1])
	}
	return line, nil
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
