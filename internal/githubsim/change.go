package githubsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Answer is an answer that a fault changes before it is sent.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// change lets a fault alter what GitHub would have said.
func (a *answer) change(how func(*Answer)) {
	changed := Answer{Status: a.status, Header: a.header, Body: a.payload}
	how(&changed)
	a.status, a.header, a.payload = changed.Status, changed.Header, changed.Body
}

// Rows changes the rows of a list that was answered 200: how gets each row and returns what stands in its place, which
// need not be an object, nor JSON that the list's schema allows. Other answers stay.
func Rows(how func(row json.RawMessage) json.RawMessage) func(*Answer) {
	return func(a *Answer) {
		var rows []json.RawMessage
		if a.Status != http.StatusOK || json.Unmarshal(a.Body, &rows) != nil {
			return
		}
		texts := make([]string, len(rows))
		for i, row := range rows {
			texts[i] = string(how(row))
		}
		a.Body = []byte("[" + strings.Join(texts, ",") + "]")
		a.Header.Del("ETag")
	}
}

// Fields puts other values, as JSON, in the place of an object's fields; an empty text takes the field out. What is no
// object stays.
func Fields(values map[string]string) func(row json.RawMessage) json.RawMessage {
	return func(row json.RawMessage) json.RawMessage {
		var fields map[string]json.RawMessage
		if json.Unmarshal(row, &fields) != nil {
			return row
		}
		for name, value := range values {
			if fields[name] = json.RawMessage(value); value == "" {
				delete(fields, name)
			}
		}
		encoded, err := json.Marshal(fields)
		if err != nil {
			panic("githubsim: a field's value that is not JSON: " + err.Error())
		}
		return encoded
	}
}

// LinkTo replaces the Link header of a 200: how gets the address of the next page, or nothing where there is none, and
// returns the whole header; an empty one is none.
func LinkTo(how func(next string) string) func(*Answer) {
	return func(a *Answer) {
		if a.Status != http.StatusOK {
			return
		}
		link := how(nextOf(a.Header.Get("Link")))
		a.Header.Del("Link")
		if link != "" {
			a.Header.Set("Link", link)
		}
	}
}

func nextOf(link string) string {
	for entry := range strings.SplitSeq(link, ", ") {
		if address, isNext := strings.CutSuffix(entry, `>; rel="next"`); isNext {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

// Page is a fault's effect that answers a person's page in place of GitHub's JSON, as a proxy that wants a login does.
func Page(status int, contentType, body string) func(*Answer) {
	return func(a *Answer) {
		*a = Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
	}
}

// ErrorBody is the body of an error as GitHub writes it, for faults that answer in GitHub's stead.
func ErrorBody(status int, message string) string {
	encoded, err := json.Marshal(apiError{
		Message: message, DocumentationURL: "https://docs.github.com/rest", Status: strconv.Itoa(status),
	})
	if err != nil {
		panic(err) // Texts are always JSON.
	}
	return string(encoded)
}

// LargePayload is an event's payload of about this many bytes.
func LargePayload(bytes int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"filler":%q}`, strings.Repeat("x", bytes)))
}
