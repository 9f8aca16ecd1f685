package server

import "net/http"

// positions takes a batch of positions: one object, an array, or one a line.
func (s *Server) positions(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	if r.ContentLength > maxPositionsBody {
		return &http.MaxBytesError{Limit: maxPositionsBody}
	}
	s.takePositions.ServeHTTP(w, r)
	return nil
}
