package github

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrAppID: a text is neither an App ID nor a client ID.
var ErrAppID = errors.New("not the ID of a GitHub App")

// ErrPrivateKey: a text is not a private key with which an App can sign. The message says what it is instead, without a
// part of it.
var ErrPrivateKey = errors.New("not the private key of a GitHub App")

// AppCredentials are what an App logs in with. GitHub docs: "Authenticating as a GitHub App".
type AppCredentials struct {
	// ID is the App ID or the client ID; Enterprise Server up to 3.13 knows the App ID only.
	ID string
	// PrivateKey is an RSA key in PEM: PKCS #1, as GitHub gives it out, or PKCS #8.
	PrivateKey Secret
	// InstallationID is the installation to act as; 0 looks it up from the repository or organization.
	InstallationID int64
}

const (
	// maxKey bounds a key's PEM, in bytes: 8192 bits have 6.5 KB, and work grows with the cube of a key's length.
	maxKey = 8 << 10
	// minKeyBits is the least that RS256 allows: RFC 7518, section 3.3.
	minKeyBits = 2048
)

// appID is an App ID, or a client ID such as Iv1.0123456789abcdef or Iv23liABCDEFabcdef01. It is quoted in errors and
// metrics, so that nothing else is one: a token could stand there by mistake.
var appID = regexp.MustCompile(`^(\d{1,19}|Iv[0-9A-Za-z.]{6,40})$`)

// Check tells whether an App could log in with this. Errors wrap ErrAppID or ErrPrivateKey.
func (a AppCredentials) Check() error {
	_, err := a.signer()
	return err
}

// signer parses what Check checks.
func (a AppCredentials) signer() (signer, error) {
	if !appID.MatchString(a.ID) {
		return signer{}, fmt.Errorf("%w: write the App ID or the client ID from the App's settings", ErrAppID)
	}
	key, problem := parsePrivateKey(a.PrivateKey.reveal())
	if problem != "" {
		return signer{}, fmt.Errorf("%w: %s", ErrPrivateKey, problem)
	}
	return signer{issuer: a.ID, key: key}, nil
}

// parsePrivateKey reads a key, or says what the text is instead.
func parsePrivateKey(text string) (key *rsa.PrivateKey, problem string) {
	if len(text) > maxKey {
		return nil, "it is far longer than a key"
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, notPEM(text)
	}
	if block.Headers["Proc-Type"] != "" {
		return nil, "it is protected by a passphrase: take that away"
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		return checkKey(parsed, err)
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		rsaKey, isRSA := parsed.(*rsa.PrivateKey)
		if err == nil && !isRSA {
			return nil, "it is of another kind: an App's key is an RSA key"
		}
		return checkKey(rsaKey, err)
	default:
		return nil, otherBlock(block.Type)
	}
}

// checkKey takes over no text of crypto/x509.
func checkKey(key *rsa.PrivateKey, err error) (*rsa.PrivateKey, string) {
	switch {
	case err != nil:
		return nil, "the PEM block holds no RSA key: a part of it is missing or changed"
	case key.N.BitLen() < minKeyBits:
		return nil, fmt.Sprintf("it is too short: RS256 needs %d bits", minKeyBits)
	}
	return key, ""
}

func notPEM(text string) string {
	if strings.Contains(text, `\n`) && strings.Contains(text, "-----BEGIN ") {
		return `it has the two characters \n where line breaks must be`
	}
	return "it is not in PEM form, or not whole: take the file that GitHub gives out in the App's settings, line breaks included"
}

// otherBlock says what a PEM block is that holds no usable key.
func otherBlock(kind string) string {
	switch kind {
	case "EC PRIVATE KEY":
		return "it is of another kind: an App's key is an RSA key"
	case "ENCRYPTED PRIVATE KEY":
		return "it is protected by a passphrase: take that away"
	case "OPENSSH PRIVATE KEY":
		return "it is a key for SSH: take the one that GitHub gives out in the App's settings"
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return "it is the public part: take the private key that GitHub gives out in the App's settings"
	}
	return "its PEM block is of another type: RSA PRIVATE KEY or PRIVATE KEY is needed"
}
