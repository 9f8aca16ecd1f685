package snapshot

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// TextMatch is a feature whose text holds what was searched.
type TextMatch struct {
	Ref
	Rank int    // 0: the whole text, 1: its beginning, 2: a part
	Text string // the whole text
}

// SearchText finds features whose property c, a text, holds needle, without
// regard to letter case: at most limit of each rank, by rank, else in the order
// of Scan. Each distinct text is compared once.
func (v *View) SearchText(c int, needle string, limit int) []TextMatch {
	folded := make([]rune, 0, len(needle))
	for _, r := range needle {
		folded = append(folded, unicode.ToLower(r))
	}
	if len(folded) == 0 || limit <= 0 || c < 0 {
		return nil
	}
	var ranked [3][]TextMatch
	for s := range v.Segments() {
		seg := &v.segments[s]
		if c >= len(seg.Columns) {
			continue
		}
		var ranks []uint8 // by value number: rank + 1
		for k := 1; k <= seg.NumValues(); k++ {
			text, ok := valueText(seg.Value(uint32(k)))
			if !ok {
				continue
			}
			if rank, ok := foldRank(text, folded); ok {
				if ranks == nil {
					ranks = make([]uint8, seg.NumValues()+1)
				}
				ranks[k] = uint8(rank) + 1
			}
		}
		if ranks == nil {
			continue
		}
		texts := map[uint32]string{}
		for i, k := range seg.Columns[c] {
			if ranks[k] == 0 {
				continue
			}
			rank := int(ranks[k]-1) % len(ranked)
			if len(ranked[rank]) < limit && seg.Alive(i) {
				ranked[rank] = append(ranked[rank], TextMatch{Ref{uint32(s), uint32(i)}, rank, textOf(texts, seg, k)})
			}
		}
	}
	out := ranked[0]
	for _, m := range ranked[1:] {
		out = append(out, m...)
	}
	return out
}

// textOf is the text of a value; those who share a value share the text.
func textOf(known map[uint32]string, seg *SegmentView, k uint32) string {
	text, ok := known[k]
	if !ok {
		b, _ := valueText(seg.Value(k))
		text = string(b)
		known[k] = text
	}
	return text
}

// valueText is the text of an encoded MVT string_value.
func valueText(b []byte) ([]byte, bool) {
	if len(b) < 2 || b[0] != 0x0a {
		return nil, false
	}
	n, k := binary.Uvarint(b[1:])
	if k <= 0 || uint64(len(b)-1-k) != n {
		return nil, false
	}
	return b[1+k:], true
}

// foldRank compares text with a needle in lower case.
func foldRank(text []byte, needle []rune) (rank int, ok bool) {
	for i := 0; i < len(text); {
		if n := foldPrefix(text[i:], needle); n >= 0 {
			switch {
			case i > 0:
				return 2, true
			case n == len(text):
				return 0, true
			}
			return 1, true
		}
		_, n := utf8.DecodeRune(text[i:])
		i += n
	}
	return 0, false
}

// foldPrefix is the length in bytes of needle at the beginning of text, or −1.
func foldPrefix(text []byte, needle []rune) int {
	n := 0
	for _, want := range needle {
		var r rune
		var k int
		if n < len(text) && text[n] < utf8.RuneSelf {
			r, k = rune(text[n]), 1
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
		} else {
			r, k = utf8.DecodeRune(text[n:])
			r = unicode.ToLower(r)
		}
		if k == 0 || r != want {
			return -1
		}
		n += k
	}
	return n
}
