// Package lz compresses bytes of which it is known where repetitions may begin, as
// gzip members (RFC 1952, RFC 1951) and zstd frames (RFC 8878). A general
// compressor looks for repetitions at every byte, which takes it most of its time;
// of a vector tile the places are known: the beginnings of values, of a feature's
// attributes and of its geometry. All other bytes are only entropy-coded.
//
//	source, starts ── matcher ──▶ literals, sequences ── deflate ──▶ gzip
//	                                                  └─ huff0, FSE ▶ zstd
package lz
