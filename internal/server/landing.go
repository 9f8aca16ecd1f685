package server

import (
	"net/http"
)

// link is a link of OGC API, after RFC 8288.
type link struct {
	Href      string `json:"href"`
	Rel       string `json:"rel"`
	Type      string `json:"type,omitempty"`
	Title     string `json:"title,omitempty"`
	Templated bool   `json:"templated,omitempty"`
}

// Media types.
const (
	typeJSON    = "application/json"
	typeGeoJSON = "application/geo+json"
	typeOpenAPI = "application/vnd.oai.openapi+json;version=3.0"
	typeSchema  = "application/schema+json"
	typeMVT     = "application/vnd.mapbox-vector-tile"
)

// Conformance classes that the server implements.
var conformance = []string{
	"http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
	"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
	"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
	"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
	"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
	"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
	"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
	"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
	"http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
	"http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
	"http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
	"http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
	"http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
	"http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus",
	"http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/create-replace-delete",
	"http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/update",
	"http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/features",
	"http://www.opengis.net/spec/ogcapi-features-4/1.0/req/optimistic-locking-etags",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/dataset-tilesets",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/collections-selection",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/oas30",
	"http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
	"http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
	"http://www.opengis.net/spec/tms/2.0/conf/tilematrixsetlimits",
	"http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixsetlimits",
	"http://www.opengis.net/spec/tms/2.0/conf/tilesetmetadata",
	"http://www.opengis.net/spec/tms/2.0/conf/json-tilesetmetadata",
}

func (s *Server) landing(w http.ResponseWriter, r *http.Request) error {
	if err := readFormat(r); err != nil {
		return err
	}
	b := s.base(r) + "/ogc"
	return s.json(w, r, typeJSON, map[string]any{
		"title":       s.o.Title.In(r.Header.Get("Accept-Language")),
		"description": "Layers of the city: features, vector tiles and live positions.",
		"links": []link{
			{Href: b, Rel: "self", Type: typeJSON, Title: "This document"},
			{Href: b + "?f=json", Rel: "alternate", Type: typeJSON, Title: "This document as JSON"},
			{Href: b + "/api", Rel: "service-desc", Type: typeOpenAPI, Title: "The API, OpenAPI 3.0"},
			{Href: b + "/conformance", Rel: "conformance", Type: typeJSON, Title: "Conformance classes"},
			{Href: b + "/conformance", Rel: "http://www.opengis.net/def/rel/ogc/1.0/conformance", Type: typeJSON},
			{Href: b + "/collections", Rel: "data", Type: typeJSON, Title: "Collections"},
			{Href: b + "/collections", Rel: "http://www.opengis.net/def/rel/ogc/1.0/data", Type: typeJSON},
			{Href: b + "/tiles", Rel: relTileSets, Type: typeJSON, Title: "Vector tiles of all layers"},
			{Href: b + "/processes", Rel: relProcesses, Type: typeJSON, Title: "Processes"},
			{Href: b + "/tileMatrixSets", Rel: relTilingSchemes, Type: typeJSON, Title: "Tile matrix sets"},
			{Href: s.base(r) + "/", Rel: "http://www.opengis.net/def/rel/ogc/1.0/map", Type: "text/html", Title: "The viewer"},
		},
	})
}

func (s *Server) conformance(w http.ResponseWriter, r *http.Request) error {
	if err := readFormat(r); err != nil {
		return err
	}
	return s.json(w, r, typeJSON, map[string]any{"conformsTo": conformance})
}
