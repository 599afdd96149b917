package credentials

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

// Store keeps one client per Secret. It is safe for concurrent use.
type Store struct {
	newClient func(Credentials) (*github.Client, error)

	mu      sync.Mutex
	entries map[types.NamespacedName]entry
}

type entry struct {
	resourceVersion string
	digest          [sha256.Size]byte
	client          *github.Client
}

// NewStore makes an empty store whose clients newClient makes.
func NewStore(newClient func(Credentials) (*github.Client, error)) *Store {
	return &Store{newClient: newClient, entries: map[types.NamespacedName]entry{}}
}

// Lookup returns the client made from the Secret's state at resourceVersion, and whether there is one.
func (s *Store) Lookup(name types.NamespacedName, resourceVersion string) (*github.Client, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[name]
	if !ok || e.resourceVersion != resourceVersion {
		return nil, false
	}
	return e.client, true
}

// Last returns the client made from the Secret's last known state, for when the Secret is gone.
func (s *Store) Last(name types.NamespacedName) (*github.Client, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[name]
	return e.client, ok
}

// Client returns the client for the Secret as read, making one when its content is new. Errors are those of Parse and of
// github.NewClient. A Secret that turned invalid keeps its last client for Last.
func (s *Store) Client(secret *corev1.Secret) (*github.Client, error) {
	name := types.NamespacedName{Namespace: secret.Namespace, Name: secret.Name}
	content := digest(secret)

	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[name]
	if !ok || e.digest != content {
		parsed, err := Parse(secret)
		if err != nil {
			return nil, err
		}
		client, err := s.newClient(parsed)
		if err != nil {
			return nil, err
		}
		if ok {
			e.client.Close()
		}
		e = entry{digest: content, client: client}
	}
	e.resourceVersion = secret.ResourceVersion
	s.entries[name] = e
	return e.client, nil
}

// Prune drops the clients of Secrets that are no longer in use.
func (s *Store) Prune(inUse func(types.NamespacedName) bool) {
	for _, name := range s.names() {
		if !inUse(name) { // Asked without the lock: it takes a while.
			s.drop(name)
		}
	}
}

func (s *Store) names() []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.entries))
}

func (s *Store) drop(name types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[name]; ok {
		e.client.Close()
		delete(s.entries, name)
	}
}

// digest of a Secret's type and data, independent of their order.
func digest(secret *corev1.Secret) [sha256.Size]byte {
	h := sha256.New()
	write := func(b []byte) {
		sum := sha256.Sum256(b)
		h.Write(sum[:])
	}
	write([]byte(secret.Type))
	for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
		write([]byte(key))
		write(secret.Data[key])
	}
	return [sha256.Size]byte(h.Sum(nil))
}
