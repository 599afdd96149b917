package github

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	. "github.com/onsi/gomega"
)

// planted is looked for in whatever is printed. It needs no escaping anywhere.
const planted = "ghp-planted-0123456789"

type exported struct{ Value Secret }

type unexported struct {
	inner exported
	value Secret
}

func TestSecretIsNeverPrinted(t *testing.T) {
	secret := NewSecret(planted)
	config := Config{URL: secret, ContentType: "json", Secret: secret}
	token := InstallationToken{Token: secret}
	client := clientOf(t, "http://127.0.0.1:1", planted)
	for name, value := range map[string]any{
		"itself":              secret,
		"a pointer":           &secret,
		"an exported field":   exported{secret},
		"an unexported field": unexported{exported{secret}, secret},
		"a pointer to a struct": &unexported{
			exported{secret}, secret,
		},
		"a list":             []Secret{secret},
		"a map":              map[string]Secret{"key": secret},
		"a key of a map":     map[Secret]bool{secret: true},
		"an interface":       []any{secret, unexported{value: secret}},
		"a request":          HookRequest{Config: &config},
		"a config":           config,
		"options":            Options{Token: secret},
		"an installation's":  token,
		"a client":           client,
		"a client's content": *client,
		"a place":            client.RepositoryHooks("octo-org", "hello-world"),
	} {
		t.Run(name, func(t *testing.T) {
			for how, text := range printed(value) {
				NewWithT(t).Expect(text).NotTo(ContainSubstring(planted), how)
				NewWithT(t).Expect(text).NotTo(ContainSubstring(fmt.Sprintf("%x", planted)), how)
			}
		})
	}
}

// printed is a value in all the ways in which somebody could print it by accident.
func printed(value any) map[string]string {
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "% x", "%08b", "%p", "%!"} {
		texts[verb] = fmt.Sprintf(verb, value)
	}
	texts["Sprint"] = fmt.Sprint(value)
	texts["Errorf"] = fmt.Errorf("failed: %v", value).Error()
	var text, jsonText bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("Message", "key", value)
	slog.New(slog.NewJSONHandler(&jsonText, nil)).Info("Message", "key", value)
	texts["slog text"], texts["slog JSON"] = text.String(), jsonText.String()
	if encoded, err := json.Marshal(value); err == nil {
		texts["JSON"] = string(encoded)
	}
	if encoded, err := xml.Marshal(value); err == nil {
		texts["XML"] = string(encoded)
	}
	return texts
}

func TestSecret(t *testing.T) {
	g := NewWithT(t)
	secret := NewSecret(planted)

	g.Expect(fmt.Sprintf("%v %+v %s %q", secret, secret, secret, secret)).To(Equal("[redacted] [redacted] [redacted] [redacted]"))
	g.Expect(fmt.Sprintf("%#v", secret)).To(Equal(`github.Secret("[redacted]")`))
	g.Expect(json.Marshal(exported{secret})).To(BeEquivalentTo(`{"Value":"[redacted]"}`))
	g.Expect(secret).To(BeIdenticalTo(NewSecret(planted)), "the same value, under ==")
	g.Expect(secret).NotTo(BeIdenticalTo(NewSecret("another")), "another value, under ==")
	g.Expect(secret.IsZero()).To(BeFalse())
	g.Expect(secret.reveal()).To(Equal(planted))

	g.Expect(Secret{}.IsZero()).To(BeTrue())
	g.Expect(NewSecret("")).To(Equal(Secret{}))
	g.Expect(fmt.Sprintf("%v%s", Secret{}, Secret{})).To(BeEmpty())
	g.Expect(Secret{}.reveal()).To(BeEmpty())
}

func TestRequestBodiesHoldTheSecret(t *testing.T) {
	active := false
	for _, c := range []struct {
		name string
		body any
		want string
	}{
		{"nothing", HookRequest{}.body(""), `{}`},
		{"create", HookRequest{
			Config: &Config{URL: NewSecret("https://ci.example.com/?a=1&b=<2>"), ContentType: "json", Secret: NewSecret("s3cr&t")},
			Events: []string{"push"}, Active: &active,
		}.body("web"), `{"name":"web","config":{"url":"https://ci.example.com/?a=1&b=<2>","content_type":"json","secret":"s3cr&t","insecure_ssl":"0"},` +
			`"events":["push"],"active":false}`},
		{"insecure_ssl, no secret", HookRequest{Config: &Config{URL: NewSecret("http://a"), InsecureSSL: true}}.body(""),
			`{"config":{"url":"http://a","insecure_ssl":"1"}}`},
		{"add and remove events", HookRequest{AddEvents: []string{"fork"}, RemoveEvents: []string{"push"}}.body(""),
			`{"add_events":["fork"],"remove_events":["push"]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			encoded, err := encode(c.body)
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			NewWithT(t).Expect(string(bytes.TrimSpace(encoded))).To(Equal(c.want))
		})
	}
}

func TestTokensThatCannotBeSent(t *testing.T) {
	for _, token := range []string{"", "ghp_1\nghp_2", "ghp 1", "ghp_ü", "ghp_\x00"} {
		g := NewWithT(t)
		_, err := NewClient(Options{Hosts: hostsOf(t, "github.com"), Token: NewSecret(token)})
		g.Expect(errors.Is(err, ErrUnauthorized)).To(BeTrue())
		if token != "" {
			g.Expect(err.Error()).NotTo(ContainSubstring(token))
		}
	}
}
