package server

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"twind/layers"
	"twind/layers/geojson"
)

func (s *Server) itemsOptions(w http.ResponseWriter, r *http.Request) error {
	return s.options(w, r, "GET, HEAD, OPTIONS", "GET, HEAD, POST, OPTIONS")
}

func (s *Server) itemOptions(w http.ResponseWriter, r *http.Request) error {
	return s.options(w, r, "GET, HEAD, OPTIONS", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
}

func (s *Server) options(w http.ResponseWriter, r *http.Request, read, write string) error {
	c, err := s.open(r)
	if err != nil {
		return err
	}
	defer c.release()
	allow := read
	if c.writable() && s.mayWrite(func(http.ResponseWriter, *http.Request) error { return nil })(w, r) == nil {
		allow = write
	}
	w.Header().Set("Allow", allow)
	return nil
}

// openWritable finds the collection of a write.
func (s *Server) openWritable(r *http.Request) (*collection, error) {
	c, err := s.open(r)
	if err != nil {
		return nil, err
	}
	if c.writable() {
		return c, nil
	}
	defer c.release()
	if c.live() {
		return nil, layers.Errorf(layers.ErrReadOnly, "layer %s is live; its entities change by POST /live/positions", c.layer.ID)
	}
	return nil, layers.Errorf(layers.ErrReadOnly, "layer %s is published from a table of somebody else and read-only here", c.layer.ID)
}

// readBody reads a JSON body of one of the media types.
func readBody(w http.ResponseWriter, r *http.Request, types ...string) ([]byte, error) {
	ct := r.Header.Get("Content-Type")
	mt, _, err := mime.ParseMediaType(ct)
	ok := err == nil && mt == typeJSON
	for _, t := range types {
		ok = ok || err == nil && mt == t
	}
	if !ok && ct != "" {
		return nil, fail(http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type %q is not read here; send %s.", cut(ct, 80), strings.Join(append(types, typeJSON), " or ")))
	}
	if r.ContentLength > maxItemBody {
		return nil, &http.MaxBytesError{Limit: maxItemBody}
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxItemBody))
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return nil, fail(400, "The body broke off before its end; send it again.")
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// badBody turns what a decoder found into a 400.
func badBody(err error) error {
	if errors.Is(err, layers.ErrInvalid) {
		return err
	}
	return layers.Errorf(layers.ErrInvalid, "%w", err)
}

func (s *Server) createItem(w http.ResponseWriter, r *http.Request) error {
	c, err := s.openForChange(r)
	if err != nil {
		return err
	}
	defer c.release()
	b, err := readBody(w, r, typeGeoJSON)
	if err != nil {
		return err
	}
	f, err := geojson.ParseFeature(b, c.layer)
	if err != nil {
		return badBody(err)
	}
	rev, err := s.o.Store.Update(r.Context(), func(tx layers.Tx) error {
		return tx.Insert(r.Context(), c.layer.ID, f)
	})
	if err != nil {
		return err
	}
	if err := s.refresh(r.Context(), rev); err != nil {
		return err
	}
	f.Revision = rev
	w.Header().Set("Location", s.itemURL(r, c.layer, f.ID))
	w.Header().Set("ETag", s.itemETag(r, c.layer, f))
	w.Header().Set("Content-Type", typeGeoJSON)
	w.WriteHeader(http.StatusCreated)
	_, err = w.Write(s.appendItem(nil, r, c, f))
	return err
}

// openForChange opens the collection of a request that changes it, and refuses
// what no change may ask for.
func (s *Server) openForChange(r *http.Request) (*collection, error) {
	if _, err := readParams(r, "token"); err != nil {
		return nil, err
	}
	if err := checkContentCRS(r); err != nil {
		return nil, err
	}
	return s.openWritable(r)
}

// checkContentCRS obeys the Content-Crs of a body: only CRS84 is read.
func checkContentCRS(r *http.Request) error {
	v := strings.Trim(r.Header.Get("Content-Crs"), "<> ")
	if v == "" || v == crs84 || v == crs84h {
		return nil
	}
	return fail(400, fmt.Sprintf("Content-Crs %q is not read; send longitude and latitude in %s.", cut(v, 100), crs84))
}

// precondition tells why a change of a feature that is there, with this tag, is not
// wanted (RFC 9110 §13.1.1, §13.1.2).
func precondition(r *http.Request, id, etag string) error {
	if m := tagList(r, "If-Match"); m != "" && !etagMatches(m, etag) {
		return layers.Errorf(layers.ErrConflict, "feature %q has changed since you read it; read it again and repeat the change", cut(id, 80))
	}
	if m := tagList(r, "If-None-Match"); m != "" && etagMatches(m, etag) {
		return layers.Errorf(layers.ErrConflict, "feature %q is there, in a state that If-None-Match excludes; leave that header out to change it", cut(id, 80))
	}
	return nil
}

// tagList is a header that lists tags; its lines are one list (RFC 9110 §5.3).
func tagList(r *http.Request, name string) string {
	return strings.Join(r.Header.Values(name), ",")
}

// changeItem runs one change of one feature under its precondition and answers
// with the feature as it is afterwards.
func (s *Server) changeItem(w http.ResponseWriter, r *http.Request, change func(c *collection, old *layers.Feature) (*layers.Feature, error)) error {
	c, err := s.openForChange(r)
	if err != nil {
		return err
	}
	defer c.release()
	id, err := itemID(r)
	if err != nil {
		return err
	}
	var now *layers.Feature
	rev, err := s.o.Store.Update(r.Context(), func(tx layers.Tx) error {
		old, err := tx.Get(r.Context(), c.layer.ID, id)
		if err != nil {
			if isNotFound(err) {
				if tagList(r, "If-Match") != "" {
					return layers.Errorf(layers.ErrConflict, "layer %s has no feature %q any more", c.layer.ID, cut(id, 80))
				}
				return noItem(c.layer, id)
			}
			return err
		}
		if err := precondition(r, id, s.itemETag(r, c.layer, old)); err != nil {
			return err
		}
		now, err = change(c, old)
		if err != nil {
			return err
		}
		if now == nil {
			return tx.Delete(r.Context(), c.layer.ID, id)
		}
		return tx.Replace(r.Context(), c.layer.ID, now)
	})
	if err != nil {
		return err
	}
	if err := s.refresh(r.Context(), rev); err != nil {
		return err
	}
	if now == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	now.Revision = rev
	w.Header().Set("ETag", s.itemETag(r, c.layer, now))
	w.Header().Set("Content-Type", typeGeoJSON)
	_, err = w.Write(s.appendItem(nil, r, c, now))
	return err
}

func (s *Server) replaceItem(w http.ResponseWriter, r *http.Request) error {
	b, err := readBody(w, r, typeGeoJSON)
	if err != nil {
		return err
	}
	return s.changeItem(w, r, func(c *collection, old *layers.Feature) (*layers.Feature, error) {
		f, err := geojson.ParseFeature(b, c.layer)
		if err != nil {
			return nil, badBody(err)
		}
		if f.ID != "" && f.ID != old.ID {
			return nil, fail(400, fmt.Sprintf("The body's id %q is not the path's id %q; a feature keeps its id.", cut(f.ID, 80), cut(old.ID, 80)))
		}
		f.ID = old.ID
		return f, nil
	})
}

func (s *Server) patchItem(w http.ResponseWriter, r *http.Request) error {
	b, err := readBody(w, r, "application/merge-patch+json", typeGeoJSON)
	if err != nil {
		return err
	}
	return s.changeItem(w, r, func(c *collection, old *layers.Feature) (*layers.Feature, error) {
		f, err := geojson.ApplyMergePatch(c.layer, old, b)
		if err != nil {
			return nil, badBody(err)
		}
		return f, nil
	})
}

func (s *Server) deleteItem(w http.ResponseWriter, r *http.Request) error {
	return s.changeItem(w, r, func(*collection, *layers.Feature) (*layers.Feature, error) { return nil, nil })
}
