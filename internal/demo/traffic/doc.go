// Package traffic lets simulated vehicles drive along real streets.
//
//	streets ─NewRoads─▶ Roads: crossings, stretches, where one may turn
//	                      └─NewFleet─▶ Fleet.Step(seconds) ─▶ vehicles on stretches
//
// Vehicles keep to the street, to its direction and to its speed, slow down for
// crossings, wait at some, and choose where to turn. They do not see one another.
// Everything follows from the seed and the steps taken.
package traffic
