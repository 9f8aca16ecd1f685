// Package jt808 is the platform's side of JT/T 808, the protocol of Chinese
// vehicle terminals over TCP, editions 2011, 2013 and 2019: registration,
// authentication, heartbeats, positions (0200) and batches (0704), in parts or
// whole, with their answers.
//
//	TCP ─▶ split at 7e ─▶ Frame ─▶ assembler ─▶ message ─▶ Location ─▶ hub
//	            └─ bad: dropped, counted            └─ answer, once the hub has it
//
// The texts are JT/T 808-2011, -2013 and -2019; where they are silent or printed
// wrongly, what terminals and platforms in the field do is followed.
package jt808
