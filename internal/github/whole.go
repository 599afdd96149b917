package github

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// maxAnswerRead is how much is kept of what a receiver answered, in bytes: what people want to see of it stands at its
	// beginning. GitHub's payloads have up to 25 MB, and nobody uses them.
	maxAnswerRead = 8 << 10
	// maxScalar bounds each other text of a delivery, in bytes.
	maxScalar = 4 << 10
)

// errNotDelivery: the answer is not an object of JSON, or ends too early.
var errNotDelivery = errors.New("it is no delivery")

// readDelivery reads one whole delivery as a small one: of the response the beginning of its payload, of the request
// nothing, and all that lies deeper is skipped byte by byte. bound is for what is read.
func readDelivery(body io.Reader, bound int64) ([]byte, error) {
	limited := &io.LimitedReader{R: body, N: bound + 1}
	s := skipper{in: bufio.NewReaderSize(limited, 4<<10)}
	err := s.object(func(name string) error {
		if name == "response" {
			return s.response()
		}
		return s.field(name, maxScalar)
	})
	if limited.N == 0 {
		return nil, tooLarge(bound)
	}
	if err != nil {
		return nil, err
	}
	return s.out.Bytes(), nil
}

// skipper copies what is wanted of a JSON text. What it skips need not be right in all of its details.
type skipper struct {
	in  *bufio.Reader
	out bytes.Buffer
}

// response keeps the payload where it is a text.
func (s *skipper) response() error {
	next, err := s.peek()
	if err != nil {
		return err
	}
	if next != '{' {
		return s.field("response", maxScalar)
	}
	s.member("response")
	return s.object(func(name string) error {
		if name == "payload" {
			return s.field(name, maxAnswerRead)
		}
		return s.skip()
	})
}

// object reads an object. member is called at each value, and must read it.
func (s *skipper) object(member func(name string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	s.out.WriteByte('{')
	for first := true; ; first = false {
		next, err := s.peek()
		switch {
		case err != nil:
			return err
		case next == '}':
			s.out.WriteByte('}')
			return s.expect('}')
		case next == ',' && !first:
			_ = s.expect(',')
		case !first:
			return errNotDelivery
		}
		name, err := s.text(maxWord)
		if err == nil {
			err = s.expect(':')
		}
		if err == nil {
			err = member(string(name))
		}
		if err != nil {
			return err
		}
	}
}

// member begins a member in the output. Names are as they stand in the text.
func (s *skipper) member(name string) {
	if last := s.out.Bytes()[s.out.Len()-1]; last != '{' {
		s.out.WriteByte(',')
	}
	fmt.Fprintf(&s.out, `"%s":`, name)
}

// field copies a text's beginning, a number, true, false or null, and skips an object and a list.
func (s *skipper) field(name string, limit int) error {
	next, err := s.peek()
	if err != nil {
		return err
	}
	switch next {
	case '{', '[':
		return s.skip()
	case '"':
		text, err := s.text(limit)
		if err != nil {
			return err
		}
		s.member(name)
		fmt.Fprintf(&s.out, `"%s"`, text)
		return nil
	}
	s.member(name)
	before := s.out.Len()
	for {
		b, err := s.in.ReadByte()
		switch {
		case err != nil:
			return noEnd(err)
		case b == ',' || b == '}' || b == ']' || isBlank(b):
			return s.in.UnreadByte()
		case s.out.Len()-before > maxWord:
			return errNotDelivery
		}
		s.out.WriteByte(b)
	}
}

// skip reads a value of any kind.
func (s *skipper) skip() error {
	for depth := 0; ; {
		next, err := s.peek()
		if err != nil {
			return err
		}
		switch next {
		case '"':
			_, err = s.text(0)
		case '{', '[':
			depth++
			err = s.expect(next)
		case '}', ']':
			depth--
			err = s.expect(next)
		default:
			_, err = s.in.ReadByte()
			if after, _ := s.peek(); depth == 0 && (after == ',' || after == '}') {
				return err
			}
			if err != nil {
				return noEnd(err)
			}
			continue
		}
		if err != nil || depth <= 0 {
			return err
		}
	}
}

// text reads a text in quotation marks and returns its beginning as it stands there, without half an escape at the end.
func (s *skipper) text(limit int) ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	var kept []byte
	keep := func(part ...byte) {
		if len(kept)+len(part) > limit {
			limit = 0 // Nothing that follows is kept.
			return
		}
		kept = append(kept, part...)
	}
	for {
		if limit == 0 {
			s.skipPlain()
		}
		b, err := s.in.ReadByte()
		switch {
		case err != nil:
			return nil, noEnd(err)
		case b == '"':
			return kept, nil
		case b != '\\':
			keep(b)
			continue
		}
		escape := []byte{b, 0}
		if escape[1], err = s.in.ReadByte(); err != nil {
			return nil, noEnd(err)
		}
		if escape[1] == 'u' {
			escape = append(escape, make([]byte, 4)...)
			if _, err := io.ReadFull(s.in, escape[2:]); err != nil {
				return nil, noEnd(err)
			}
		}
		keep(escape...)
	}
}

// skipPlain skips what is at hand of a text up to its end or an escape, many bytes at once.
func (s *skipper) skipPlain() {
	plain, _ := s.in.Peek(s.in.Buffered())
	for _, special := range []byte{'"', '\\'} {
		if i := bytes.IndexByte(plain, special); i >= 0 {
			plain = plain[:i]
		}
	}
	_, _ = s.in.Discard(len(plain))
}

// peek is the next byte that is not blank.
func (s *skipper) peek() (byte, error) {
	for {
		b, err := s.in.ReadByte()
		if err != nil {
			return 0, noEnd(err)
		}
		if !isBlank(b) {
			return b, s.in.UnreadByte()
		}
	}
}

func (s *skipper) expect(wanted byte) error {
	got, err := s.peek()
	if err != nil {
		return err
	}
	if got != wanted {
		return errNotDelivery
	}
	_, err = s.in.ReadByte()
	return err
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// noEnd is an end where there may be none.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errNotDelivery
	}
	return err
}
