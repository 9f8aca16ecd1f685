//go:build proof

package load

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"twind/realtime"
	"twind/realtime/wire"
)

// viewer is a bare WebSocket that reads frames, so that a thousand of them cost
// this process little.
type viewer struct {
	conn   net.Conn
	in     *bufio.Reader
	decode bool // measure how old its rows are
	w      *watching
}

// watching is what viewers have seen so far.
type watching struct {
	messages, bytes, rows atomic.Int64
	counts                atomic.Bool // rows count towards ages now

	mu   sync.Mutex
	ages []int32 // ms from POST to socket, one a row
}

// quantile is the age, in ms, that a share of the rows does not exceed.
func (w *watching) quantile(share float64) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ages) == 0 {
		return -1
	}
	slices.Sort(w.ages)
	return float64(w.ages[min(len(w.ages)-1, int(share*float64(len(w.ages))))])
}

// watch opens a viewer of a box around a place; it must be read.
func watch(ctx context.Context, addr string, lon, lat, width, depth float64, w *watching) (*viewer, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET /live HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", addr)
	if err != nil {
		return nil, err
	}
	v := &viewer{conn: conn, in: bufio.NewReaderSize(conn, 32<<10), w: w}
	resp, err := http.ReadResponse(v.in, nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("GET /live: %s", resp.Status)
	}
	return v, v.send(1, fmt.Appendf(nil, `{"type":"subscribe","request":1,"bbox":[%v,%v,%v,%v],"zoom":14,"layers":["vehicles"]}`, lon-width/2, lat-depth/2, lon+width/2, lat+depth/2))
}

// send writes a frame with an opcode of RFC 6455; its mask of zeros leaves the
// bytes as they are.
func (v *viewer) send(opcode byte, payload []byte) error {
	head := []byte{0x80 | opcode, 0x80 | 126, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(payload)))
	_, err := v.conn.Write(append(head, payload...))
	return err
}

// read reads until the connection ends.
func (v *viewer) read() error {
	var message []byte
	for {
		opcode, payload, err := v.next(message[:0])
		if err != nil {
			return err
		}
		message = payload
		switch opcode {
		case 2:
			if err := v.take(payload, time.Now()); err != nil {
				return err
			}
		case 9:
			if err := v.send(10, payload); err != nil {
				return err
			}
		}
	}
}

// next reads one frame; the server sends each message as one.
func (v *viewer) next(b []byte) (opcode byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(v.in, head[:2]); err != nil {
		return 0, nil, err
	}
	if head[0]&0x80 == 0 {
		return 0, nil, fmt.Errorf("a message in several frames")
	}
	opcode = head[0] & 0xf
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		_, err = io.ReadFull(v.in, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(v.in, head[:8])
		size = binary.BigEndian.Uint64(head[:8])
	}
	if err != nil {
		return 0, nil, err
	}
	b = slices.Grow(b, int(size))[:size]
	_, err = io.ReadFull(v.in, b)
	return opcode, b, err
}

// take counts a message. The time of a position is that of its POST, on the
// clock of this machine, as is now.
func (v *viewer) take(message []byte, now time.Time) error {
	v.w.messages.Add(1)
	v.w.bytes.Add(int64(len(message)))
	if !v.decode || !v.w.counts.Load() {
		return nil
	}
	frames, err := wire.Split(message)
	if err != nil {
		return err
	}
	for _, f := range frames {
		decoded, err := wire.Decode(f)
		if err != nil {
			return err
		}
		e, ok := decoded.(*realtime.Entities)
		if !ok || e.Base == 0 {
			continue // who came to a tile may have been posted before
		}
		late := int32(now.UnixMilli() - e.Time)
		v.w.rows.Add(int64(len(e.Age)))
		v.w.mu.Lock()
		for row, age := range e.Age {
			if e.State[row] == realtime.StateLive {
				v.w.ages = append(v.w.ages, age+late)
			}
		}
		v.w.mu.Unlock()
	}
	return nil
}
