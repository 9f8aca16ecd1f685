// Package cql2 reads filters in OGC's Common Query Language 2 (21-065r2), as text
// and as JSON, and writes them as text:
//
//	text  height > 20 AND CASEI(name) LIKE CASEI('hall%')
//	JSON  {"op":"and","args":[{"op":">","args":[{"property":"height"},20]}, …]}
//	  │ ParseText, ParseJSON: properties and types are checked against a layer
//	  ▼
//	layers.Filter ── evaluated by layers.Matcher, prefiltered in SQL by stores
//	  │ Format
//	  ▼
//	text in one canonical form
//
// Of the language there are AND, OR, NOT, TRUE, FALSE; = <> < <= > >= between
// properties and literals in any order; LIKE, IN, BETWEEN, IS NULL and their
// negations; CASEI around both sides of =, <>, LIKE and IN; DATE and TIMESTAMP
// literals; S_INTERSECTS and S_DISJOINT of the feature's geometry, which is
// called geometry or geom (in double quotes it is a property of that name, if there
// is one), and a literal of any type or a BBOX. Arithmetic,
// ACCENTI, other spatial functions, temporal and array functions, intervals and
// functions of a server's own are refused by name.
//
// Beyond the letter of the standard: BETWEEN takes text, dates and instants too;
// text that reads as a date or instant is one beside a property of that type;
// NOT may be repeated; in a quoted identifier any character may stand, and "" is
// a quote. Backslashes before a quote in a text literal: \' is a quote, \\ one
// backslash. Elsewhere a backslash is itself, and LIKE takes the character after
// it for itself. CASEI folds by Unicode's simple case folding. Coordinates are
// longitude, latitude in degrees; heights may stand and are not looked at; shapes are plane
// ones, and a BBOX whose west is greater than its east crosses the antimeridian.
//
// Errors are of kind layers.ErrInvalid and name the place, counted in characters
// from 1. Functions of this package are safe for concurrent use.
package cql2

// Limits of a filter; what exceeds one is refused.
const (
	MaxBytes = 16 << 10 // of text or JSON
	MaxDepth = 32       // of parentheses, NOT, functions, geometry collections
	MaxNodes = 1000     // predicates, junctions, values of lists and vertices
)
