package server

import "strings"

// operation describes one method of one address of the server. Addresses are
// below the server's root, not below /ogc.
type operation struct {
	method, path string
	id, summary  string
	tag          string
	query        []any    // parameters; those of the path are made of it
	body         []string // media types of the request
	answers      []string // media types of the answer; none: without a body
	status       string   // of success; 200
	write        bool     // needs the right to write
	errors       string   // further statuses, with blanks between them
}

// queryParam is a parameter of the query. kind is a type of JSON Schema, or a
// list with commas between its values.
func queryParam(name, kind, description string) object {
	schema := object{"type": kind}
	if values := strings.Split(kind, ","); len(values) > 1 {
		schema = object{"type": "string", "enum": values}
	}
	return object{"name": name, "in": "query", "required": false, "style": "form", "explode": false, "description": description, "schema": schema}
}

func sharedParam(name string) object { return object{"$ref": "#/components/parameters/" + name} }

// spanParams name the times of /live/history.
func spanParams() []any {
	return []any{
		sharedParam("datetime"), queryParam("start", "string", "The first moment, RFC 3339; with end instead of datetime"),
		queryParam("end", "string", "The last moment, RFC 3339"),
	}
}

const (
	typeNDJSON  = "application/x-ndjson"
	typeMetrics = "text/plain"
)

