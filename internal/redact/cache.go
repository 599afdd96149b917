package redact

import (
	"crypto/sha256"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxCached bounds, in bytes, what is kept of secrets in use, process-wide. Losing an entry costs preparing it again, which
// takes milliseconds.
const maxCached = 8 << 20

// cacheOverhead is what an entry takes besides its secret, in bytes.
const cacheOverhead = 256

// cacheKey names a secret without holding it.
type cacheKey struct {
	kind   string
	digest [sha256.Size]byte
}

// cache has the secrets that were used last, so that one is prepared once, not at each refusal.
var cache = struct {
	sync.Mutex
	entries *simplelru.LRU[cacheKey, *Secret]
	size    int
}{entries: newEntries()}

func newEntries() *simplelru.LRU[cacheKey, *Secret] {
	const most = maxCached / cacheOverhead // None is smaller.
	// It fails without a size only.
	entries, _ := simplelru.NewLRU[cacheKey, *Secret](most, nil)
	return entries
}

// prepared is a secret from the cache, or prepare's.
func prepared(kind, value string, prepare func() *Secret) *Secret {
	key := cacheKey{kind, sha256.Sum256([]byte(value))}
	cache.Lock()
	known, ok := cache.entries.Get(key)
	cache.Unlock()
	if ok {
		return known
	}
	s := prepare()
	cache.Lock()
	defer cache.Unlock()
	if cache.entries.Contains(key) {
		return s
	}
	cache.size += s.Size() + cacheOverhead
	for cache.size > maxCached {
		_, oldest, ok := cache.entries.RemoveOldest()
		if !ok {
			break
		}
		cache.size -= oldest.Size() + cacheOverhead
	}
	cache.entries.Add(key, s)
	return s
}
