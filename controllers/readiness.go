package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Probes serves /healthz, which answers as long as the process does, and /readyz, which answers 503 and says in plain
// sentences what the operator waits for.
func Probes(address string, c cache.Cache, o *Operator) *manager.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if err := errors.Join(cachesSynced(ctx, c), o.fingerprints.Ready(ctx)); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return &manager.Server{Name: "probes", Server: &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: time.Second}}
}

// cachesSynced is nil when the caches show what the API server has.
func cachesSynced(ctx context.Context, c cache.Cache) error {
	if !c.WaitForCacheSync(ctx) {
		return errors.New("the caches are not synced yet")
	}
	return nil
}
