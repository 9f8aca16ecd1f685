package server

import "net/http"

// ingest gives a batch of positions or observations, one object, an array, or
// one a line, to what takes them; nil: nothing does.
func (s *Server) ingest(take http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if _, err := readParams(r, "token"); err != nil {
			return err
		}
		if take == nil {
			return fail(http.StatusNotImplemented, "This server takes no observations.")
		}
		if r.ContentLength > maxPositionsBody {
			return &http.MaxBytesError{Limit: maxPositionsBody}
		}
		take.ServeHTTP(w, r)
		return nil
	}
}
