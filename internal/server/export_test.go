package server

// SetLayersPerTile makes tiles of more than n layers of several renderings.
func (s *Server) SetLayersPerTile(n int) { s.perTile = n }
