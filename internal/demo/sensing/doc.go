// Package sensing makes up what a city's sensors say and what its people report:
// readings of manholes, pipes and parts with daily curves, rain, noise, faults
// and silences, and cases of the city's hotline.
//
//	objects of the layers ─ New ─▶ Network ─ Due ─▶ readings of a stretch of time
//	                                  │
//	           seed, moment ─▶ rain, incidents, silences, curves
//	                                  │
//	                        Rules, Things ─▶ what the server is told of them
//
// Everything is a function of the seed and the moment: a Network that is made
// again goes on where the other ended, and two of them say the same. All of it is
// generated and marked so; nothing measures anything.
package sensing
