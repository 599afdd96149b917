package github

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// maxKept bounds what is kept for all credentials together, in bytes: 10,000 hooks with a page of deliveries each.
	maxKept = 32 << 20
	// maxKeptBody bounds a body before it is compressed: a full page of hooks that are subscribed to everything.
	maxKeptBody = 512 << 10
	// keptOverhead is what an entry takes besides its texts, in bytes.
	keptOverhead = 256
	// unusedAfter is how long an answer has its place when there is no room for another. Polls go round: if the one that was
	// not used for longest made room, each would be gone when its turn comes.
	unusedAfter = 6 * time.Hour
)

// about is what an answer shows, by whatever address it was read: a renamed repository has several.
type about struct {
	// place of the webhooks, in lower case.
	place string
	// hook is zero for the list of them, and for an App's one.
	hook int64
}

// changedBy tells whether a write could make it untrue: the hook's own answers and what lies below, and the list.
func (a about) changedBy(write about) bool {
	return a.place == write.place && (a.hook == 0 || a.hook == write.hook)
}

// keptAnswer is an answer that was understood. Nothing of it changes but the time of its last use.
type keptAnswer struct {
	about      about
	etag, link string
	body       []byte // compressed
	used       time.Time
}

func (k *keptAnswer) size(key string) int {
	return keptOverhead + len(key) + len(k.about.place) + len(k.etag) + len(k.link) + len(k.body)
}

// answer turns a 304 into the 200 that it stands for. The 304's header is newer; what it leaves out is as it was.
func (k *keptAnswer) answer(notModified *http.Response) *http.Response {
	drain(notModified.Body)
	_ = notModified.Body.Close()
	restored := *notModified
	restored.StatusCode = http.StatusOK
	restored.Status = fmt.Sprintf("%d %s", http.StatusOK, http.StatusText(http.StatusOK))
	restored.Header = notModified.Header.Clone()
	if k.link != "" && restored.Header.Get("Link") == "" {
		restored.Header.Set("Link", k.link)
	}
	restored.ContentLength = -1
	restored.Body = decompress(k.body)
	return &restored
}

// KeptAnswers bounds the answers that clients keep, all of them together. A client may always keep its share, which is the
// same for all that keep any; what others leave free it may use as well, until they want it. It is safe for concurrent use.
type KeptAnswers struct {
	max int

	mu      sync.Mutex
	size    int
	clients map[*keptAnswers]struct{}
}

// NewKeptAnswers makes room for the answers of all clients that share it.
func NewKeptAnswers() *KeptAnswers { return newKeptRoom(maxKept) }

func newKeptRoom(maxSize int) *KeptAnswers {
	return &KeptAnswers{max: maxSize, clients: map[*keptAnswers]struct{}{}}
}

// share is what each client that keeps any may keep.
func (r *KeptAnswers) share() int { return r.max / max(len(r.clients), 1) }

// largest is the client that keeps the most.
func (r *KeptAnswers) largest() *keptAnswers {
	var found *keptAnswers
	for k := range r.clients {
		if found == nil || k.size > found.size {
			found = k
		}
	}
	return found
}

// keptAnswers are a credential's. They are safe for concurrent use: the room that they share is locked for each.
type keptAnswers struct {
	now  func() time.Time
	room *KeptAnswers

	entries *simplelru.LRU[string, *keptAnswer]
	size    int
	// open are the reads under way, whose answers may be older than a write that ended meanwhile.
	open map[*exchange]struct{}
	// refusedAt is when there was no room for an answer.
	refusedAt time.Time
	closed    bool
}

func newKeptAnswers(room *KeptAnswers, now func() time.Time) *keptAnswers {
	k := &keptAnswers{now: now, room: room, open: map[*exchange]struct{}{}}
	// It fails without a size only. Bytes bound it, so many entries cannot be.
	k.entries, _ = simplelru.NewLRU(max(room.max/keptOverhead, 1), func(key string, gone *keptAnswer) {
		k.size -= gone.size(key)
		room.size -= gone.size(key)
	})
	return k
}

// get is what is kept under a key; nil is nothing.
func (k *keptAnswers) get(key string) *keptAnswer {
	k.room.mu.Lock()
	defer k.room.mu.Unlock()
	return k.use(key)
}

func (k *keptAnswers) use(key string) *keptAnswer {
	known, _ := k.entries.Get(key)
	if known != nil {
		known.used = k.now()
	}
	return known
}

// begin notes that an address is being read, and returns what is kept of it; nil is nothing.
func (k *keptAnswers) begin(x *exchange, key string) *keptAnswer {
	k.room.mu.Lock()
	defer k.room.mu.Unlock()
	x.key, x.fresh = key, nil
	k.open[x] = struct{}{}
	return k.use(key)
}

// keep what the exchange brought, now that the body was understood: one that cannot be read must not come back with every
// 304.
func (k *keptAnswers) keep(x *exchange, body []byte) {
	if x.fresh == nil || body == nil || len(body) > maxKeptBody {
		return
	}
	x.fresh.body, x.fresh.about = compress(body), x.about
	k.room.mu.Lock()
	defer k.room.mu.Unlock()
	k.entries.Remove(x.key)
	if x.outdated || k.closed {
		return
	}
	x.fresh.used = k.now()
	size := x.fresh.size(x.key)
	k.room.clients[k] = struct{}{}
	if !k.makeRoom(size) {
		k.refusedAt = k.now()
		k.leave()
		return
	}
	k.entries.Add(x.key, x.fresh)
	k.size += size
	k.room.size += size
}

