// Package wire is the binary form of the live frames. SPEC.md beside this file
// describes the protocol; live.fbs is the schema, from which most of this
// package is generated (make generate).
//
//	message   ┌ size u32 ┬ frame ┐┌ size u32 ┬ frame ┐ …   one WebSocket message
//	frame     FlatBuffers table Frame{version, epoch, sequence, time, layer, body}
//	body      Sync │ Entities │ Cells, with one byte vector a column
//
// Codec writes frames; Decode reads them and trusts nothing in them.
package wire
