// Package demo makes the demo city and moves what lives in it.
//
//	testdata/city (real, embedded) ─┐
//	internal/district (generated)  ─┼─ Load ─▶ layers.Store
//	                                │
//	recorded trains, real streets ──┴─ RunFeeds ─▶ Sink (the hub)
//
// Its layers' ids are fixed: buildings streets subway stations precincts trains
// vehicles (New York), storm sanitary manholes catchbasins (Kamloops), water
// (Nanaimo), and the demo_ layers of the generated district. What is generated
// or estimated says so in its layer's Provenance.
package demo
