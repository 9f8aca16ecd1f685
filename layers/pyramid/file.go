package pyramid

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"time"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/tile"
)

// The file of a layer's levels. It is derived and disposable: one that does not fit
// in any way is removed and made anew. Numbers are little-endian.
//
//	magic "TWINDPYR", version uint32, 0 uint32
//	cells, one after the other (Cell.Encode)
//	index: length of the description uint32, the description (JSON),
//	       then of each zoom from the least: number of cells uint32, and of each cell
//	       x, y, box of the content (6 × uint32), hash (16 bytes), offset uint64, length uint32
//	offset of the index uint64, CRC-32C of the index uint32, magic
const (
	fileMagic   = "TWINDPYR"
	fileVersion = 1
	headSize    = 16
	footSize    = 20
	refSize     = 52
	maxIndex    = 1 << 30
)

// Levels are written under a temporary name and take their name when they are
// whole and safe.
const tempPrefix = ".levels-"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// description says what the cells of a file were made of.
type description struct {
	Layer    layers.ID       `json:"layer"`
	Identity string          `json:"identity"` // of the views
	Spec     string          `json:"spec"`     // hash of all else that they follow from
	Revision layers.Revision `json:"revision"`
	Min      uint8           `json:"min"`
	Max      uint8           `json:"max"`
}

// suffix ends the names of the files of the catalog's store.
func (c *Catalog) suffix() string {
	sum := sha256.Sum256([]byte(c.o.Identity))
	return "." + hex.EncodeToString(sum[:6]) + ".levels"
}

func (c *Catalog) path(id layers.ID) string {
	return filepath.Join(c.o.Dir, string(id)+c.suffix())
}

// forget removes a layer's file.
func (c *Catalog) forget(id layers.ID) {
	if c.o.Dir != "" {
		_ = os.Remove(c.path(id))
	}
}

// sweep removes the files of layers that are no more, and what processes left that
// were killed.
func (c *Catalog) sweep(known []layers.Layer) {
	if c.o.Dir == "" {
		return
	}
	there := map[string]bool{}
	for i := range known {
		there[string(known[i].ID)] = true
	}
	entries, err := os.ReadDir(c.o.Dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		id, ours := strings.CutSuffix(name, c.suffix())
		old := false
		if strings.HasPrefix(name, tempPrefix) {
			info, err := e.Info()
			old = err == nil && time.Since(info.ModTime()) > time.Hour
		}
		if ours && !there[id] || old {
			_ = os.Remove(filepath.Join(c.o.Dir, name))
		}
	}
}

