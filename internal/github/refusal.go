package github

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxRefusalEntries is how many entries of a 422 are quoted.
const maxRefusalEntries = 10

// refusal is the body of an answer that is no success. GitHub docs: "Client errors".
type refusal struct {
	// message is in each of GitHub's refusals: one without is somebody else's.
	message string
	entries []string
}

// isGitHubs tells whether it has the form that all of GitHub's refusals have.
func (r refusal) isGitHubs() bool { return strings.TrimSpace(r.message) != "" }

// readRefusal reads the answer's body, which can be read again. The status says enough where it is cut off or too long:
// its beginning could end within a secret.
func readRefusal(response *http.Response) refusal {
	body, err := readBounded(response.Body, maxErrorBody)
	drain(response.Body)
	_ = response.Body.Close()
	response.Body = readAgain(body, err)
	if err != nil || !isJSON(response.Header) {
		return refusal{}
	}
	return parseRefusal(body)
}

// isRefusal tells a status by which a server refuses or fails.
func isRefusal(status int) bool { return status >= http.StatusBadRequest }

// parseRefusal reads what GitHub says. A body of another kind, such as a proxy's page, says nothing.
func parseRefusal(body []byte) refusal {
	var wire struct {
		Message string          `json:"message"`
		Errors  json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &wire) != nil || wire.Message == "" {
		return refusal{}
	}
	r := refusal{message: wire.Message}
	var entries []json.RawMessage
	if json.Unmarshal(wire.Errors, &entries) != nil {
		entries = []json.RawMessage{wire.Errors} // Some endpoints have one entry without a list around it.
	}
	for _, raw := range entries {
		entry := parseEntry(raw)
		if entry != "" && !slices.Contains(r.entries, entry) && len(r.entries) < maxRefusalEntries {
			r.entries = append(r.entries, entry)
		}
	}
	return r
}

// parseEntry reads an entry: a sentence, or an object with a message or with a field and a code.
func parseEntry(raw json.RawMessage) string {
	var sentence string
	if json.Unmarshal(raw, &sentence) == nil {
		return sentence
	}
	var entry struct {
		Resource string `json:"resource"`
		Field    string `json:"field"`
		Code     string `json:"code"`
		Message  string `json:"message"`
	}
	if json.Unmarshal(raw, &entry) != nil {
		return ""
	}
	subject := entry.Field
	if subject == "" {
		subject = entry.Resource
	}
	switch {
	case entry.Message == "":
		return strings.TrimSpace(subject + " " + codeWords(entry.Code))
	case entry.Field == "" || strings.Contains(strings.ToLower(entry.Message), strings.ToLower(entry.Field)):
		return entry.Message
	default:
		return entry.Field + ": " + entry.Message
	}
}

// codeWords are what the codes of an entry mean. GitHub docs: "Validation failed".
func codeWords(code string) string {
	switch code {
	case "":
		return ""
	case "missing":
		return "does not exist"
	case "missing_field":
		return "is missing"
	case "invalid":
		return "is invalid"
	case "already_exists":
		return "exists already"
	case "unprocessable":
		return "cannot be processed"
	default:
		return "is refused (" + code + ")"
	}
}

// sentence is all that the body says.
func (r refusal) sentence() string {
	entries := strings.Join(r.entries, "; ")
	if r.message == "" || entries == "" {
		return r.message + entries
	}
	return strings.TrimRight(r.message, ".: ") + ": " + entries
}

// classify tells which error an answer is. The same 403 stands for a missing permission, a limit, an archived or blocked
// repository, a suspended installation, single sign-on, an IP allow list and too many failed logins; only GitHub's words
// tell. What somebody else answers is no word of GitHub's, but for a limit: then nothing is sent whoever says it.
func classify(status int, header http.Header, said refusal) error {
	words := strings.ToLower(said.sentence())
	says := func(part string) bool { return strings.Contains(words, part) }
	switch {
	case anonymous(says):
		return ErrUnauthorized
	case status == http.StatusForbidden && says("number of login attempts"):
		return ErrLockedOut
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && limited(header, says):
		return ErrRateLimited
	case !said.isGitHubs(), !isRefusal(status):
		return ErrNotGitHub
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return classifyForbidden(header, says)
	case status == http.StatusUnavailableForLegalReasons:
		return ErrBlocked
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusUnprocessableEntity:
		return classifyInvalid(says)
	case status == http.StatusRequestTimeout, status >= 500:
		return ErrUnavailable
	}
	return nil
}

func classifyForbidden(header http.Header, says func(string) bool) error {
	switch {
	case says("archived so is read-only"):
		return ErrArchived
	case says("access blocked"):
		return ErrBlocked
	case says("installation") && says("suspended"):
		return ErrSuspended
	case says("saml enforcement"), strings.HasPrefix(strings.TrimSpace(strings.ToLower(header.Get("X-GitHub-SSO"))), "required"):
		return ErrSAML
	case says("ip allow list"):
		return ErrIPAddress
	case says("not accessible by"):
		return ErrPermission
	}
	return ErrForbidden
}

func classifyInvalid(says func(string) bool) error {
	switch {
	case says("hook already exists on this"):
		return ErrHookExists
	case says("cannot have more than") && says("hooks"):
		return ErrHookLimit
	}
	return ErrValidation
}

// ssoURL is where the token can be authorized, as the header says: required; url=https://github.com/orgs/ORG/sso?…. Only a
// page of the server itself is shown: a person is to log in there.
func ssoURL(header http.Header, on Server) string {
	_, address, _ := strings.Cut(header.Get("X-GitHub-SSO"), "url=")
	address, _, _ = strings.Cut(strings.TrimSpace(address), ";")
	if !strings.HasPrefix(address, https+"://") {
		return ""
	}
	return Server{origin: https + "://" + on.host()}.ownPage(address)
}

// addressIn finds the IP address in GitHub's words; empty when there is none, or when there are several.
func addressIn(words string) string {
	found := ""
	for word := range strings.FieldsFuncSeq(words, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF.:", r) }) {
		ip, err := netip.ParseAddr(strings.Trim(word, ".:"))
		switch {
		case err != nil:
		case found != "" && found != ip.String():
			return ""
		default:
			found = ip.String()
		}
	}
	return found
}
