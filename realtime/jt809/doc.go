// Package jt809 reads JT/T 809, by which platforms of vehicle terminals pass
// positions to each other: frames of the editions of 2011 and 2019, their
// encryption, and the positions of messages 1202, 1203, 9202 and 9203.
//
//	bytes ─▶ Decode ─▶ Frame ─▶ Decrypt ─▶ Reports ─▶ positions
package jt809
