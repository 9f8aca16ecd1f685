package tiles3d

import (
	"context"
)

// Exported counts what Export wrote.
type Exported struct {
	Features, Contents, Tilesets int
	Bytes                        int64
}

// Export gives all files of a layer's tileset, from one state of it: tileset.json,
// those below it, and the contents, under names relative to the first, whose
// addresses have no query. write must not keep the bytes; its error ends the
// export and is returned. progress is told how many contents are done; may be nil.
func (s *Service) Export(ctx context.Context, r Request, write func(name string, b []byte) error, progress func(done, total int)) (Exported, error) {
	var out Exported
	sc, err := s.open(&r)
	if err != nil {
		return out, err
	}
	defer sc.view.Release()
	columns, err := contentColumns(sc.view.Layer(), &r)
	if err != nil {
		return out, err
	}
	e := exporter{scene: sc, columns: columns, worker: new(worker), out: &out, write: write}
	extras := extrasOf(sc.view.Layer(), &r)
	if err := e.document("tileset.json", func() ([]byte, error) { return sc.state.tileset(addresses{plain: true}, extras) }); err != nil {
		return out, err
	}
	for i := range sc.state.nodes {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		if err := e.node(&sc.state.nodes[i]); err != nil {
			return out, err
		}
		if progress != nil {
			progress(i+1, len(sc.state.nodes))
		}
	}
	return out, nil
}

// exporter writes one layer.
type exporter struct {
	scene   *scene
	columns []int
	worker  *worker
	buffer  []byte
	out     *Exported
	write   func(name string, b []byte) error
}

// node writes what a node of the tree has: a content, a tileset, or both.
func (e *exporter) node(n *node) error {
	st := e.scene.state
	if n.cell.Level == cutLevel && len(n.children) > 0 {
		err := e.document("t/"+n.cell.String()+".json", func() ([]byte, error) {
			return st.subtree(n, addresses{plain: true, up: "../../../"})
		})
		if err != nil {
			return err
		}
	}
	if n.count == 0 {
		return nil
	}
	if _, forms := st.model.levels(0); forms == 1 || n.cell.Level != BottomLevel {
		e.out.Features += n.count
	}
	if n.detailed > 0 {
		if err := e.content(n, true, DetailedExt); err != nil {
			return err
		}
	}
	return e.content(n, false, ".glb")
}

func (e *exporter) content(n *node, detailed bool, ext string) error {
	e.buffer = e.worker.content(e.buffer[:0], e.scene.view, e.scene.state, n, e.columns, detailed, nil)
	e.out.Contents++
	e.out.Bytes += int64(len(e.buffer))
	return e.write("c/"+n.cell.String()+ext, e.buffer)
}

func (e *exporter) document(name string, render func() ([]byte, error)) error {
	b, err := render()
	if err != nil {
		return err
	}
	e.out.Tilesets++
	e.out.Bytes += int64(len(b))
	return e.write(name, b)
}
