// Package gtfsrt reads GTFS-realtime feeds and places trains that report only
// predicted stop times, as those of New York's subway do.
//
//	feed (protobuf) ─Decode─▶ Feed ─┐
//	lines, stops ─NewNetwork─▶ Network ─Board─▶ Board ─At(t)─▶ []Train
//
// The decoder is made by hand after the field numbers of GTFS-realtime 2.0 and
// of its NYCT extension (1001), skips what it does not know, and bounds all it
// keeps. A placed train is an estimate: it moves evenly along the line from the
// departure of one stop to the arrival at the next.
package gtfsrt
