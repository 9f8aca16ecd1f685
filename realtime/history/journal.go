package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"twind/spatial"
)

// Files of the log.
const (
	journalDir  = "journal"
	journalExt  = ".log"
	segmentExt  = ".seg"
	fileHeader  = 16 // bytes: magic, number
	journalName = "TWHLOG01"
	segmentName = "TWHSEG01"
)

// blockRef is a block in a file, as an index knows it.
type blockRef struct {
	offset         int64
	size           int
	rows           int
	kind           Kind
	flags          byte
	stream         string
	first          uint64 // sequence of the first event
	time, received span
	// Of sorted blocks: the first and last id. Of blocks with places: the cells
	// that hold them, ascending; nil: unknown, or too many to list.
	minID, maxID string
	cells        []uint32
}

func refOf(h *blockInfo, offset int64) blockRef {
	return blockRef{offset: offset, size: h.size(), rows: int(h.rows), kind: h.kind, flags: h.flags, stream: h.stream, first: h.first, time: h.time, received: h.received}
}

// mayHold tells whether a block may have rows of an id.
func (b *blockRef) mayHold(id string) bool {
	return b.flags&blockSorted == 0 || b.minID <= id && id <= b.maxID
}

// mayTouch tells whether a block may have rows in the box, given its cells.
func (b *blockRef) mayTouch(e *spatial.Envelope, box cellBox) bool {
	if e == nil || b.cells == nil {
		return true
	}
	for _, c := range b.cells {
		if box.has(c) {
			return true
		}
	}
	return false
}

// journal is a file of blocks in the order in which they were written. Log.mu
// guards it; blocks only grow, so that a copy of the slice stays true.
type journal struct {
	number uint64
	path   string
	size   int64 // on disk for certain
	blocks []blockRef
	began  time.Time
	ended  bool // nothing more is written to it
	users  int  // readers
	sealed bool // its rows are in segments: to be deleted when users is 0
}

func (l *Log) journalPath(number uint64) string {
	return filepath.Join(l.o.Dir, journalDir, fmt.Sprintf("%020d%s", number, journalExt))
}

// numberOf reads the number in a file's name.
func numberOf(name, ext string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, ext)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

func putFileHeader(magic string, number uint64) []byte {
	return binary.LittleEndian.AppendUint64([]byte(magic), number)
}

func checkFileHeader(b []byte, magic string, number uint64) bool {
	return len(b) >= fileHeader && string(b[:8]) == magic && binary.LittleEndian.Uint64(b[8:]) == number
}

// readJournal finds the whole blocks of a file from a run that ended, and cuts
// off what a crash left behind the last of them.
func (l *Log) readJournal(number uint64) (*journal, error) {
	path := l.journalPath(number)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, unusable(l.o.Dir, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unusable(l.o.Dir, err)
	}
	j := &journal{number: number, path: path, began: info.ModTime(), ended: true}
	head := make([]byte, fileHeader)
	if _, err := f.ReadAt(head, 0); err != nil || !checkFileHeader(head, journalName, number) {
		l.o.Log.Warn("a journal of the history has no header: it was just begun when the server ended", "file", path, "bytes", info.Size())
		return j, nil // without blocks: sealing removes it
	}
	j.size = fileHeader
	var t table
	for j.size < info.Size() {
		ref, ok := readBlockAt(f, j.size, info.Size(), &t)
		if !ok {
			// A damaged block may have whole ones behind it; a torn end has not.
			if ref.size == 0 {
				break
			}
			if _, ok := readBlockAt(f, j.size+int64(ref.size), info.Size(), &t); !ok {
				break
			}
			l.o.Log.Error("a block of the history is damaged and left out", "file", path, "offset", j.size, "rows", ref.rows)
			j.size += int64(ref.size)
			continue
		}
		j.blocks = append(j.blocks, ref)
		j.size += int64(ref.size)
	}
	if cut := info.Size() - j.size; cut > 0 {
		l.o.Log.Warn("the end of a journal was torn and is cut off", "file", path, "bytes", cut)
		l.metrics.torn.Add(float64(cut))
		if err := f.Truncate(j.size); err != nil {
			return nil, unusable(l.o.Dir, err)
		}
	}
	return j, nil
}

// readBlockAt reads and checks the block at an offset. Where only the header can
// be believed, ref has the size that it says.
func readBlockAt(f io.ReaderAt, offset, end int64, t *table) (ref blockRef, ok bool) {
	head := make([]byte, blockHeader+255)
	n, err := f.ReadAt(head[:min(int64(len(head)), end-offset)], offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return ref, false
	}
	h, err := readBlockInfo(head[:n])
	if err != nil || offset+int64(h.size()) > end {
		return ref, false
	}
	ref = refOf(&h, offset)
	buf := blockBuffers.Get().(*[]byte)
	defer blockBuffers.Put(buf)
	b, err := readFull(f, offset, ref.size, buf)
	if err != nil {
		return ref, false
	}
	_, err = decode(b, t, nil)
	return ref, err == nil
}

// readFull reads size bytes at an offset into the buffer's memory.
func readFull(f io.ReaderAt, offset int64, size int, buf *[]byte) ([]byte, error) {
	if cap(*buf) < size {
		*buf = make([]byte, size)
	}
	b := (*buf)[:size]
	_, err := f.ReadAt(b, offset)
	return b, err
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
