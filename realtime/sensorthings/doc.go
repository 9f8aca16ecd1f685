// Package sensorthings is OGC SensorThings 1.1 (18-088) over HTTP: the eight
// entity sets with their relations, queries and writes.
//
//	request ─▶ path ─▶ options ($filter, $expand …) ─▶ rows ─▶ JSON
//	        └▶ body ─▶ change ─▶ tables ─▶ log, synced before the answer
//	                     └─▶ notices ─▶ outbox ─▶ subscribers over MQTT, when it is synced
//
// All entities are in memory, one flat row each; a write changes the tables
// within a change that is either kept wholly or undone wholly, and is one line of
// an append-only log. Members keep the JSON text they came with.
//
// Source: OGC 18-088, SensorThings API Part 1: Sensing, version 1.1.
package sensorthings
