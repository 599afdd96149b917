package github

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// maxRefusalEntries is how many entries of a 422 are quoted.
const maxRefusalEntries = 10

// refusal is the body of an answer that is no success. GitHub docs: "Client errors".
type refusal struct {
	message string
	entries []string
}

// parseRefusal reads what GitHub says. A body of another kind, such as a proxy's page, says nothing.
func parseRefusal(body []byte) refusal {
	var wire struct {
		Message string          `json:"message"`
		Errors  json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &wire) != nil {
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
// repository and a suspended installation; only GitHub's words tell.
func classify(status int, header http.Header, words string) error {
	says := func(part string) bool { return strings.Contains(strings.ToLower(words), part) }
	switch {
	case status == http.StatusUnauthorized, anonymous(says):
		return ErrUnauthorized
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && limited(header, says):
		return ErrRateLimited
	case status == http.StatusForbidden && says("archived so is read-only"):
		return ErrArchived
	case status == http.StatusUnavailableForLegalReasons, status == http.StatusForbidden && says("access blocked"):
		return ErrBlocked
	case status == http.StatusForbidden && says("installation") && says("suspended"):
		return ErrSuspended
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusUnprocessableEntity && says("hook already exists on this"):
		return ErrHookExists
	case status == http.StatusUnprocessableEntity && says("cannot have more than") && says("hooks"):
		return ErrHookLimit
	case status == http.StatusUnprocessableEntity:
		return ErrValidation
	case status == http.StatusRequestTimeout, status >= 500:
		return ErrUnavailable
	}
	return nil
}
