package githubsim

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// idSource counts the IDs that GitHub gives out. They are unique on one server.
type idSource struct {
	last, lastHook, lastDelivery int64
}

// newIDSource starts deliveries above 2^53, where a JavaScript number or a float64 loses the last digits: GitHub's are
// there already.
func newIDSource() idSource {
	return idSource{last: 1_296_000, lastHook: 400_000_000, lastDelivery: 1<<53 + 1}
}

func (s *idSource) next() int64 {
	s.last++
	return s.last
}

func (s *idSource) hook() int64 {
	s.lastHook++
	return s.lastHook
}

// delivery counts in steps: the IDs of one webhook's deliveries have gaps.
func (s *idSource) delivery() int64 {
	s.lastDelivery += 3
	return s.lastDelivery
}

// reserve keeps IDs that a test chose from being given out again.
func (s *idSource) reserve(hook, delivery int64) {
	s.lastHook = max(s.lastHook, hook)
	s.lastDelivery = max(s.lastDelivery, delivery)
}

func newGUID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x10, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func randomHex(n int) string { return hex.EncodeToString(randomBytes(n)) }

// randomBytes cannot fail: crypto/rand ends the process where there is no randomness.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
