package mqtt

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// Bounds of what waits for subscribers.
const (
	// maxPassedOn bounds the messages that are passed on to subscribers, bytes.
	maxPassedOn = 64 << 10
	// maxAround bounds what is passed on with a payload, bytes: the topic and the
	// properties of MQTT 5, which the library copies for each subscriber.
	maxAround = 1 << 10
	// smallPayload is up to what size a payload is copied for each, bytes.
	smallPayload = 256
	// maxParcels bounds the larger payloads that wait, of all subscribers together, bytes.
	maxParcels = 32 << 20
)

// parcels keep payloads that are being passed on once for all subscribers: in
// their queues, and among what they have not acknowledged, stands a label. The
// oldest payloads beyond a limit are gone, and so is the message for those who
// had not read it. It is safe for concurrent use.
type parcels struct {
	mark  [16]byte // no client knows it
	limit int      // bytes

	mu    sync.Mutex
	first uint64   // the number of held[0]
	held  [][]byte // payloads by their number
	bytes int
}

func newParcels(limit int) *parcels {
	p := &parcels{limit: limit}
	_, _ = rand.Read(p.mark[:]) // never fails
	return p
}

// put keeps a copy of a payload and returns its label.
func (p *parcels) put(payload []byte) []byte {
	c := append([]byte(nil), payload...)
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.first + uint64(len(p.held))
	p.held = append(p.held, c)
	p.bytes += len(c)
	for p.bytes > p.limit {
		p.bytes -= len(p.held[0])
		p.held[0] = nil
		p.held = p.held[1:]
		p.first++
	}
	return binary.BigEndian.AppendUint64(p.mark[:len(p.mark):len(p.mark)], n)
}

// payload is what a packet's payload stands for: itself, unless it is a label.
// It is false where that is gone.
func (p *parcels) payload(b []byte) ([]byte, bool) {
	if len(b) != len(p.mark)+8 || [16]byte(b) != p.mark {
		return b, true
	}
	n := binary.BigEndian.Uint64(b[len(p.mark):])
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < p.first || n-p.first >= uint64(len(p.held)) {
		return nil, false
	}
	return p.held[n-p.first], true
}
