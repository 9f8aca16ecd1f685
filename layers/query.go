package layers

import (
	"time"

	"twind/spatial"
)

// Query is a question to a layer. The zero Query asks for every current feature
// and every property on behalf of an unrestricted reader.
type Query struct {
	Time     time.Time         // the state at this time; zero is now. Stores without history answer ErrUnsupported otherwise
	Envelope *spatial.Envelope // degrees; only features whose envelope intersects it (features without geometry always match)
	IDs      []string          // only these features; nil is all
	Filter   Filter            // nil is all
	Policy   Policy            // what the reader may see; the zero Policy hides nothing
}

// Policy is the reader's effective right on one layer. Readers with equal
// rights have equal policies and share cached answers.
type Policy struct {
	Deny   bool     // nothing at all
	Rows   Filter   // nil is all rows
	Hidden []string // properties left out, sorted
	hash   string
}

// Key is part of every cache key and ETag: "" for an unrestricted reader, and
// equal for equal rights.
func (p Policy) Key() string { return p.hash }

// WithKey returns the policy with the key its compiler computed from its rules.
func (p Policy) WithKey(key string) Policy { p.hash = key; return p }

// Restricted tells whether the policy hides anything.
func (p Policy) Restricted() bool { return p.Deny || p.Rows != nil || len(p.Hidden) > 0 }
