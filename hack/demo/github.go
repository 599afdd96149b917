package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// githubHook is a webhook as GitHub's API shows it.
type githubHook struct {
	ID     int64    `json:"id"`
	Active bool     `json:"active"`
	Events []string `json:"events"`
	Config struct {
		URL    string `json:"url"`
		Secret string `json:"secret"`
	} `json:"config"`
}

// showGitHub prints the webhooks of all three places as GitHub's API shows them.
func (s *stage) showGitHub(ctx context.Context) error {
	rows := [][]string{{"WHERE", "HOOK", "EVENTS", "SECRET"}}
	for _, place := range []string{"repos/" + string(repository), "orgs/" + string(organization)} {
		hooks, err := s.listHooks(ctx, place)
		if err != nil {
			return err
		}
		for _, h := range hooks {
			rows = append(rows, h.row(place))
		}
	}
	// The API shows an App's webhook to the App alone; a secret is hidden there likewise.
	for _, h := range s.github.Hooks(githubsim.AppTarget(s.app.ID)) {
		secret := strings.Repeat("*", min(len(h.Config.Secret), len("********")))
		rows = append(rows, []string{"app (" + appSlug + ")", "", "", secret})
	}
	s.say("GitHub's API shows:\n%s", table(rows))
	return nil
}

func (h githubHook) row(place string) []string {
	slices.Sort(h.Events)
	return []string{place, fmt.Sprint(h.ID), strings.Join(h.Events, ", "), h.Config.Secret}
}

// listHooks asks GitHub's API as anybody with the token can.
func (s *stage) listHooks(ctx context.Context, place string) ([]githubHook, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.github.URL()+"/"+place+"/hooks", http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("User-Agent", "demo")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GitHub answers %s to GET /%s/hooks", response.Status, place)
	}
	var hooks []githubHook
	err = json.NewDecoder(response.Body).Decode(&hooks)
	return hooks, err
}

// fromOperator are the requests that the operator sent, without those of the demo itself.
func fromOperator(requests []githubsim.Request) []githubsim.Request {
	return slices.DeleteFunc(slices.Clone(requests), func(r githubsim.Request) bool {
		return !strings.HasPrefix(r.Header.Get("User-Agent"), operatorName+"/")
	})
}

// deliveries waits until so many deliveries arrived since mark and are verified, and prints them.
func (s *stage) deliveries(ctx context.Context, mark, want int) error {
	err := s.until(ctx, fmt.Sprintf("%d deliveries have arrived", want), func(context.Context) error {
		if got := len(s.receiver.Received()) - mark; got < want {
			return fmt.Errorf("%d have", got)
		}
		return nil
	})
	if err != nil {
		return err
	}
	lines := []string{"The receiver got:"}
	var refused error
	for _, r := range s.receiver.Received()[mark:] {
		lines = append(lines, "  "+describe(r))
		if !r.Verified {
			refused = fmt.Errorf("the delivery of %s to webhook %s was not signed with the secret", r.Event, r.HookID)
		}
	}
	s.say("%s", strings.Join(lines, "\n"))
	return refused
}

// describe says what a delivery was and whether its signature is right.
func describe(r githubsim.Received) string {
	verdict := "signature verified"
	if !r.Verified {
		verdict = "signature WRONG"
	}
	return fmt.Sprintf("%s from webhook %s, %s", r.Event, r.HookID, verdict)
}
