package realtime

// MaxMessageBytes bounds a client's message.
const MaxMessageBytes = 64 << 10