// liveOperations are what is below /live and /sensorthings.
func liveOperations() []operation {
	limit, token := queryParam("limit", "integer", "How many on a page, or at most"), queryParam("token", "string", "A token that lets one write, instead of the header Authorization")
	historyQuery := append([]any{
		queryParam("layer", "string", "A live layer; of readings, the layer of the object that was measured"),
		queryParam("id", "string", "An entity, for its track"), sharedParam("bbox"),
		queryParam("since", "string", "Positions that the server received after this moment"),
		queryParam("state", "live,all", "Of an instant: the stale and offline too"),
		queryParam("feature", "string", "Of readings: the object that was measured"),
		queryParam("property", "string", "Of readings: what of the object was measured"),
		queryParam("datastream", "string", "Of readings: a datastream, instead of layer, feature and property"),
		queryParam("every", "string", "Of readings: count, min, mean and max of intervals of this width, such as 60s, 15m or 1d"),
		queryParam("cursor", "string", "Where the last page ended, as its next link gives it"),
		queryParam("f", "geojson,json,ndjson,csv", "The format: geojson, ndjson or csv of positions; json, ndjson or csv of readings"), limit,
	}, spanParams()...)
	taken := []string{typeJSON, typeNDJSON}
	return []operation{
		{method: "get", path: "/live", id: "live", tag: "Live", status: "101", summary: "A WebSocket of live layers, changes, readings, events and replays; realtime/wire/SPEC.md describes its messages", query: []any{queryParam("format", "json,flatbuffers", "json for simple clients"), token}, errors: "400 403 503"},
		{method: "post", path: "/live/positions", id: "postPositions", tag: "Live", summary: "Take positions: one, an array, or one a line; 202 means that they are on disk", query: []any{token}, body: taken, answers: []string{typeJSON}, status: "202", write: true, errors: "400 403 413 503"},
		{method: "post", path: "/live/observations", id: "postObservations", tag: "Live", summary: "Take readings: one, an array, or one a line; 202 means that they are on disk", query: []any{token}, body: taken, answers: []string{typeJSON}, status: "202", write: true, errors: "400 403 413 501 503"},
		{method: "get", path: "/live/history", id: "getHistory", tag: "Live", summary: "The past: a track, a box at an instant or for a time, what came since, or readings", query: historyQuery, answers: []string{typeGeoJSON, typeJSON, typeNDJSON, typeCSV}, errors: "400 404 501"},
		{method: "get", path: "/live/rules", id: "getRules", tag: "Rules", summary: "Rules: fences, thresholds and silence", answers: []string{typeJSON}, errors: "501"},
		{method: "get", path: "/live/rules/{id}", id: "getRule", tag: "Rules", summary: "One rule and what became of it", answers: []string{typeJSON}, errors: "404 501"},
		{method: "put", path: "/live/rules/{id}", id: "putRule", tag: "Rules", summary: "Make or replace a rule", body: []string{typeJSON}, answers: []string{typeJSON}, write: true, errors: "400 403 413 501"},
		{method: "delete", path: "/live/rules/{id}", id: "deleteRule", tag: "Rules", summary: "Delete a rule", status: "204", write: true, errors: "403 404 501"},
		{method: "get", path: "/live/alarms", id: "getAlarms", tag: "Rules", summary: "Alarms", query: []any{queryParam("state", "string", "new, acknowledged, closed or open"), queryParam("class", "string", "A class of alarms"), limit}, answers: []string{typeJSON}, errors: "400 501"},
		{method: "get", path: "/live/alarms/{id}", id: "getAlarm", tag: "Rules", summary: "One alarm and its life: when it began, was raised, acknowledged and closed, and how often it was so", answers: []string{typeJSON}, errors: "404 501"},
		{method: "post", path: "/live/alarms/{id}/acknowledge", id: "acknowledgeAlarm", tag: "Rules", summary: "Acknowledge an alarm, with owner and note", body: []string{typeJSON}, answers: []string{typeJSON}, write: true, errors: "400 403 404 409 501"},
		{method: "post", path: "/live/alarms/{id}/close", id: "closeAlarm", tag: "Rules", summary: "Close an alarm, with owner and note", body: []string{typeJSON}, answers: []string{typeJSON}, write: true, errors: "400 403 404 409 501"},
		{method: "get", path: "/live/events", id: "getEvents", tag: "Events", summary: "Cases, alarms and outcomes of rules: what is current, or with after every version in order", query: []any{
			queryParam("state", "string", "One state, or open"), queryParam("class", "string", "A class of events"), queryParam("kind", "case,alarm,outcome", "What they are"), sharedParam("bbox"),
			queryParam("overdue", "true,false", "Those whose deadline has passed"), limit, queryParam("cursor", "integer", "Where the last page ended, as its next link gives it"), queryParam("after", "integer", "Every version with a greater sequence"),
		}, answers: []string{typeJSON}, errors: "400 501"},
		{method: "post", path: "/live/events", id: "postEvents", tag: "Events", summary: "Take cases and incidents: one, an array, or one a line; 202 means that they are on disk", query: []any{token}, body: taken, answers: []string{typeJSON}, status: "202", write: true, errors: "400 403 413 501 503"},
		{method: "get", path: "/live/events/{id}", id: "getEvent", tag: "Events", summary: "One event and its versions", answers: []string{typeJSON}, errors: "404 501"},
		{method: "get", path: "/live/webhooks", id: "getWebhooks", tag: "Events", summary: "Webhooks and how they go", answers: []string{typeJSON}, write: true, errors: "403 501"},
		{method: "get", path: "/live/webhooks/{id}", id: "getWebhook", tag: "Events", summary: "One webhook and how it goes", answers: []string{typeJSON}, write: true, errors: "403 404 501"},
		{method: "put", path: "/live/webhooks/{id}", id: "putWebhook", tag: "Events", summary: "Make or replace a webhook", body: []string{typeJSON}, answers: []string{typeJSON}, write: true, errors: "400 403 413 501"},
		{method: "delete", path: "/live/webhooks/{id}", id: "deleteWebhook", tag: "Events", summary: "Delete a webhook", status: "204", write: true, errors: "403 404 501"},
		{method: "post", path: "/live/webhooks/{id}/replay", id: "replayWebhook", tag: "Events", summary: "Send the events after a sequence again", body: []string{typeJSON}, answers: []string{typeJSON}, write: true, errors: "400 403 404 501"},
		{method: "get", path: sensorThingsPath, id: "getSensorThings", tag: "SensorThings", summary: "OGC SensorThings 1.1 (18-088): its entity sets, and in serverSettings what it does and where it is reached by MQTT", answers: []string{typeJSON}, errors: "501"},
		{method: "get", path: sensorThingsPath + "/{address}", id: "getThings", tag: "SensorThings", summary: "An entity set, an entity or a member, such as Things(1)/Datastreams; an address may have slashes", query: []any{
			queryParam("$filter", "string", "A condition, such as result gt 3"), queryParam("$expand", "string", "Relations to show whole"), queryParam("$select", "string", "Members to show"), queryParam("$orderby", "string", "An order, such as phenomenonTime desc"),
			queryParam("$top", "integer", "How many on a page"), queryParam("$skip", "integer", "How many to leave out"), queryParam("$count", "true,false", "The number of all"), queryParam("$resultFormat", "string", "dataArray, of Observations"),
		}, answers: []string{typeJSON}, errors: "400 404 501 503"},
		{method: "post", path: sensorThingsPath + "/{address}", id: "postThings", tag: "SensorThings", summary: "Make an entity, with others in it; Observations in numbers at CreateObservations", body: []string{typeJSON}, answers: []string{typeJSON}, status: "201", write: true, errors: "400 403 404 413 501 503"},
		{method: "patch", path: sensorThingsPath + "/{address}", id: "patchThings", tag: "SensorThings", summary: "Change members and links of an entity", body: []string{typeJSON}, answers: []string{typeJSON}, write: true, errors: "400 403 404 413 501 503"},
		{method: "delete", path: sensorThingsPath + "/{address}", id: "deleteThings", tag: "SensorThings", summary: "Delete an entity, and what cannot be without it", write: true, errors: "403 404 501 503"},
	}
}