// create begins a layer's file under a temporary name.
func (c *Catalog) create() (*store, error) {
	f, err := os.CreateTemp(c.o.Dir, tempPrefix+"*")
	if err == nil {
		head := binary.LittleEndian.AppendUint32([]byte(fileMagic), fileVersion)
		if _, err = f.Write(append(head, 0, 0, 0, 0)); err == nil {
			return &store{file: f, size: headSize}, nil
		}
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return nil, layers.Errorf(layers.ErrUnavailable, "the generalised levels cannot be written: %w; make room or choose another folder", err)
}

// temporary is a store without a name.
func (c *Catalog) temporary() (*store, error) {
	s, err := c.create()
	if err == nil {
		_ = os.Remove(s.file.Name()) // where an open file cannot be removed it stays until a later start
	}
	return s, err
}

// discard gives up a file.
func (s *store) discard() error {
	_ = os.Remove(s.file.Name())
	return s.file.Close()
}

// save completes the file that a pyramid lies in and gives it its name. Without a
// folder, or when that fails, the levels are made again at the next start.
func (c *Catalog) save(id layers.ID, p *Pyramid, in *store) {
	if c.o.Dir == "" {
		_ = os.Remove(in.file.Name())
		return
	}
	index := p.index(id)
	foot := binary.LittleEndian.AppendUint64(nil, uint64(in.size))
	foot = binary.LittleEndian.AppendUint32(foot, crc32.Checksum(index, castagnoli))
	_, err := in.file.WriteAt(append(append(index, foot...), fileMagic...), in.size)
	if err == nil {
		err = in.file.Sync()
	}
	if err == nil {
		err = os.Rename(in.file.Name(), c.path(id))
	}
	if err != nil {
		_ = os.Remove(in.file.Name())
		c.o.Log.Warn("the generalised levels of a layer are not kept; they will be made again at the next start", "layer", id, "error", err)
	}
}

// index is the index of the file that holds the pyramid.
func (p *Pyramid) index(id layers.ID) []byte {
	e := binary.LittleEndian
	text, err := json.Marshal(description{id, p.identity, p.hash, p.revision, p.spec.min, p.spec.max})
	if err != nil { // nothing in it refuses to be marshalled
		panic(err)
	}
	b := append(e.AppendUint32(nil, uint32(len(text))), text...)
	for _, l := range p.levels {
		at := len(b)
		b = e.AppendUint32(b, 0)
		n := uint32(0)
		l.each(func(r *ref) {
			n++
			for _, v := range []uint32{r.id.X, r.id.Y, r.content.MinX, r.content.MinY, r.content.MaxX, r.content.MaxY} {
				b = e.AppendUint32(b, v)
			}
			b = append(b, r.hash[:]...)
			b = e.AppendUint32(e.AppendUint64(b, uint64(r.at)), r.size)
		})
		e.PutUint32(b[at:], n)
	}
	return b
}

// open is the pyramid in the layer's file; nil when there is none that fits.
func (c *Catalog) open(id layers.ID, s *spec, v View) *Pyramid {
	if c.o.Dir == "" {
		return nil
	}
	f, err := os.Open(c.path(id))
	if err != nil {
		return nil
	}
	p, err := openFile(f, s, v)
	if err != nil {
		c.o.Log.Info("a file of generalised levels is discarded; they are made again", "layer", id, "file", f.Name(), "reason", err)
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil
	}
	return p
}

func openFile(f *os.File, s *spec, v View) (*Pyramid, error) {
	in, index, err := readIndex(f)
	if err != nil {
		return nil, err
	}
	var d description
	r := &reader{b: index}
	if err := json.Unmarshal(r.take(int(r.u32())), &d); err != nil || r.bad {
		return nil, errors.New("its description cannot be read")
	}
	p := &Pyramid{spec: s, hash: s.hash(), identity: v.Identity(), revision: d.Revision}
	switch {
	case d.Layer != s.layer.ID || d.Identity != p.identity:
		return nil, errors.New("it is of another state of the layer")
	case d.Spec != p.hash || d.Min != s.min || d.Max != s.max:
		return nil, errors.New("the layer is generalised otherwise now")
	case d.Revision > revisionOf(v):
		return nil, fmt.Errorf("it is of revision %d, the layer of %d", d.Revision, revisionOf(v))
	}
	for z := s.min; z <= s.max; z++ {
		n := int(r.u32())
		if r.bad || n > len(r.b)/refSize {
			return nil, errors.New("its index is damaged")
		}
		refs := make([]ref, n)
		for i := range refs {
			refs[i] = r.ref(z, in)
			if r.bad || refs[i].at < headSize || refs[i].at+int64(refs[i].size) > in.size {
				return nil, errors.New("its index is damaged")
			}
		}
		p.levels = append(p.levels, newLevel(refs))
	}
	return p, nil
}

// readIndex reads the end of a file.
func readIndex(f *os.File) (in *store, index []byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	var head [headSize]byte
	var foot [footSize]byte
	size := info.Size()
	if size < headSize+footSize {
		return nil, nil, fmt.Errorf("it is %d bytes long", size)
	}
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, nil, err
	}
	if _, err := f.ReadAt(foot[:], size-footSize); err != nil {
		return nil, nil, err
	}
	e := binary.LittleEndian
	at := e.Uint64(foot[:])
	if string(head[:8]) != fileMagic || e.Uint32(head[8:]) != fileVersion || string(foot[12:]) != fileMagic || at < headSize || at > uint64(size-footSize) || uint64(size)-at > maxIndex {
		return nil, nil, errors.New("it is not a file of this version")
	}
	index = make([]byte, uint64(size-footSize)-at)
	if _, err := f.ReadAt(index, int64(at)); err != nil {
		return nil, nil, err
	}
	if crc32.Checksum(index, castagnoli) != e.Uint32(foot[8:]) {
		return nil, nil, errors.New("its index is damaged")
	}
	return &store{file: f, size: int64(at)}, index, nil
}

func (r *reader) ref(z uint8, in *store) ref {
	out := ref{id: tile.ID{Z: z, X: r.u32(), Y: r.u32()}, in: in}
	out.content = tile.WorldBox{MinX: r.u32(), MinY: r.u32(), MaxX: r.u32(), MaxY: r.u32()}
	copy(out.hash[:], r.take(16))
	out.at, out.size = int64(r.u64()), r.u32()
	r.check(z < 32 && out.id.X < 1<<z && out.id.Y < 1<<z)
	r.check(out.content == snapshot.EmptyBox || out.content.MinX <= out.content.MaxX && out.content.MinY <= out.content.MaxY)
	return out
}

// compact writes all cells of a pyramid to a new file, so that the one of changed
// cells can be given up.
func (c *Catalog) compact(id layers.ID, s *state, p *Pyramid) error {
	in, err := c.create()
	if err != nil {
		return err
	}
	next := *p
	next.levels = nil
	for _, l := range p.levels {
		var refs []ref
		l.each(func(r *ref) {
			if err != nil {
				return
			}
			b := make([]byte, r.size)
			if _, err = r.in.file.ReadAt(b, r.at); err != nil {
				return
			}
			n := *r
			n.in = in
			if n.at, err = in.append(b); err == nil {
				refs = append(refs, n)
			}
		})
		if err != nil {
			return errors.Join(err, in.discard())
		}
		next.levels = append(next.levels, newLevel(refs))
	}
	c.saveLater(id, &next, in)
	c.dropEdits(s)
	s.current.Store(&next)
	return nil
}
