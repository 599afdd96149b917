package github

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"time"
)

// Hook is a webhook as GitHub shows it. Its URL can hold a receiver's token: it is for comparing, not for showing.
type Hook struct {
	ID int64 `json:"id"`
	// Type is Repository or Organization.
	Type string `json:"type"`
	// Name is web; hooks of GitHub's former services have other names.
	Name   string `json:"name"`
	Active bool   `json:"active"`
	// Events is a set: GitHub promises no order.
	Events []string   `json:"events"`
	Config HookConfig `json:"config"`
	// CreatedAt and UpdatedAt have whole seconds. UpdatedAt moves with an edit that changes something, not with a delivery.
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// URL is the hook's own address in the API. It has the target's present name.
	URL string `json:"url"`
	// LastResponse is what the receiver said last; nil for an organization's hook.
	LastResponse *LastResponse `json:"last_response"`
	// Unknown are the properties, those of Config included, that GitHub left out or sent in a form that cannot be read. They
	// are zero here, which says nothing about the hook.
	Unknown Property `json:"-"`
}

// Property is a property of a hook, or several of them.
type Property uint16

// Properties by their names in GitHub's API.
const (
	PropertyURL Property = 1 << iota
	PropertyContentType
	PropertyInsecureSSL
	PropertySecret
	PropertyEvents
	PropertyActive
	PropertyCreatedAt
	PropertyUpdatedAt
)

// Has tells whether any of the others is among them.
func (p Property) Has(others Property) bool { return p&others != 0 }

// UnmarshalJSON takes what it can read: one odd property does not make a hook unreadable, only a missing ID does.
func (h *Hook) UnmarshalJSON(data []byte) error {
	var wire map[string]json.RawMessage
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*h = Hook{}
	for name, into := range map[string]any{"type": &h.Type, "name": &h.Name, "url": &h.URL, "last_response": &h.LastResponse} {
		readProperty(wire[name], into)
	}
	if !readProperty(wire["id"], &h.ID) {
		h.ID = 0
	}
	for property, p := range map[Property]struct {
		name string
		into any
	}{
		PropertyActive: {"active", &h.Active}, PropertyEvents: {"events", &h.Events},
		PropertyCreatedAt: {"created_at", &h.CreatedAt}, PropertyUpdatedAt: {"updated_at", &h.UpdatedAt},
	} {
		if !readProperty(wire[p.name], p.into) {
			h.Unknown |= property
		}
	}
	switch config := wire["config"]; {
	case isNothing(config): // As {}, which old hooks have.
	case json.Unmarshal(config, &h.Config) != nil:
		h.Config = HookConfig{Unknown: PropertyURL | PropertyContentType | PropertyInsecureSSL | PropertySecret}
	}
	h.Unknown |= h.Config.Unknown
	return nil
}

