package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/github-webhooks/github-webhook-operator/api/v1alpha1"
)

// webhook is an object of the fleet; nil one that is gone.
type webhook = *v1alpha1.RepositoryWebhook

// condition tells of an object what is still missing, "" when nothing is.
type condition func(webhook) string

// tracker follows the objects of a namespace by a watch of its own, past the proxy.
type tracker struct {
	mu      sync.Mutex
	objects map[string]webhook
	// wanted is what is waited for, pending the objects of which it is not true, and done closed when there are none.
	wanted  condition
	pending map[string]string
	done    chan struct{}
	// progress is when pending last became shorter.
	progress time.Time
}

// track begins to follow, until the stage is closed: an API server does not stop while it is watched.
func (s *stage) track(ctx context.Context, namespace string) (*tracker, error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	s.onClose(func() error {
		cancel()
		running.Wait()
		return nil
	})
	c, err := cache.New(s.config, cache.Options{
		Scheme: s.scheme, DefaultNamespaces: map[string]cache.Config{namespace: {}}, DefaultTransform: cache.TransformStripManagedFields(),
	})
	if err != nil {
		return nil, err
	}
	t := &tracker{objects: map[string]webhook{}}
	informer, err := c.GetInformer(ctx, &v1alpha1.RepositoryWebhook{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { t.see(obj.(webhook)) },
		UpdateFunc: func(_, obj any) { t.see(obj.(webhook)) },
		DeleteFunc: func(obj any) {
			if last, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
				obj = last.Obj
			}
			t.lose(obj.(webhook).Name)
		},
	})
	if err != nil {
		return nil, err
	}
	running.Go(func() { _ = c.Start(ctx) }) // Its one error is to be started twice.
	if !c.WaitForCacheSync(ctx) {
		return nil, context.Cause(ctx)
	}
	return t, nil
}

func (t *tracker) see(w webhook) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.objects[w.Name] = w
	t.judge(w.Name)
}

func (t *tracker) lose(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.objects, name)
	t.judge(name)
}

// judge one object anew.
func (t *tracker) judge(name string) {
	if t.wanted == nil {
		return
	}
	if missing := t.wanted(t.objects[name]); missing != "" {
		t.pending[name] = missing
		return
	}
	if _, was := t.pending[name]; !was {
		return
	}
	delete(t.pending, name)
	t.progress = time.Now()
	if len(t.pending) == 0 {
		close(t.done)
		t.wanted = nil
	}
}

// want begins to wait for a condition of all these objects; the channel is closed when it is true of every one.
func (t *tracker) want(names []string, wanted condition) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted, t.done, t.pending, t.progress = wanted, make(chan struct{}), map[string]string{}, time.Now()
	for _, name := range names {
		if missing := wanted(t.objects[name]); missing != "" {
			t.pending[name] = missing
		}
	}
	if len(t.pending) == 0 {
		close(t.done)
		t.wanted = nil
	}
	return t.done
}

// stuck tells how many objects are missing and what one of them lacks, when none was added for as long as patience.
func (t *tracker) stuck(patience time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) == 0 || time.Since(t.progress) < patience {
		return nil
	}
	name := slices.Min(slices.Collect(maps.Keys(t.pending)))
	return fmt.Errorf("for %s nothing changed for %d objects, of which %s %s", patience, len(t.pending), name, t.pending[name])
}

// all objects that there are.
func (t *tracker) all() []webhook {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.objects))
}
