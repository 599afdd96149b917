package delivery_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	. "github.com/onsi/gomega"

	"github.com/github-webhooks/github-webhook-operator/internal/delivery"
	"github.com/github-webhooks/github-webhook-operator/internal/github"
)

const receiver = "https://ci.example.com/hooks/t0ken?key=k3y-k3y"

// whole is a delivery read whole that holds everything that must not be told.
func whole(status string, code int, answer string) github.Delivery {
	return github.Delivery{
		ID: 1, GUID: "a", DeliveredAt: noon, Status: status, StatusCode: code, Event: "push", URL: receiver,
		Response: &github.DeliveryResponse{Payload: &answer},
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name   string
		status string
		code   int
		want   []string
	}{
		{"server error", "Invalid HTTP Response: 500", 500, []string{"The receiver answered 500.", "logs"}},
		{"a proxy's 502 is an answer", "Invalid HTTP Response: 502", 502, []string{"The receiver answered 502.", "logs"}},
		{"wrong secret", "Invalid HTTP Response: 401", 401, []string{"answered 401.", "spec.secretRef"}},
		{"forbidden", "Invalid HTTP Response: 403", 403, []string{"answered 403.", "spec.secretRef"}},
		{"wrong path", "Invalid HTTP Response: 404", 404, []string{"answered 404.", "path of the webhook's URL"}},
		{"gone", "Invalid HTTP Response: 410", 410, []string{"answered 410.", "path of the webhook's URL"}},
		{"no POST", "Invalid HTTP Response: 405", 405, []string{"answered 405.", "POST"}},
		{"too large", "Invalid HTTP Response: 413", 413, []string{"answered 413.", "25 MB"}},
		{"another content type", "Invalid HTTP Response: 415", 415, []string{"answered 415.", "spec.contentType"}},
		{"too many", "Invalid HTTP Response: 429", 429, []string{"answered 429.", "limit"}},
		{"bad request", "Invalid HTTP Response: 400", 400, []string{"answered 400.", "Check what the receiver expects"}},
		{"redirect", "Invalid HTTP Response: 301", 301, []string{"answered 301.", "does not follow redirects"}},
		{"switching protocols", "Invalid HTTP Response: 101", 101, []string{"answered 101.", "200 to 299"}},
		{"a code without words", "", 503, []string{"answered 503.", "logs"}},
		{"timed out", "timed out", 504, []string{"did not answer in time", `GitHub says "timed out"`, "10 s (30 s on GitHub Enterprise Server)", "queue"}},
		{"a timeout without words", "", 504, []string{"did not answer in time", "queue"}},
		{"no words about a connection", "", 502, []string{"could not connect", "firewalls"}},
		{"certificate", "Peer certificate cannot be authenticated with given CA certificates", 0,
			[]string{"does not trust the receiver's certificate", "GitHub says", "spec.insecureSSL"}},
		{"TLS", "SSL connect error", 0, []string{"certificate", "spec.insecureSSL"}},
		{"connection", "failed to connect to host", 502, []string{"could not connect", `GitHub says "failed to connect to host"`, "firewalls", "DNS"}},
		{"no answer", "Server returned nothing (no headers, no data)", 502, []string{"got no answer"}},
		{"name", "Couldn't resolve host name", 0, []string{"could not connect", "DNS"}},
		{"something new", "Moon phase", 0, []string{"GitHub could not deliver", `GitHub says "Moon phase"`, "settings"}},
		{"nothing at all", "", 0, []string{"GitHub could not deliver.", "settings"}},
		{"no status code", "Invalid HTTP Response: 000", 0, []string{"GitHub could not deliver"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			d := whole(c.status, c.code, "the answer")
			text := delivery.Explain(d, delivery.QuoteGitHub)
			for _, want := range c.want {
				g.Expect(text).To(ContainSubstring(want))
			}
			g.Expect(text).NotTo(ContainSubstring("the answer"))
			g.Expect(delivery.Explain(d, delivery.QuoteReceiver)).To(Equal(text + ` Its answer begins: "the answer"`))
			g.Expect(delivery.Explain(d, delivery.QuoteNobody)).NotTo(Or(ContainSubstring("GitHub says"), ContainSubstring("the answer")))
		})
	}
}

func TestExplainQuotesNobodyOfAHiddenURL(t *testing.T) {
	g := NewWithT(t)
	d := whole("Failed to connect to ci.example.com port 443", 502, "I am ci.example.com")
	g.Expect(delivery.Explain(d, delivery.QuoteNobody)).To(And(ContainSubstring("could not connect"), Not(ContainSubstring("example"))))
}

