//go:build !race

package controllers_test

import "github.com/github-webhooks/github-webhook-operator/hack/launch"

// tested is how the operator of the stories is built: as the stories are.
var tested = launch.Plain
