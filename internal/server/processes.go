package server

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"twind/tiles/tiles3d"
)

// relExecute and relProcesses are link relations of OGC API – Processes (18-062r2).
const (
	relExecute   = "http://www.opengis.net/def/rel/ogc/1.0/execute"
	relProcesses = "http://www.opengis.net/def/rel/ogc/1.0/processes"
)

const (
	excavationID = "excavation"
	sectionID    = "section"
)

// processes lists the processes, after OGC API – Processes – Part 1 §7.9. No
// conformance class is declared: what is executed answers at once and directly.
func (s *Server) processes(w http.ResponseWriter, r *http.Request) error {
	if err := readFormat(r); err != nil {
		return err
	}
	list := []object{}
	if s.o.Solids != nil {
		list = append(list, s.excavationSummary(r), s.sectionSummary(r))
	}
	return s.json(w, r, typeJSON, object{
		"processes": list,
		"links":     []link{{Href: s.base(r) + "/ogc/processes", Rel: "self", Type: typeJSON}},
	})
}

// process describes one process.
func (s *Server) process(w http.ResponseWriter, r *http.Request) error {
	if err := readFormat(r); err != nil {
		return err
	}
	if err := s.knownProcess(r); err != nil {
		return err
	}
	if chi.URLParam(r, "process") == sectionID {
		return s.json(w, r, typeJSON, s.sectionProcess(r))
	}
	return s.json(w, r, typeJSON, s.excavationProcess(r))
}

// execute runs one process and answers at once.
func (s *Server) execute(w http.ResponseWriter, r *http.Request) error {
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
	w.Header().Set("Vary", "Accept")
	if chi.URLParam(r, "process") == sectionID {
		return s.cut(w, r, b, table)
	}
	return s.excavate(w, r, b, table)
}

// undergroundInput describes the input "layers" of both processes.
func undergroundInput() object {
	return object{
		"title":       "Layers",
		"description": "Ids of layers of pipes, nodes and parts; all of them where it is left out.",
		"minOccurs":   0, "maxOccurs": 1,
		"schema": object{"type": "array", "items": object{"type": "string"}},
	}
}

func numberSchema(lo, hi float64) object {
	return object{"type": "number", "minimum": lo, "maximum": hi}
}

func (s *Server) excavationProcess(r *http.Request) object {
	d := s.excavationSummary(r)
	d["inputs"] = object{
		"polygon": object{
			"title":       "The outline of the pit",
			"description": fmt.Sprintf("A GeoJSON Polygon of one ring without crossings, longitude and latitude in degrees; at most %d vertices and %.0f km².", tiles3d.MaxPitVertices, tiles3d.MaxPitArea/1e6),
			"minOccurs":   1, "maxOccurs": 1,
			"schema": object{"allOf": []object{{"format": "geojson-geometry"}, {"$ref": "https://geojson.org/schema/Polygon.json"}}},
		},
		"depth": object{
			"title": "Depth below the ground in metres", "minOccurs": 1, "maxOccurs": 1,
			"schema": numberSchema(tiles3d.MinPitDepth, tiles3d.MaxPitDepth),
		},
		"layers": undergroundInput(),
	}
	d["outputs"] = object{excavationID: object{
		"title":       "What lies in the pit",
		"description": "Items with length (of the axis inside the outline where the top is above the floor, in three dimensions on the spheroid, m), depthMin and depthMax (ground above the top, m) and size (mm); totals by layer and kind. CSV by Accept: text/csv.",
		"schema":      object{"type": "object", "contentMediaType": typeJSON},
	}}
	return d
}

func (s *Server) knownProcess(r *http.Request) error {
	if id := chi.URLParam(r, "process"); id != excavationID && id != sectionID || s.o.Solids == nil {
		return fail(404, fmt.Sprintf("There is no process %q; /ogc/processes lists what there is.", cut(id, 80)))
	}
	return nil
}

func (s *Server) excavationSummary(r *http.Request) object {
	return s.processSummary(r, excavationID, "Excavation", "What a pit of an outline and a depth would meet: pipes, manholes and other parts, from the newest records.")
}

func (s *Server) sectionSummary(r *http.Request) object {
	return s.processSummary(r, sectionID, "Vertical section", "What a vertical section along a line shows: the ground, the pipes that cross it, and manholes and other parts beside it, from the newest records.")
}

func (s *Server) processSummary(r *http.Request, id, title, description string) object {
	at := s.base(r) + "/ogc/processes/" + id
	return object{
		"id": id, "version": "1.0.0", "title": title, "description": description,
		"jobControlOptions":  []string{"sync-execute"},
		"outputTransmission": []string{"value"},
		"links": []link{
			{Href: at, Rel: "self", Type: typeJSON, Title: "This process"},
			{Href: at + "/execution", Rel: relExecute, Type: typeJSON, Title: "Execute it by POST"},
		},
	}
}
