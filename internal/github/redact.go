package github

import (
	"net/http"

	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// maxMessage and maxWord bound what is quoted of a server, in characters.
const (
	maxMessage = 500
	maxWord    = 200
)

// hides are the secrets that no text of the answer may hold: what the request was sent with in the end, whoever logged in,
// and what its body carried.
func (k call) hides(response *http.Response) []*redact.Secret {
	hidden := []*redact.Secret{redact.Token(sentToken(response.Request).reveal())}
	if k.config != nil {
		hidden = append(hidden, k.config.URL.HiddenURL(), k.config.Secret.Hidden())
	}
	return hidden
}

// Hidden is the secret prepared for being taken out of a text.
func (s Secret) Hidden() *redact.Secret { return redact.Value(s.reveal()) }

// HiddenURL is a URL prepared for being taken out of a text, but for its host.
func (s Secret) HiddenURL() *redact.Secret { return redact.URL(s.reveal()) }

// Hides are the secrets that the client logs in with, to be taken out of any text that its server sends.
func (c *Client) Hides() []*redact.Secret {
	if c.options.App != nil {
		return []*redact.Secret{redact.PrivateKey(c.options.App.PrivateKey.reveal())}
	}
	return []*redact.Secret{redact.Token(c.options.Token.reveal())}
}
