package server

import "twind/spatial/tile"

// addTilePaths adds OGC API – Tiles to an OpenAPI document, with the operation
// ids that Part 1 (20-057) §14 asks for.
func addTilePaths(doc object) {
	param := func(name string) object { return object{"$ref": "#/components/parameters/" + name} }
	query := func(name, description string, schema object) object {
		return object{"name": name, "in": "query", "required": false, "style": "form", "explode": false, "description": description, "schema": schema}
	}
	inPath := func(name, description string, schema object) object {
		return object{"name": name, "in": "path", "required": true, "description": description, "schema": schema}
	}
	text := object{"type": "string"}
	list := object{"type": "array", "items": text}

	components := doc["components"].(object)
	parameters := components["parameters"].(object)
	parameters["tileMatrixSetId"] = inPath("tileMatrixSetId", "A tile matrix set of /tileMatrixSets", object{"type": "string", "enum": []string{tile.WebMercatorQuadID, tile.WorldCRS84QuadID, tile.CGCS2000QuadID}})
	parameters["tileMatrix"] = inPath("tileMatrix", "The zoom; of WorldCRS84Quad one less", object{"type": "string", "pattern": "^(0|[1-9][0-9]?)$"})
	parameters["tileRow"] = inPath("tileRow", "The row, counted from the north", object{"type": "integer", "minimum": 0})
	parameters["tileCol"] = inPath("tileCol", "The column, counted from the west", object{"type": "integer", "minimum": 0})
	parameters["collections"] = query("collections", "Collections that the tiles hold, in this order: ids, or addresses of collections of this server; all without it", list)
	parameters["properties"] = query("properties", "Properties that the tiles carry; all without it", list)
	parameters["fJSON"] = query("f", "The encoding", object{"type": "string", "enum": []string{"json"}})
	parameters["fMVT"] = query("f", "The encoding", object{"type": "string", "enum": []string{"mvt"}})

	operation := func(id, summary string, answers object, params []any, errors ...string) object {
		for _, code := range append(errors, "400", "500") {
			answers[code] = object{"$ref": "#/components/responses/problem" + code}
		}
		answers["304"] = object{"description": "What If-None-Match names is still valid"}
		return object{"operationId": id, "summary": summary, "tags": []string{"Tiles"}, "parameters": params, "responses": answers}
	}
	document := func(summary string) object {
		return object{"200": object{"description": summary, "content": object{typeJSON: object{"schema": object{"type": "object"}}}}}
	}
	vectorTile := func() object {
		return object{
			"200": object{"description": "A Mapbox Vector Tile 2.1", "content": object{typeMVT: object{"schema": object{"type": "string", "format": "binary"}}}},
			"204": object{"description": "Within the limits, and without data"},
		}
	}
	rows := func(more ...any) []any {
		return append(more, param("properties"), param("filter"), param("filter-lang"), param("filter-crs"))
	}
	paths := doc["paths"].(object)
	path := func(p string, shared []any, get object) {
		o := object{"get": get}
		if len(shared) > 0 {
			o["parameters"] = shared
		}
		paths[p] = o
	}
	collection, set := param("collectionId"), param("tileMatrixSetId")
	numbers := []any{param("tileMatrix"), param("tileRow"), param("tileCol")}

	path("/tileMatrixSets", nil, operation("getTileMatrixSetsList", "Tile matrix sets", document("Tile matrix sets"), []any{param("fJSON")}))
	path("/tileMatrixSets/{tileMatrixSetId}", []any{set}, operation("getTileMatrixSet", "One tile matrix set", document("One tile matrix set"), []any{param("fJSON")}, "404"))
	path("/tiles", nil, operation("tiles.dataset.vector.getTileSetsList", "Tilesets of all layers together", document("Tilesets"), []any{param("fJSON")}))
	path("/tiles/{tileMatrixSetId}", []any{set}, operation("tiles.dataset.vector.getTileSet", "The tileset of all layers together", document("A tileset"), rows(param("fJSON"), param("collections")), "404"))
	path("/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}", append([]any{set}, numbers...),
		operation("tiles.dataset.vector.getTile", "A tile of all layers together", vectorTile(), rows(param("fMVT"), param("collections")), "404"))
	path("/collections/{collectionId}/tiles", []any{collection}, operation("tiles.collection.vector.getTileSetsList", "Tilesets of a collection", document("Tilesets"), []any{param("fJSON")}, "404"))
	path("/collections/{collectionId}/tiles/{tileMatrixSetId}", []any{collection, set}, operation("tiles.collection.vector.getTileSet", "The tileset of a collection", document("A tileset"), rows(param("fJSON")), "404"))
	path("/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}", append([]any{collection, set}, numbers...),
		operation("tiles.collection.vector.getTile", "A tile of a collection", vectorTile(), rows(param("fMVT")), "404"))
	doc["tags"] = append(doc["tags"].([]any), object{"name": "Tiles"})
}