// readOperations are the other addresses beside OGC API.
func readOperations() []operation {
	one := func(path, id, tag, summary, answer string, query ...any) operation {
		return operation{method: "get", path: path, id: id, tag: tag, summary: summary, answers: []string{answer}, query: query, errors: "400 404"}
	}
	filters := []any{sharedParam("filter"), sharedParam("filter-lang"), sharedParam("properties")}
	const tileset = typeJSON
	return []operation{
		one("/search", "search", "Features", "Features by name and place", typeJSON, queryParam("q", "string", "What to look for"), queryParam("limit", "integer", "How many at most")),
		one("/styles/{file}", "getStyle", "Maps", "A MapLibre style: city.json, or LAYER.json", typeJSON),
		one("/sprites/{file}", "getSprite", "Maps", "Icons of the styles", "image/png"),
		one("/tiles/{file}", "getTileJSON", "Maps", "TileJSON of layers, LAYER,LAYER.json", typeJSON, filters...),
		one("/tiles/{layers}/{z}/{x}/{file}", "getVectorTile", "Maps", "A vector tile, Y.mvt", typeMVT, append(filters, queryParam("generalize", "on,off", "off: everything, ungeneralised"))...),
		one("/raster/{file}", "getRasterTileJSON", "Maps", "TileJSON of images and heights", typeJSON),
		one("/raster/{layer}/{z}/{x}/{file}", "getRasterTile", "Maps", "An image tile", "image/png"),
		one("/raster/{layer}/elevation", "getElevation", "Maps", "The height of the ground", typeJSON, queryParam("lon", "number", "Degrees"), queryParam("lat", "number", "Degrees")),
		one("/terrain/{id}/layer.json", "getTerrain", "Maps", "Terrain for CesiumJS", typeJSON),
		one("/terrain/{id}/{z}/{x}/{file}", "getTerrainTile", "Maps", "A tile of quantized-mesh 1.0", "application/vnd.quantized-mesh"),
		one("/wmts", "getWMTS", "Maps", "WMTS 1.0 by KVP (OGC 07-057r7); parameters as its capabilities say", "application/xml"),
		one("/wmts/1.0.0/WMTSCapabilities.xml", "getWMTSCapabilities", "Maps", "The capabilities of WMTS", "application/xml", queryParam("FORMAT", "string", "Only layers of this media type, such as image/png")),
		one("/wmts/1.0.0/{layer}/{style}/{tileMatrixSet}/{tileMatrix}/{tileRow}/{file}", "getWMTSTile", "Maps", "A tile of WMTS by its address", "image/png"),
		one("/3d/{layer}/tileset.json", "getTileset", "3D", "3D Tiles 1.1 of a layer", tileset, filters...),
		one("/3d/{layer}/implicit/tileset.json", "getImplicitTileset", "3D", "The same with implicit tiling", tileset, filters...),
		one("/3d/{layer}/implicit/s/{level}/{x}/{file}", "getImplicitSubtree", "3D", "A subtree of implicit tiling", "application/octet-stream"),
		one("/3d/{layer}/t/{level}/{x}/{file}", "getSubtree", "3D", "A branch of a tileset", typeJSON),
		one("/3d/{layer}/c/{level}/{x}/{file}", "getContent", "3D", "A content, glTF", "model/gltf-binary"),
		one("/3d/{layer}/report.json", "getSolidReport", "3D", "What is not drawn as recorded", typeJSON),
		{method: "get", path: "/healthz", id: "getHealth", tag: "Operation", summary: "The process answers", answers: []string{typeMetrics}},
		{method: "get", path: "/readyz", id: "getReadiness", tag: "Operation", summary: "The store answers", answers: []string{typeMetrics}, errors: "503"},
		{method: "get", path: "/metrics", id: "getMetrics", tag: "Operation", summary: "Metrics for Prometheus", answers: []string{typeMetrics}},
	}
}

