package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// keep leaves everything running until the context ends, and says how to play with it.
func (s *stage) keep(ctx context.Context) error {
	play, err := s.playground()
	if err != nil {
		return err
	}
	s.print(s.instructions(play))
	shown := s.failures(nil)
	received := len(s.receiver.Received())
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.print("\nStopping everything.\n")
			return nil
		case <-ticker.C:
			all := s.receiver.Received()
			for _, r := range all[received:] {
				s.print(fmt.Sprintf("  arrived: %s\n", describe(r)))
			}
			received = len(all)
			shown = s.failures(shown)
		}
	}
}

// failures prints the deliveries that failed, but for those that were shown, which it returns.
func (s *stage) failures(shown map[int64]bool) map[int64]bool {
	first := shown == nil
	if first {
		shown = map[int64]bool{}
	}
	for _, target := range []githubsim.Target{repository, organization, githubsim.AppTarget(s.app.ID)} {
		for _, hook := range s.github.Hooks(target) {
			for _, d := range s.github.Deliveries(target, hook.ID) {
				if d.Status == "OK" || shown[d.ID] {
					continue
				}
				shown[d.ID] = true
				if !first {
					s.print(fmt.Sprintf("  FAILED:  %s to %s: %s\n", d.Event, d.URL, d.Status))
				}
			}
		}
	}
	return shown
}

// playground is the address at which things can be made to happen that Kubernetes and GitHub's API cannot: a push, and the
// receiver's going down and coming back.
func (s *stage) playground() (string, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /push", func(w http.ResponseWriter, _ *http.Request) {
		guid := s.github.Emit(repository, "push", "", map[string]any{"ref": "refs/heads/main"})
		_, _ = fmt.Fprintf(w, "Somebody pushed to %s (%s).\n", repository, guid)
	})
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) {
		s.receiver.Fail(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, "The receiver answers 503 from now on.")
	})
	mux.HandleFunc("POST /up", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.receiver.Recover(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintln(w, "The receiver is back.")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // Local and immediate.
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	s.onClose("playground", server.Close)
	go func() { _ = server.Serve(listener) }() // It ends with the demo.
	return "http://" + listener.Addr().String(), nil
}

// instructions say what there is, and what to try, as commands that work when they are pasted.
func (s *stage) instructions(play string) string {
	return strings.NewReplacer(
		"KUBECONFIG_FILE", s.kubeconfig(), "KUBECTL_BINARY", filepath.Join(s.assets, "kubectl"), "SAMPLES", s.samples,
		"GITHUB", s.github.URL(), "PLAY", play, "REPOSITORY", string(repository), "LOG", s.operator.log,
	).Replace(`
Everything keeps running. In another terminal, first:

  export KUBECONFIG=KUBECONFIG_FILE
  alias kubectl=KUBECTL_BINARY
  cd SAMPLES
  kubectl apply -k .
  kubectl get githubwebhooks

Then try this, one after the other:

  # a push; then the receiver goes down, and comes back
  curl -X POST PLAY/push
  curl -X POST PLAY/down
  curl -X POST PLAY/push
  kubectl annotate --overwrite repohook/ci github-webhooks.dev/reconcile=$RANDOM
  kubectl get repohook
  curl -X POST PLAY/up
  kubectl annotate repohook/ci github-webhooks.dev/redeliver=failed@$RANDOM
  kubectl events --for=repositorywebhook/ci

  # edit the webhook on GitHub as somebody else would; it is repaired
  TOKEN=$(kubectl get secret github -o jsonpath='{.data.token}' | base64 -d)
  HOOK=$(kubectl get repohook/ci -o jsonpath='{.status.hookID}')
  curl -X PATCH -H "Authorization: Bearer $TOKEN" -d '{"active":false}' \
    GITHUB/repos/REPOSITORY/hooks/$HOOK
  kubectl annotate --overwrite repohook/ci github-webhooks.dev/reconcile=$RANDOM

  # break the URL: deliveries fail, and Ready stays True
  kubectl patch repohook/ci --type=merge \
    -p '{"spec":{"url":"https://nowhere.example.com/github"}}'
  curl -X POST PLAY/push

  # the webhook's page on GitHub, for a browser
  kubectl get repohook/ci -o jsonpath='{.status.settingsURL}'

There is an API server and no controller manager: Deployments start no Pods,
and nothing is garbage collected. The operator runs as a process of the demo.
Its log: LOG

Deliveries are shown here, those that fail, too. Ctrl-C stops everything and
removes these files.

`)
}
