package server

import (
	"errors"

	"twind/layers"
)

func isNotFound(err error) bool { return errors.Is(err, layers.ErrNotFound) }
func isInvalid(err error) bool  { return errors.Is(err, layers.ErrInvalid) }