// addOperations adds what is beside OGC API to a document; base is the server's
// root, which these paths name for themselves.
func addOperations(doc object, base string) {
	paths := doc["paths"].(object)
	tags := doc["tags"].([]any)
	known := map[string]bool{}
	for _, t := range tags {
		known[t.(object)["name"].(string)] = true
	}
	for _, o := range append(liveOperations(), readOperations()...) {
		item, ok := paths[o.path].(object)
		if !ok {
			item = object{"servers": []any{object{"url": base}}}
			if p := pathParams(o.path); len(p) > 0 {
				item["parameters"] = p
			}
			paths[o.path] = item
		}
		item[o.method] = o.describe()
		if !known[o.tag] {
			known[o.tag] = true
			tags = append(tags, object{"name": o.tag})
		}
	}
	doc["tags"] = tags
}

// pathParams are the names in braces of an address.
func pathParams(path string) (out []any) {
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			out = append(out, object{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	return out
}

func (o *operation) describe() object {
	success := object{"description": o.summary}
	if len(o.answers) > 0 {
		success["content"] = mediaTypes(o.answers)
	}
	status := o.status
	if status == "" {
		status = "200"
	}
	responses := object{status: success, "500": object{"$ref": "#/components/responses/problem500"}}
	for _, code := range strings.Fields(o.errors) {
		responses[code] = object{"$ref": "#/components/responses/problem" + code}
	}
	out := object{"operationId": o.id, "summary": o.summary, "tags": []string{o.tag}, "responses": responses}
	if len(o.query) > 0 {
		out["parameters"] = o.query
	}
	if len(o.body) > 0 {
		out["requestBody"] = object{"required": true, "content": mediaTypes(o.body)}
	}
	if o.write {
		responses["401"] = object{"$ref": "#/components/responses/problem401"}
		out["security"] = []any{object{"bearer": []string{}}, object{"basic": []string{}}, object{}}
	}
	return out
}

func mediaTypes(list []string) object {
	content := object{}
	for _, t := range list {
		schema := object{}
		if !strings.HasSuffix(t, "json") || t == typeNDJSON {
			schema["type"] = "string"
		}
		content[t] = object{"schema": schema}
	}
	return content
}
