package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// The samples, and the Secret in them that signs deliveries.
const (
	hmacSecretFile = "webhook_secret.yaml"
	hmacSecretName = "ci-webhook"
)

var samplesDir = filepath.Join("config", "samples")

// fillIn sets values in the manifest of a Secret, as a user does with an editor. It refuses a manifest of anything else.
func fillIn(manifest []byte, name string, values map[string]string) ([]byte, error) {
	var secret corev1.Secret
	if err := yaml.UnmarshalStrict(manifest, &secret); err != nil {
		return nil, err
	}
	if secret.Kind != "Secret" || secret.Name != name {
		return nil, fmt.Errorf("it describes the %s %q and not the Secret %q", secret.Kind, secret.Name, name)
	}
	if secret.StringData == nil {
		secret.StringData = map[string]string{}
	}
	maps.Copy(secret.StringData, values)
	return yaml.Marshal(secret)
}

func fillInFile(path, name string, values map[string]string) error {
	manifest, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	filled, err := fillIn(bytes.TrimSpace(manifest), name, values)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return os.WriteFile(path, filled, 0o600)
}
