// Package index finds boxes among many: a packed Hilbert R-tree for what does
// not change, and a dynamic R-tree for what does. Both hold boxes in world units
// (package spatial/tile), borders included, under item numbers.
//
//	items in Hilbert order   0 1 2 … 15│16 … 31│32 …      leaves: the caller's boxes
//	level 1                      box       box   …        one a FanOut leaves
//	level 2                            box                one a FanOut nodes; the last level has one
//
// A packed tree has no pointers: its leaves are the caller's column of boxes and
// its nodes another one, so both can be mapped from a file. Since the leaves
// stand in the order of a Hilbert curve, an item's number is its place, and a
// depth-first search finds numbers in ascending order.
package index
