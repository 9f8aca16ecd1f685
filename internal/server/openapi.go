package server

import (
	"net/http"

	"twind/layers/cql2"
)

type object = map[string]any

// openAPI describes the service in OpenAPI 3.0 with the paths and parameters of
// OGC API Features Part 1 §7.2 and Part 4, whatever layers there are.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) error {
	if err := readFormat(r); err != nil {
		return err
	}
	base := s.base(r)
	ref := func(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }
	param := func(name string) object { return ref("parameters", name) }
	answer := func(description, mediaType string, schema object) object {
		return object{"description": description, "content": object{mediaType: object{"schema": schema}}}
	}
	anything := object{"type": "object"}
	problems := func(codes ...string) object {
		o := object{}
		for _, c := range codes {
			o[c] = ref("responses", "problem"+c)
		}
		return o
	}
	with := func(base object, more object) object {
		for k, v := range more {
			base[k] = v
		}
		return base
	}
	get := func(id, summary, mediaType string, params []any, errors ...string) object {
		return object{
			"operationId": id, "summary": summary, "tags": []string{"Features"}, "parameters": params,
			"responses": with(object{"200": answer(summary, mediaType, anything)}, problems(append(errors, "500")...)),
		}
	}
	body := func(mediaTypes ...string) object {
		content := object{}
		for _, t := range mediaTypes {
			content[t] = object{"schema": anything}
		}
		return object{"required": true, "content": content}
	}
	security := []any{object{"bearer": []string{}}, object{"basic": []string{}}, object{}}
	change := func(id, summary string, b object, codes ...string) object {
		o := object{
			"operationId": id, "summary": summary, "tags": []string{"Editing"}, "security": security,
			"parameters": []any{param("If-Match"), param("If-None-Match")},
			"responses":  with(object{"200": answer("The feature as it is now", typeGeoJSON, anything)}, problems(append(codes, "500")...)),
		}
		if b != nil {
			o["requestBody"] = b
		}
		return o
	}
	deleted := change("deleteFeature", "Delete a feature", nil, "401", "403", "404", "412")
	deleted["responses"] = with(object{"204": object{"description": "Deleted"}}, problems("401", "403", "404", "412", "500"))

	number := object{"type": "number"}
	doc := object{
		"openapi": "3.0.3",
		"info": object{
			"title": "twind", "version": s.o.Version,
			"description": "Features of the city's layers. Coordinates are longitude, latitude in degrees (CRS84), heights in metres.",
			"license":     object{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
		},
		"servers": []any{object{"url": base + "/ogc"}},
		"tags":    []any{object{"name": "Features"}, object{"name": "Editing"}, object{"name": "Processes"}, object{"name": "Live"}},
		"paths": object{
			"/":            object{"get": get("getLandingPage", "Landing page", typeJSON, []any{})},
			"/api":         object{"get": get("getApi", "This document", typeOpenAPI, []any{})},
			"/conformance": object{"get": get("getConformance", "Conformance classes", typeJSON, []any{})},
			"/processes":   object{"get": get("getProcesses", "Processes", typeJSON, []any{})},
			"/processes/excavation": object{
				"get": get("getExcavation", "What the process takes and gives", typeJSON, []any{}, "404"),
			},
			"/processes/excavation/execution": object{"post": object{
				"operationId": "excavate", "summary": "What lies in a pit", "tags": []string{"Processes"},
				"requestBody": body(typeJSON),
				"responses": with(object{"200": object{"description": "Items and totals", "content": object{
					typeJSON: object{"schema": anything}, typeCSV: object{"schema": object{"type": "string"}},
				}}}, problems("400", "404", "413", "415", "500")),
			}},
			"/processes/section": object{
				"get": get("getSection", "What the process takes and gives", typeJSON, []any{}, "404"),
			},
			"/processes/section/execution": object{"post": object{
				"operationId": "cut", "summary": "What a vertical section along a line shows", "tags": []string{"Processes"},
				"requestBody": body(typeJSON),
				"responses": with(object{"200": object{"description": "Ground and crossings by distance along the line", "content": object{
					typeJSON: object{"schema": anything}, typeCSV: object{"schema": object{"type": "string"}},
				}}}, problems("400", "404", "413", "415", "500")),
			}},
			"/collections": object{"get": get("getCollections", "Collections", typeJSON, []any{})},
			"/collections/{collectionId}": object{
				"parameters": []any{param("collectionId")},
				"get":        get("describeCollection", "One collection", typeJSON, []any{}, "404"),
			},
			"/collections/{collectionId}/schema": object{
				"parameters": []any{param("collectionId")},
				"get":        get("getSchema", "JSON Schema of the features", typeSchema, []any{}, "404"),
			},
			"/collections/{collectionId}/queryables": object{
				"parameters": []any{param("collectionId")},
				"get":        get("getQueryables", "Properties that may be filtered by", typeSchema, []any{}, "404"),
			},
			"/collections/{collectionId}/items": object{
				"parameters": []any{param("collectionId")},
				"get":        get("getFeatures", "Features", typeGeoJSON, []any{param("bbox"), param("datetime"), param("limit"), param("cursor"), param("filter"), param("filter-lang"), param("filter-crs")}, "400", "404"),
				"post": object{
					"operationId": "createFeature", "summary": "Create a feature", "tags": []string{"Editing"}, "security": security,
					"requestBody": body(typeGeoJSON),
					"responses": with(object{"201": object{
						"description": "Created",
						"headers":     object{"Location": object{"schema": object{"type": "string"}}, "ETag": object{"schema": object{"type": "string"}}},
						"content":     object{typeGeoJSON: object{"schema": anything}},
					}}, problems("400", "401", "403", "404", "409", "413", "415", "500")),
				},
			},
			"/collections/{collectionId}/nearest": object{
				"parameters": []any{param("collectionId")},
				"get":        get("getNearest", "The features nearest to a position, each with its distance in metres", typeGeoJSON, []any{param("lon"), param("lat"), param("distance"), param("limit"), param("filter"), param("filter-lang"), param("filter-crs")}, "400", "404"),
			},
			"/collections/{collectionId}/items/{featureId}": object{
				"parameters": []any{param("collectionId"), param("featureId")},
				"get":        get("getFeature", "One feature", typeGeoJSON, []any{}, "404"),
				"put":        change("replaceFeature", "Replace a feature", body(typeGeoJSON), "400", "401", "403", "404", "412", "413", "415"),
				"patch":      change("updateFeature", "Change members of a feature (JSON Merge Patch)", body("application/merge-patch+json"), "400", "401", "403", "404", "412", "413", "415"),
				"delete":     deleted,
			},
		},
		"components": object{
			"securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer"}, "basic": object{"type": "http", "scheme": "basic"}},
			"parameters": object{
				"collectionId": object{"name": "collectionId", "in": "path", "required": true, "schema": object{"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$"}},
				"featureId":    object{"name": "featureId", "in": "path", "required": true, "schema": object{"type": "string", "minLength": 1, "maxLength": 255}},
				"bbox": object{
					"name": "bbox", "in": "query", "required": false, "style": "form", "explode": false,
					"description": "west,south,east,north in degrees (six numbers with heights); west > east crosses the antimeridian",
					"schema":      object{"type": "array", "minItems": 4, "maxItems": 6, "items": number},
				},
				"datetime": object{
					"name": "datetime", "in": "query", "required": false, "style": "form", "explode": false,
					"description": "An RFC 3339 instant, or an interval a/b with .. for an open end; features without a time always match",
					"schema":      object{"type": "string"},
				},
				"limit": object{
					"name": "limit", "in": "query", "required": false, "style": "form", "explode": false,
					"description": "Features on one page; more than the maximum is the maximum",
					"schema":      object{"type": "integer", "minimum": 1, "maximum": maxLimit, "default": defaultLimit},
				},
				"lon":      object{"name": "lon", "in": "query", "required": true, "description": "Longitude of the position, degrees", "schema": object{"type": "number", "minimum": -180, "maximum": 180}},
				"lat":      object{"name": "lat", "in": "query", "required": true, "description": "Latitude of the position, degrees", "schema": object{"type": "number", "minimum": -90, "maximum": 90}},
				"distance": object{"name": "distance", "in": "query", "required": false, "description": "What is farther, in metres, is left out", "schema": object{"type": "number", "minimum": 0, "exclusiveMinimum": true}},
				"cursor": object{
					"name": "cursor", "in": "query", "required": false, "style": "form", "explode": false,
					"description": "Where the last page ended, as its next link gives it", "schema": object{"type": "string"},
				},
				"filter": object{
					"name": "filter", "in": "query", "required": false, "style": "form", "explode": false,
					"description": "A condition in CQL2 (OGC 21-065r2), such as height > 20 AND CASEI(name) LIKE CASEI('hall%')",
					"schema":      object{"type": "string", "maxLength": cql2.MaxBytes},
				},
				"filter-lang": object{
					"name": "filter-lang", "in": "query", "required": false, "style": "form", "explode": false,
					"description": "The encoding of filter",
					"schema":      object{"type": "string", "enum": []string{cql2Text, cql2JSON}, "default": cql2Text},
				},
				"filter-crs": object{
					"name": "filter-crs", "in": "query", "required": false, "style": "form", "explode": false,
					"description": "The coordinate reference system of the geometries in filter",
					"schema":      object{"type": "string", "format": "uri", "enum": []string{crs84}, "default": crs84},
				},
				"If-Match":      object{"name": "If-Match", "in": "header", "required": false, "description": "ETag of the feature that is to be changed", "schema": object{"type": "string"}},
				"If-None-Match": object{"name": "If-None-Match", "in": "header", "required": false, "description": "ETags of states that are not to be changed; * is any", "schema": object{"type": "string"}},
			},
			"responses": problemResponses(),
		},
	}
	addTilePaths(doc)
	addOperations(doc, base)
	// The landing page is also at "", as servers[0].url.
	return s.json(w, r, typeOpenAPI, doc)
}

func problemResponses() object {
	texts := map[string]string{
		"400": "The request is invalid; detail says what was expected",
		"401": "Writing needs a token",
		"403": "This is not permitted here",
		"404": "There is no such thing",
		"409": "It exists already",
		"412": "The feature has changed since",
		"413": "The body is too large",
		"415": "The body's media type is not read here",
		"500": "The server failed",
		"501": "This server has it turned off",
		"503": "The server is busy, or its disk takes nothing; try again",
	}
	o := object{}
	for code, text := range texts {
		o["problem"+code] = object{"description": text, "content": object{"application/problem+json": object{"schema": object{
			"type": "object",
			"properties": object{
				"type": object{"type": "string"}, "title": object{"type": "string"},
				"status": object{"type": "integer"}, "detail": object{"type": "string"},
			},
		}}}}
	}
	return o
}
