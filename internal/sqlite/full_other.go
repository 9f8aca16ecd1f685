//go:build !linux && !darwin

package sqlite

import "math"

// fileSizeLimit is how large this process may make a file: other systems have none.
func fileSizeLimit() int64 { return math.MaxInt64 }
