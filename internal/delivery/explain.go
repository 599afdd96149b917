package delivery

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/github-webhooks/github-webhook-operator/internal/github"
	"github.com/github-webhooks/github-webhook-operator/internal/redact"
)

// Quote says whose words about a failed delivery may be repeated. Each includes the ones before.
type Quote int

const (
	// QuoteNobody names the kind of trouble only: for a URL that came from a Secret, whose host others' words can hold.
	QuoteNobody Quote = iota
	// QuoteGitHub repeats what GitHub says about the connection.
	QuoteGitHub
	// QuoteReceiver repeats the beginning of the receiver's answer, too.
	QuoteReceiver
)

const (
	// maxStatus and maxAnswer bound what is quoted of GitHub and of the receiver, in characters.
	maxStatus = 200
	maxAnswer = 200
	// maxRead is how much of an answer is looked at for something printable, in bytes. GitHub's go up to many MB.
	maxRead = 4096
)

// Explain tells a person why a delivery failed and, where one is known, the way out. d was read whole: lists lack the
// receiver's answer. It never repeats the URL, headers, the payload or the secrets.
func Explain(d github.Delivery, quote Quote, secrets ...*redact.Secret) string {
	text := trouble(d, quote, secrets)
	if d.ThrottledAt != nil {
		text = "GitHub throttled this delivery. " + text
	}
	if quote >= QuoteReceiver && d.Response != nil && d.Response.Payload != nil {
		if answer := quotable(*d.Response.Payload, d.URL, maxAnswer, secrets); answer != "" {
			text += fmt.Sprintf(" Its answer begins: %q", answer)
		}
	}
	return text
}

func trouble(d github.Delivery, quote Quote, secrets []*redact.Secret) string {
	k := kindOf(d)
	if k.answered != 0 {
		return fmt.Sprintf("The receiver answered %d. %s", k.answered, wayOut(k.answered))
	}
	said := ""
	if quote >= QuoteGitHub {
		if status := quotable(d.Status, d.URL, maxStatus, secrets); status != "" {
			said = fmt.Sprintf(" (GitHub says %q)", status)
		}
	}
	return k.what + said + ". " + k.wayOut
}

// PlainStatus is GitHub's status of a delivery where it has no words but GitHub's own, and else the kind of trouble.
func PlainStatus(d github.Delivery) string {
	if OK(d) || plain.MatchString(d.Status) {
		return d.Status
	}
	k := kindOf(d)
	if k.answered != 0 {
		return fmt.Sprintf("Invalid HTTP Response: %d", k.answered)
	}
	return k.what
}

// plain are the statuses that hold nothing of the receiver's address.
var plain = regexp.MustCompile(`^Invalid HTTP Response: [1-5]\d{2}$`)

// kind is a kind of trouble: the status code that the receiver answered with, or what happened before it could.
type kind struct {
	answered     int
	what, wayOut string
}

var (
	certificate = kind{
		what:   "GitHub does not trust the receiver's certificate",
		wayOut: "Give the receiver a valid certificate for its host, with the whole chain, or set spec.insecureSSL.",
	}
	timeout = kind{
		what: "The receiver did not answer in time",
		wayOut: "It must answer within 10 s (30 s on GitHub Enterprise Server): let it queue the work and answer at once. " +
			"If it never saw the delivery, look at DNS and firewalls.",
	}
	connection = kind{
		what:   "GitHub could not connect to the receiver or got no answer",
		wayOut: "Check that the receiver runs, that its host resolves in public DNS and that firewalls let GitHub in.",
	}
	other = kind{
		what:   "GitHub could not deliver",
		wayOut: "The page of the delivery in the webhook's settings on GitHub has more.",
	}
)

// words tell kinds of trouble by GitHub's status text, which is curl's in part, in lower case. The first that fits counts.
var words = []struct {
	kind kind
	any  []string
}{
	{certificate, []string{"certificate", "ssl", "tls"}},
	{timeout, []string{"timed out", "timeout", "time out"}},
	{connection, []string{"connect", "resolve", "refused", "reset", "unreachable", "returned nothing", "no data"}},
}

// answer is GitHub's status text where the receiver answered. github-api: "Invalid HTTP Response: 404".
var answer = regexp.MustCompile(`(?i)invalid http response: *([1-9]\d{2})\b`)

// kindOf goes by the text first: where nothing answered, GitHub may still give the code 502 or 504.
func kindOf(d github.Delivery) kind {
	if found := answer.FindStringSubmatch(d.Status); found != nil {
		// The pattern lets nothing through but three digits.
		code, _ := strconv.Atoi(found[1])
		return kind{answered: code}
	}
	status := strings.ToLower(d.Status)
	for _, w := range words {
		for _, word := range w.any {
			if strings.Contains(status, word) {
				return w.kind
			}
		}
	}
	switch code := d.StatusCode; {
	case code == 502:
		return connection
	case code == 504:
		return timeout
	case code >= 100 && code <= 599:
		return kind{answered: code}
	default:
		return other
	}
}

// wayOut is what helps against a receiver's status code.
func wayOut(code int) string {
	switch code {
	case 401, 403:
		return "It refuses GitHub: check that it has the same webhook secret as spec.secretRef, and its own access rules."
	case 404, 410:
		return "Check the path of the webhook's URL."
	case 405:
		return "Check the path of the webhook's URL: what is there takes no POST."
	case 413:
		return "The payload is too large for it: raise the limit of the receiver or of the proxy before it (GitHub sends up to 25 MB)."
	case 415:
		return "Check spec.contentType: it does not take this one."
	case 429:
		return "It gets more requests than it takes: raise its limit."
	}
	switch code / 100 {
	case 3:
		return "GitHub does not follow redirects: use the address that the receiver redirects to."
	case 4:
		return "Check what the receiver expects: spec.contentType, the webhook secret and the events."
	case 5:
		return "Look into the receiver's logs."
	default:
		return "GitHub takes only codes from 200 to 299 for success."
	}
}

// addresses are absolute URLs in a text, and what is left of them.
var addresses = regexp.MustCompile(`(?i)(?:\bhttps?:[\\/]+|\[URL])[^\s"'<>]*`)

const hidden = "[URL]"

// quotable is the beginning of text in one printable line of at most limit characters, without secrets and URLs.
func quotable(text, receiver string, limit int, secrets []*redact.Secret) string {
	text = strings.ToValidUTF8(text[:min(len(text), maxRead)], "")
	text = addresses.ReplaceAllLiteralString(redact.Clean(text, maxRead), hidden)
	return redact.Line(text, limit, append(slices.Clone(secrets), redact.URL(receiver))...)
}
