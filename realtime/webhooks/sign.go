package webhooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// secretPrefix is that of Standard Webhooks.
const secretPrefix = "whsec_"

var errSecret = errors.New(`expected "whsec_" and 24 to 64 bytes in base64; leave it out and the server makes one`)

// keyOf is the key in a secret.
func keyOf(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, errSecret
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errSecret
	}
	return key, nil
}

// newSecret makes one of 32 bytes.
func newSecret() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// Sign is the header Webhook-Signature of Standard Webhooks 1.0: "v1," and the
// HMAC-SHA256 of id, timestamp (seconds since 1970) and body, joined by dots, in
// base64. The secret is that of a hook; it fails for any other.
func Sign(secret, id string, timestamp int64, body []byte) (string, error) {
	key, err := keyOf(secret)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(timestamp, 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}
