package githubsim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// answer is one response before it is sent.
type answer struct {
	status int
	header http.Header
	// body is encoded as JSON into payload; nil is no body.
	body    any
	payload []byte
}

func reply(status int, body any) answer {
	return answer{status: status, header: http.Header{}, body: body}
}

// encode turns body into payload once. The types encoded are this package's own, so that it cannot fail.
func (a *answer) encode() {
	if a.body == nil || a.payload != nil {
		return
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a.body); err != nil {
		panic("githubsim: an answer that is not JSON: " + err.Error())
	}
	a.payload = bytes.TrimSpace(buffer.Bytes())
	a.header.Set("Content-Type", "application/json; charset=utf-8")
}

// conditional gives a 200 and a 201 its ETag, and turns a 200 into a 304 where the client has it already. What a token
// may see has an ETag of its own for each token; that of App endpoints does not depend on the JWT (observed in
// recordings).
func (a *answer) conditional(c *call) {
	if c.route == nil || a.status != http.StatusOK && a.status != http.StatusCreated {
		return
	}
	digest := sha256.New()
	if c.route.login == withJWT {
		a.header.Set("Cache-Control", "public, max-age=60, s-maxage=60")
		a.header.Set("Vary", "Accept")
	} else {
		digest.Write([]byte(c.caller.key))
		a.header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
		a.header.Set("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
	}
	digest.Write(a.payload)
	tag := `"` + hex.EncodeToString(digest.Sum(nil)) + `"`
	if a.status == http.StatusCreated {
		a.header.Set("ETag", tag)
		return
	}
	a.header.Set("ETag", "W/"+tag)
	if reads(c.request) && matchesETag(c.request.Header.Get("If-None-Match"), tag) {
		a.status, a.payload = http.StatusNotModified, nil
		a.header.Del("Content-Type")
		a.header.Del("Link")
	}
}

// matchesETag compares weakly, as If-None-Match does.
func matchesETag(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(candidate), "W/") == tag {
			return true
		}
	}
	return strings.TrimSpace(header) == "*"
}

func (a *answer) writeHeader(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Server", "github.com")
	if a.payload != nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.payload)))
	}
	w.WriteHeader(a.status)
}

// write sends the answer. A client that is gone needs no answer, so a failed write is nobody's trouble.
func (a *answer) write(w http.ResponseWriter, method string) {
	a.writeHeader(w)
	if method != http.MethodHead {
		_, _ = w.Write(a.payload) //nolint:gosec // No browser reads it.
	}
}

// writeHalf announces the whole body and sends half of it.
func (a *answer) writeHalf(w http.ResponseWriter) {
	a.writeHeader(w)
	_, _ = w.Write(a.payload[:len(a.payload)/2]) //nolint:gosec // No browser reads it.
	_ = http.NewResponseController(w).Flush()
}
