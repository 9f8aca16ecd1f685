package realtime

import "bytes"

// NextObservation reads the next observation into o, as Next does positions.
func (r *Reader) NextObservation(o *Observation) (index int, err error) {
	return r.next(func(b []byte) (string, error) {
		err := DecodeObservation(b, o)
		return o.name(), err
	})
}

// NextRecord reads the next item of a recording that has positions, observations
// or both: an observation into o, or else a position into p.
func (r *Reader) NextRecord(p *Position, o *Observation) (observed bool, err error) {
	_, err = r.next(func(b []byte) (string, error) {
		if bytes.Contains(b, []byte(`"result"`)) {
			err := DecodeObservation(b, o)
			if err == nil || !bytes.Contains(b, []byte(`"lon"`)) {
				observed = true
				return o.name(), err
			}
		}
		err := decodePosition(b, p, r.layer, r.fallback)
		r.layer = p.Layer
		return p.ID, err
	})
	return observed, err
}