func TestExplainAThrottledDelivery(t *testing.T) {
	g := NewWithT(t)
	g.Expect(delivery.Explain(throttled(whole("", 0, "")), delivery.QuoteGitHub)).To(HavePrefix("GitHub throttled this delivery. "))
}

func TestExplainWithoutAnAnswer(t *testing.T) {
	g := NewWithT(t)
	d := whole("timed out", 504, "")
	want := delivery.Explain(d, delivery.QuoteGitHub)
	for _, response := range []*github.DeliveryResponse{nil, {}, d.Response} {
		d.Response = response
		g.Expect(delivery.Explain(d, delivery.QuoteReceiver)).To(Equal(want))
	}
}

func TestExplainQuotesInOneShortLine(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"lines", "no\n\tsuch\r\nhook ", `"no such hook"`},
		{"what leads the eye astray", "a\u202eb\x1b[31mc\x00", `"ab[31mc"`},
		{"no text", "\xff\xfe\x00\x01a", `"a"`},
		{"200 characters", strings.Repeat("ä", 200), `"` + strings.Repeat("ä", 200) + `"`},
		{"201 characters", strings.Repeat("ä", 201), `"` + strings.Repeat("ä", 199) + `…"`},
		{"a very long answer", strings.Repeat("日", 10<<20), `"` + strings.Repeat("日", 199) + `…"`},
		{"the URL", "no hook at " + receiver + " here", `"no hook at [URL] here"`},
		{"the URL's path", "Cannot POST /hooks/t0ken", `"Cannot POST [redacted]"`},
		{"the URL's path and query", "Cannot POST /hooks/t0ken?key=k3y-k3y", `"Cannot POST [redacted]"`},
		{"the URL's query", "unexpected key=k3y-k3y", `"unexpected [redacted]"`},
		{"another URL", `{"see":"https:\/\/docs.example.com\/t"}`, `"{\"see\":\"[URL]\"}"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := delivery.Explain(whole("Invalid HTTP Response: 404", 404, c.answer), delivery.QuoteReceiver)
			NewWithT(t).Expect(text).To(HaveSuffix(" Its answer begins: " + c.want))
		})
	}
}

func TestExplainHidesTheURLInGitHubsWords(t *testing.T) {
	for _, address := range []string{receiver, "", "https://ci.example.com", "https://ci.example.com:port/%zz"} {
		d := whole("no route to "+receiver+" or "+address, 0, "")
		d.URL = address
		NewWithT(t).Expect(delivery.Explain(d, delivery.QuoteGitHub)).NotTo(Or(ContainSubstring("t0ken"), ContainSubstring("example.com")))
	}
}

func FuzzExplain(f *testing.F) {
	f.Add("Invalid HTTP Response: 500", 500, "oops", 2)
	f.Add("timed out", 504, "", 1)
	f.Add("failed to connect to "+receiver, 0, "\x1b]0;\u202e", 0)
	f.Fuzz(func(t *testing.T, status string, code int, answer string, quote int) {
		g := NewWithT(t)
		text := delivery.Explain(whole(status, code, answer), delivery.Quote(quote))
		g.Expect(utf8.ValidString(text)).To(BeTrue())
		g.Expect(strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })).To(Equal(-1))
		// %q may write a character in ten.
		g.Expect(len([]rune(text))).To(BeNumerically("<", 10*400+500))
		for _, secret := range []string{"/hooks/t0ken", "k3y-k3y", "sha256=sent", "payl0ad", "c00kie"} {
			if !strings.Contains(status+answer, secret) {
				g.Expect(text).NotTo(ContainSubstring(secret))
			}
		}
		g.Expect(text).NotTo(ContainSubstring(receiver))
	})
}

func TestPlainStatus(t *testing.T) {
	g := NewWithT(t)
	for status, want := range map[string]string{
		"OK":                         "OK",
		"Invalid HTTP Response: 503": "Invalid HTTP Response: 503",
		"Invalid HTTP Response: 503 from ci.example.com": "Invalid HTTP Response: 503",
		"Failed to connect to 10.0.3.7 port 443":         "GitHub could not connect to the receiver or got no answer",
		"Could not resolve host: OLD.example.com":        "GitHub could not connect to the receiver or got no answer",
		"Moon phase at ci.example.com":                   "GitHub could not deliver",
	} {
		g.Expect(delivery.PlainStatus(github.Delivery{Status: status})).To(Equal(want))
	}
}
