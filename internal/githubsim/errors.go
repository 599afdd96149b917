package githubsim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// apiError is the body of every answer that is not a success. Since mid-2024 GitHub repeats the status in it, as a
// string.
type apiError struct {
	Message          string       `json:"message"`
	Errors           []fieldError `json:"errors,omitempty"`
	Block            *block       `json:"block,omitempty"`
	URL              string       `json:"url,omitempty"`
	DocumentationURL string       `json:"documentation_url"`
	Status           string       `json:"status"`
}

// fieldError is one entry of a 422.
type fieldError struct {
	Resource string `json:"resource"`
	Code     string `json:"code"`
	Field    string `json:"field,omitempty"`
	Message  string `json:"message,omitempty"`
}

// block tells why a repository is not available.
type block struct {
	Reason    string  `json:"reason"`
	CreatedAt string  `json:"created_at"`
	HTMLURL   *string `json:"html_url"`
}

// refuse makes an answer that ends the request.
func (c *call) refuse(status int, message string, errors ...fieldError) *answer {
	docs := "https://docs.github.com/rest"
	if c.route != nil {
		docs = c.route.docs
	}
	a := reply(status, apiError{Message: message, Errors: errors, DocumentationURL: docs, Status: strconv.Itoa(status)})
	return &a
}

// invalid is GitHub's 422 about values.
func (c *call) invalid(errors ...fieldError) *answer {
	return c.refuse(http.StatusUnprocessableEntity, "Validation Failed", errors...)
}

// invalidSchema is GitHub's 422 about the shape of the request.
func (c *call) invalidSchema(format string, args ...any) *answer {
	return c.refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n"+fmt.Sprintf(format, args...))
}

// missing is the 422 for required fields that are not there.
func (c *call) missing(names ...string) *answer {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	verb := "wasn't"
	if len(names) > 1 {
		verb = "weren't"
	}
	return c.invalidSchema("%s %s supplied.", strings.Join(quoted, ", "), verb)
}

func hookError(field, format string, args ...any) fieldError {
	return fieldError{Resource: "Hook", Code: "custom", Field: field, Message: fmt.Sprintf(format, args...)}
}

func (c *call) notFound() *answer { return c.refuse(http.StatusNotFound, "Not Found") }

func (c *call) refuseBlocked() *answer {
	refusal := c.refuse(c.place.blocked, "Repository access blocked")
	body := refusal.body.(apiError)
	body.Block = &block{Reason: "tos", CreatedAt: c.now.Format(time.RFC3339)}
	refusal.body = body
	return refusal
}