// makeRoom tells whether there is room now for so much: free, after answers of its own that were not used for long, or,
// within its share, after the oldest of the client that keeps the most and more than its share.
func (k *keptAnswers) makeRoom(size int) bool {
	for k.room.size+size > k.room.max {
		_, oldest, ok := k.entries.GetOldest()
		from := k
		if !ok || k.now().Sub(oldest.used) < unusedAfter {
			from = k.room.largest()
			if k.size+size > k.room.share() || from == k || from.size <= k.room.share() {
				return false
			}
		}
		from.entries.RemoveOldest()
	}
	return true
}

// leave gives the share back of a client that keeps nothing.
func (k *keptAnswers) leave() {
	if k.entries.Len() == 0 {
		delete(k.room.clients, k)
	}
}

// close gives all back. Nothing is kept from then on.
func (k *keptAnswers) close() {
	k.room.mu.Lock()
	defer k.room.mu.Unlock()
	k.closed = true
	k.entries.Purge()
	k.leave()
}

// refusing tells whether there was no room lately.
func (k *keptAnswers) refusing() bool {
	k.room.mu.Lock()
	defer k.room.mu.Unlock()
	return !k.refusedAt.IsZero() && k.now().Sub(k.refusedAt) < unusedAfter
}

func (k *keptAnswers) drop(key string) {
	k.room.mu.Lock()
	defer k.room.mu.Unlock()
	k.entries.Remove(key)
	k.leave()
}

// end of an exchange, whatever came of it.
func (k *keptAnswers) end(x *exchange) {
	k.room.mu.Lock()
	defer k.room.mu.Unlock()
	delete(k.open, x)
}

// changed drops what a write of ours may have made untrue: with its old ETag a server that lags behind would bring the hook
// back as it was. What is being read meanwhile is not kept.
func (k *keptAnswers) changed(write about, address *url.URL) {
	hook := strings.TrimSuffix(address.Scheme+"://"+address.Host+address.EscapedPath(), "/config")
	list := hook
	if write.hook != 0 {
		list = hook[:strings.LastIndexByte(hook, '/')]
	}
	untrue := func(key string, a about) bool {
		return a.changedBy(write) || write.hook != 0 && isBelow(key, hook) || strings.HasPrefix(key, list+"?") || key == list
	}
	k.room.mu.Lock()
	defer k.room.mu.Unlock()
	defer k.leave()
	for _, key := range k.entries.Keys() {
		if kept, found := k.entries.Peek(key); found && untrue(key, kept.about) {
			k.entries.Remove(key)
		}
	}
	for x := range k.open {
		x.outdated = x.outdated || untrue(x.key, x.about)
	}
}

// isBelow tells an address, or one below it.
func isBelow(key, address string) bool {
	rest, ok := strings.CutPrefix(key, address)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// dictionary has what GitHub's answers about hooks have in common, so that a small one gets smaller too.
const dictionary = `{"type":"Organization","id":1,"name":"web","active":true,"events":["push","pull_request","*"],` +
	`"config":{"content_type":"json","insecure_ssl":"0","url":"https://","secret":"********"},` +
	`"updated_at":"2026-01-01T00:00:00Z","created_at":"2026-01-01T00:00:00Z","url":"https://api.github.com/orgs/","deliveries_url":"https://api.github.com/orgs/` +
	`{"type":"Repository","test_url":"https://api.github.com/repos/hooks/1/test","ping_url":"https://api.github.com/repos/hooks/1/pings",` +
	`"deliveries_url":"https://api.github.com/repos/hooks/1/deliveries","last_response":{"code":null,"status":"unused","message":null}}` +
	`[{"id":1,"guid":"00000000-0000-11f0-8000-000000000000","delivered_at":"2026-01-01T00:00:00Z","redelivery":false,"duration":0.05,` +
	`"status":"Invalid HTTP Response: 500","status_code":500,"event":"ping","action":null,"installation_id":null,"repository_id":null,"throttled_at":null,` +
	`"status":"OK","status_code":200,"event":"push","action":"opened","installation_id":1,"repository_id":1,"url":""},{"id":`

var compressors = sync.Pool{New: func() any {
	w, err := flate.NewWriterDict(io.Discard, flate.DefaultCompression, []byte(dictionary))
	if err != nil {
		panic("github: " + err.Error()) // The level is a constant.
	}
	return w
}}

// compress cannot fail: a buffer takes everything.
func compress(body []byte) []byte {
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	var buffer bytes.Buffer
	w.Reset(&buffer)
	_, _ = w.Write(body)
	_ = w.Close()
	return bytes.Clone(buffer.Bytes())
}

var decompressors = sync.Pool{New: func() any { return flate.NewReaderDict(bytes.NewReader(nil), []byte(dictionary)) }}

// decompressed is a body that gives its reader back once.
type decompressed struct {
	io.ReadCloser
	once sync.Once
}

func decompress(body []byte) io.ReadCloser {
	r := decompressors.Get().(io.ReadCloser)
	_ = r.(flate.Resetter).Reset(bytes.NewReader(body), []byte(dictionary)) // never fails: package flate
	return &decompressed{ReadCloser: r}
}

// Close ends the use of the body.
func (d *decompressed) Close() error {
	d.once.Do(func() { decompressors.Put(d.ReadCloser) })
	return nil
}