// readProperty tells whether a property is there and can be read; else it is left zero.
func readProperty(raw json.RawMessage, into any) bool {
	if isNothing(raw) {
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil {
		reflect.ValueOf(into).Elem().SetZero() // A list may have been read in part.
		return false
	}
	return true
}

func isNothing(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// check refuses an answer that is JSON but no webhook.
func (h *Hook) check() error {
	if h.ID <= 0 {
		return errors.New("id is missing")
	}
	return nil
}

// HookConfig is a webhook's configuration as GitHub shows it. Nothing of it may ever be written back: the secret is a mask.
type HookConfig struct {
	URL string
	// ContentType is json or form; empty means form.
	ContentType string
	// InsecureSSL true: GitHub doesn't verify the receiver's certificate.
	InsecureSSL bool
	// Secret is a row of asterisks where there is one and empty where there is none.
	Secret string
	// Unknown are the properties that GitHub sent in a form that cannot be read.
	Unknown Property
}

// UnmarshalJSON takes insecure_ssl as the string that GitHub sends and as the number that its description allows too. All
// properties are optional; a URL is text where there is one.
func (c *HookConfig) UnmarshalJSON(data []byte) error {
	var wire map[string]json.RawMessage
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*c = HookConfig{}
	for property, p := range map[Property]struct {
		name string
		into any
	}{
		PropertyURL: {"url", &c.URL}, PropertyContentType: {"content_type", &c.ContentType},
		PropertyInsecureSSL: {"insecure_ssl", (*insecureSSL)(&c.InsecureSSL)}, PropertySecret: {"secret", &c.Secret},
	} {
		raw, found := wire[p.name]
		if found && !readProperty(raw, p.into) && !(string(raw) == "null" && property != PropertyURL) {
			c.Unknown |= property
		}
	}
	return nil
}

// configAnswer is a configuration that came alone.
type configAnswer struct {
	HookConfig
	// shown: it has at least one of the properties.
	shown bool
}

// UnmarshalJSON reads the configuration.
func (c *configAnswer) UnmarshalJSON(data []byte) error {
	var wire map[string]json.RawMessage
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	for _, name := range []string{"url", "content_type", "insecure_ssl", "secret"} {
		_, found := wire[name]
		c.shown = c.shown || found
	}
	return json.Unmarshal(data, &c.HookConfig)
}

// check refuses JSON that has nothing of a configuration: a proxy's, not GitHub's.
func (c *configAnswer) check() error {
	if !c.shown {
		return errors.New("it has none of a webhook's settings")
	}
	return nil
}

// insecureSSL is "0" or "1", written as a string.
type insecureSSL bool

func (i *insecureSSL) UnmarshalJSON(data []byte) error {
	switch string(bytes.Trim(data, `"`)) {
	case "1", "true":
		*i = true
	case "0", "false", "":
		*i = false
	default:
		return errors.New("insecure_ssl is neither 0 nor 1")
	}
	return nil
}

func (i insecureSSL) MarshalText() ([]byte, error) {
	if i {
		return []byte("1"), nil
	}
	return []byte("0"), nil
}

// LastResponse is a receiver's last answer. Trust the code: the words vary.
type LastResponse struct {
	// Code is 0 where there was no delivery yet.
	Code    int    `json:"code"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

// HookRequest is what a webhook shall be. What is nil or empty is not sent, and GitHub leaves it as it is or takes its
// default.
type HookRequest struct {
	// Config replaces all of the hook's config: without a secret in it, GitHub removes the one that the hook has.
	Config *Config
	// Events replaces the hook's events and wins over the two below, which only repositories' hooks know.
	Events       []string
	AddEvents    []string
	RemoveEvents []string
	Active       *bool
}

// Config is a webhook's configuration as it is written. Empty strings are not sent.
type Config struct {
	// URL is where deliveries go. It can hold a receiver's token.
	URL Secret
	// ContentType is json or form.
	ContentType string
	// Secret is the real one. Empty is none.
	Secret Secret
	// InsecureSSL true: GitHub doesn't verify the receiver's certificate. It is always sent.
	InsecureSSL bool
}

// The bodies of requests. They hold secrets in the clear, so they are made right before they are sent.
type (
	hookBody struct {
		Name         string      `json:"name,omitempty"`
		Config       *configBody `json:"config,omitempty"`
		Events       []string    `json:"events,omitempty"`
		AddEvents    []string    `json:"add_events,omitempty"`
		RemoveEvents []string    `json:"remove_events,omitempty"`
		Active       *bool       `json:"active,omitempty"`
	}
	configBody struct {
		URL         string      `json:"url,omitempty"`
		ContentType string      `json:"content_type,omitempty"`
		Secret      string      `json:"secret,omitempty"`
		InsecureSSL insecureSSL `json:"insecure_ssl"`
	}
)

func (r HookRequest) body(name string) hookBody {
	return hookBody{
		Name: name, Config: r.Config.body(), Events: r.Events,
		AddEvents: r.AddEvents, RemoveEvents: r.RemoveEvents, Active: r.Active,
	}
}

func (c *Config) body() *configBody {
	if c == nil {
		return nil
	}
	return &configBody{
		URL: c.URL.reveal(), ContentType: c.ContentType, Secret: c.Secret.reveal(), InsecureSSL: insecureSSL(c.InsecureSSL),
	}
}
