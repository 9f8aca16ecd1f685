// Package district makes cities that do not exist, the same bytes from the same
// seed: the demo's 示范城区 with everything a Chinese city keeps of itself, at any
// size, and plain cities of a million buildings for benchmarks.
//
//	Options ─▶ plan: street lines, superblocks, names, ground
//	             ├─ demo_streets  demo_blocks  demo_cells  demo_buildings
//	             └─ network: sewers fall to outfalls, mains and cables cross at nodes
//	                  ├─ demo_pipes  demo_nodes
//	                  └─ demo_parts (covers from nodes; lamps, signals, trees …)
//
// The plan lives in a plane of u (east) and v (north), metres from the centre,
// whose lines are straight; a gentle warp bends it into x and y, which lie on
// the ellipsoid around the centre. Everything that meets in the plan meets
// exactly on the map, because equal (u, v) give equal coordinates.
//
// Codes and kinds follow CJJ 61-2017 (pipes), GB/T 30428.1 and .2 (unit grid and
// city parts); offsets, covers and slopes are after GB 50289-2016 and GB
// 50014-2021, but no oracle for either. Pipes of one kind keep clear of one
// another; those of different kinds, which cross at every corner, are not
// compared. Nothing is a survey of anything.
package district
