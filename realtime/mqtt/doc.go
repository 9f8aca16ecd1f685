// Package mqtt takes positions by MQTT 3.1.1 and 5: from the clients of an
// embedded broker, and from outside brokers that it subscribes to.
//
//	twind/{layer}/{id}   one position, as POST /live/positions takes it
//	twind/{layer}        several: a JSON array or NDJSON
//	twind/_observations  readings, as POST /live/observations takes them: one, an array or NDJSON;
//	                     whatever follows, such as /manholes/M-7/level, only tells subscribers apart
//	v1.1/…               Observations of SensorThings, and what is told of its entities (Things)
//
// The payload may leave the layer out, since the topic names it. With QoS 1 and 2
// the acknowledgement means that the position is on disk. What is refused is
// answered with a reason by MQTT 5, and counted. The broker passes accepted
// messages of at most 64 KiB on to its subscribers; it retains none, and keeps for an
// hour what comes for the sessions of clients that are away.
//
// Packet ids of the two directions are independent, whichever a client uses: those
// that it chooses are translated for the library, which would mix them with the
// server's.
package mqtt
