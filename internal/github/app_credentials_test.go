package github

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// rsaKey makes a key that an App could have.
func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return key
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs1(key *rsa.PrivateKey) string {
	return inPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func pkcs8(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return inPEM("PRIVATE KEY", der)
}

func TestPrivateKeys(t *testing.T) {
	key := rsaKey(t, 2048)
	text := pkcs1(key)
	for name, text := range map[string]string{
		"PKCS #1, as GitHub gives it out": text,
		"PKCS #8":                         pkcs8(t, key),
		"without the newline at its end":  strings.TrimSpace(text),
		"with newlines at its end":        text + "\n\n",
		"with the line ends of Windows":   strings.ReplaceAll(text, "\n", "\r\n"),
		"with words before it":            "The key of our App:\n" + text,
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			signer, err := AppCredentials{ID: "1", PrivateKey: NewSecret(text)}.signer()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(signer.key.Equal(key)).To(BeTrue())
			g.Expect(signer.issuer).To(Equal("1"))
		})
	}
}

func TestPrivateKeysThatAreNone(t *testing.T) {
	key := rsaKey(t, 2048)
	text := pkcs1(key)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	ec, err := x509.MarshalECPrivateKey(curve)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	lines := strings.Split(text, "\n")
	for _, c := range []struct{ name, text, says string }{
		{"empty", "", "not in PEM form"},
		{"garbage", "planted", "not in PEM form"},
		{"base64 once more", base64.StdEncoding.EncodeToString([]byte(text)), "not in PEM form"},
		{"cut off", text[:len(text)/2], "not whole"},
		{"the characters \\n", strings.ReplaceAll(text, "\n", `\n`), `two characters \n`},
		{"a line is missing", strings.Join(append(lines[:3:3], lines[4:]...), "\n"), "missing or changed"},
		{"PKCS #8 under the name of PKCS #1", strings.ReplaceAll(pkcs8(t, key), "PRIVATE", "RSA PRIVATE"), "missing or changed"},
		{"not even DER", inPEM("PRIVATE KEY", []byte("planted")), "missing or changed"},
		{"an elliptic curve", inPEM("EC PRIVATE KEY", ec), "RSA key"},
		{"an elliptic curve in PKCS #8", pkcs8(t, curve), "RSA key"},
		{"with a passphrase", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nYWJj\n-----END RSA PRIVATE KEY-----\n", "passphrase"},
		{"with a passphrase in PKCS #8", inPEM("ENCRYPTED PRIVATE KEY", []byte("planted")), "passphrase"},
		{"for SSH", inPEM("OPENSSH PRIVATE KEY", []byte("planted")), "SSH"},
		{"the public part", inPEM("PUBLIC KEY", public), "public part"},
		{"something else", inPEM("PLANTED", []byte("planted")), "another type"},
		{"too short", pkcs1(rsaKey(t, 1024)), "2048 bits"},
		{"too long", text + strings.Repeat("\n", maxKey), "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			err := AppCredentials{ID: "1", PrivateKey: NewSecret(c.text)}.Check()
			g.Expect(err).To(And(MatchError(ErrPrivateKey), MatchError(ContainSubstring(c.says))))
			g.Expect(strings.ToLower(err.Error())).NotTo(ContainSubstring("planted"))
			_, err = NewClient(Options{Hosts: hostsOf(t, "github.com"), App: &AppCredentials{ID: "1", PrivateKey: NewSecret(c.text)}})
			g.Expect(err).To(MatchError(ErrPrivateKey))
		})
	}
}

func TestAppIDs(t *testing.T) {
	key := NewSecret(pkcs1(rsaKey(t, 2048)))
	for _, id := range []string{"1", "1234567", "Iv1.0123456789abcdef", "Iv23liABCDEFabcdef01"} {
		NewWithT(t).Expect(AppCredentials{ID: id, PrivateKey: key}.Check()).To(Succeed(), id)
	}
	for _, id := range []string{"", " 1", "ghp_planted0123456789", "planted0123456789abcdef0123456789abcdef01", "planted key", "-----BEGIN planted", strings.Repeat("planted", 10), "1\n2"} {
		err := AppCredentials{ID: id, PrivateKey: key}.Check()
		NewWithT(t).Expect(err).To(MatchError(ErrAppID))
		NewWithT(t).Expect(err.Error()).NotTo(ContainSubstring("planted"))
	}
}

func TestOneLogin(t *testing.T) {
	app := &AppCredentials{ID: "1", PrivateKey: NewSecret(pkcs1(rsaKey(t, 2048)))}
	_, err := NewClient(Options{Hosts: hostsOf(t, "github.com"), Token: NewSecret("planted"), App: app})
	NewWithT(t).Expect(err).To(MatchError(ErrUnauthorized))
	_, err = NewClient(Options{Hosts: hostsOf(t, "github.com")})
	NewWithT(t).Expect(err).To(MatchError(ErrUnauthorized))
}

func FuzzPrivateKey(f *testing.F) {
	key := rsaKey(f, 2048)
	f.Add(pkcs1(key))
	f.Add(pkcs8(f, key))
	f.Add("-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n")
	f.Add(`-----BEGIN RSA PRIVATE KEY-----\nYWJj\n-----END RSA PRIVATE KEY-----\n`)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, problem := parsePrivateKey(text)
		if (parsed == nil) == (problem == "") {
			t.Fatalf("neither a key nor a problem, or both: %q", problem)
		}
		if parsed != nil && parsed.N.BitLen() < minKeyBits {
			t.Errorf("took a key of %d bits", parsed.N.BitLen())
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); len(line) >= 24 && strings.Contains(problem, line) {
				t.Errorf("the problem quotes the text: %s", problem)
			}
		}
	})
}
