package githubsim_test

import (
	"context"
	"fmt"

	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// A webhook of a repository is pinged, and gets what happens there.
func Example() {
	github := githubsim.New(githubsim.Options{})
	if err := github.Start(); err != nil {
		panic(err)
	}
	defer github.Close()
	receiver := githubsim.NewReceiver("s3cret")
	defer receiver.Close()

	github.AddRepository("octo-org/hello-world")
	github.AddToken(githubsim.Token{Value: "ghp_token", Admin: []githubsim.Target{"octo-org/hello-world"}})
	github.CreateHook("octo-org/hello-world", githubsim.Hook{
		Active: true, Events: []string{"push"},
		Config: githubsim.Config{URL: receiver.URL(), ContentType: "json", Secret: "s3cret"},
	})
	if err := github.WaitDeliveries(context.Background()); err != nil {
		panic(err)
	}
	github.Emit("octo-org/hello-world", "push", "", map[string]any{"ref": "refs/heads/main"})
	if err := github.WaitDeliveries(context.Background()); err != nil {
		panic(err)
	}
	for _, delivery := range receiver.Received() {
		fmt.Println(delivery.Event, delivery.Verified)
	}
	// Output:
	// ping true
	// push true
}
