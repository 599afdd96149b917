package githubsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fieldTypes are the types that GitHub's description gives the fields of a request.
type fieldTypes map[string]string

var (
	hookFields = fieldTypes{
		"name": "string", "config": "object", "events": "array", "active": "boolean", "add_events": "array", "remove_events": "array",
	}
	configFields = fieldTypes{
		"url": "string", "content_type": "string", "secret": "string", "insecure_ssl": "string or number", "username": "string", "password": "string",
	}
)

// The properties that the description closes the list of.
var (
	createFields     = []string{"name", "config", "events", "active"}
	configProperties = []string{"url", "content_type", "secret", "insecure_ssl"}
)

func (c *call) checkCreateSchema() *answer {
	if refusal := c.checkTypes(c.fields, hookFields); refusal != nil {
		return refusal
	}
	config, _ := c.fields["config"].(map[string]any)
	if c.place.kind == repositoryKind {
		if refusal := c.checkPermitted(c.fields, createFields); refusal != nil {
			return refusal
		}
	} else if refusal := c.checkRequired(c.fields, "config", "name"); refusal != nil {
		return refusal
	} else if refusal := c.checkRequired(config, "url"); refusal != nil {
		return refusal
	}
	return c.checkTypes(config, configFields)
}

func (c *call) checkUpdateSchema() *answer {
	if refusal := c.checkTypes(c.fields, hookFields); refusal != nil {
		return refusal
	}
	config, given := c.fields["config"].(map[string]any)
	if given && c.place.kind == organizationKind {
		if refusal := c.checkRequired(config, "url"); refusal != nil {
			return refusal
		}
	}
	return c.checkTypes(config, configFields)
}

func (c *call) checkConfigSchema(config map[string]any) *answer {
	if c.place.kind == repositoryKind {
		if refusal := c.checkPermitted(config, configProperties); refusal != nil {
			return refusal
		}
	}
	return c.checkTypes(config, configFields)
}

func (c *call) checkRequired(fields map[string]any, names ...string) *answer {
	absent := slices.DeleteFunc(names, func(name string) bool { _, given := fields[name]; return given })
	if len(absent) > 0 {
		return c.missing(absent...)
	}
	return nil
}

func (c *call) checkPermitted(fields map[string]any, permitted []string) *answer {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(permitted, name) {
			return c.invalidSchema("%q is not a permitted key.", name)
		}
	}
	return nil
}

// checkTypes finds the first field, by name, whose value is not of its type.
func (c *call) checkTypes(fields map[string]any, types fieldTypes) *answer {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		want, known := types[name]
		if known && !isOfType(fields[name], want) {
			return c.invalidSchema("For 'properties/%s', %s is not %s.", name, inspect(fields[name]), withArticle(want))
		}
		for i, element := range arrayOf(fields[name]) {
			if _, isString := element.(string); known && !isString {
				return c.invalidSchema("For 'items/%s/%d', %s is not a string.", name, i, inspect(element))
			}
		}
	}
	return nil
}

func isOfType(value any, want string) bool {
	switch value.(type) {
	case string:
		return strings.Contains(want, "string")
	case float64:
		return strings.Contains(want, "number")
	case bool:
		return want == "boolean"
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	}
	return false
}

func arrayOf(value any) []any {
	list, _ := value.([]any)
	return list
}

func withArticle(kind string) string {
	if strings.ContainsRune("ao", rune(kind[0])) {
		return "an " + kind
	}
	return "a " + kind
}

// inspect shows a value the way GitHub's Ruby does.
func inspect(value any) string {
	if value == nil {
		return "nil"
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}
