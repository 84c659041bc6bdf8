package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

const envPrefix = "COUNTERSIGN_"

// fileSuffix marks the twin of a secret: a file that holds it.
const fileSuffix = "_file"

// Load reads the file at path, puts environ ("KEY=value") over it, reads the files that
// hold secrets and validates the whole. An empty path means that there is no file. The
// error names every mistake; a configuration with any of them is not to be used.
func Load(path string, environ []string) (Config, error) {
	return load(path, environ, Config.Validate)
}

// LoadForCommand is Load for commands, which serve nothing: public_url, smtp.host and
// smtp.from may be missing. What is given must be right all the same.
func LoadForCommand(path string, environ []string) (Config, error) {
	return load(path, environ, func(c Config) error {
		c.PublicURL = cmp.Or(c.PublicURL, "http://localhost")
		c.SMTP.Host = cmp.Or(c.SMTP.Host, "localhost")
		c.SMTP.From = cmp.Or(c.SMTP.From, "nobody@localhost")
		return c.Validate()
	})
}

func load(path string, environ []string, validate func(Config) error) (Config, error) {
	c := Default()
	err := errors.Join(c.readFile(path), c.readEnvironment(environ), c.readSecrets())
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if err = errors.Join(err, validate(c)); err != nil {
		return Config{}, fmt.Errorf("configuration:\n%w", err)
	}
	return c, nil
}

func (c *Config) readFile(path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the configuration file cannot be read: %w", err)
	}
	var tree map[string]any
	if err := toml.Unmarshal(text, &tree); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	values := map[string]any{}
	flatten("", tree, values)
	private := c.privateFile(path, values) // before apply, which takes values away
	return errors.Join(private,
		c.apply(values, func(f field) (string, any) { return f.key, values[f.key] },
			func(f field, v any) error { return f.set(v) }))
}

// privateFile refuses a file that strangers on this machine may change, or may read where
// it holds a secret. A group may read it: packages give it to the program's own.
func (c *Config) privateFile(path string, values map[string]any) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	mode := info.Mode().Perm()
	if mode&0o022 != 0 {
		return fmt.Errorf("%s has mode %04o: others may change it; run chmod 640 on it", path, mode)
	}
	for _, f := range c.fields() {
		if text, ok := values[f.key].(string); ok && f.secret() && mode&0o007 != 0 && telling(text) {
			return fmt.Errorf(
				"%s has mode %04o and holds %s: others may read it; run chmod 640 on it, or give %s instead", path,
				mode, f.key, f.key+fileSuffix)
		}
	}
	return nil
}

// telling holds for a value that no one else may know. A database's address is one only
// with a password in it.
func telling(text string) bool {
	if !databaseURL(text) {
		return text != ""
	}
	u, err := url.Parse(text)
	if err != nil {
		return true
	}
	_, password := u.User.Password()
	return password || u.Query().Has("password")
}

func flatten(prefix string, tree map[string]any, out map[string]any) {
	for key, v := range tree {
		if sub, ok := v.(map[string]any); ok {
			flatten(prefix+key+".", sub, out)
			continue
		}
		out[prefix+key] = v
	}
}

func (c *Config) readEnvironment(environ []string) error {
	values := map[string]any{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if strings.HasPrefix(name, envPrefix) && !slices.Contains(notKeys, name) {
			values[name] = value
		}
	}
	return c.apply(values, func(f field) (string, any) { return f.env(), values[f.env()] },
		func(f field, v any) error { return f.parse(v.(string), true) })
}

// apply sets what one source says and reports what it says that no one knows. Within one
// source a secret and its file exclude each other; between two, the later one wins whole.
func (c *Config) apply(values map[string]any, named func(field) (string, any), set func(field, any) error) error {
	var mistakes []error
	fields := c.fields()
	for i, f := range fields {
		name, v := named(f)
		if v == nil {
			continue
		}
		delete(values, name)
		mistakes = append(mistakes, set(f, v))
		if twin := other(fields, i); twin != nil {
			if _, both := named(*twin); both != nil && f.secret() {
				mistakes = append(mistakes, fmt.Errorf("%s: give it or the file that holds it, not both", name))
			} else if both == nil {
				twin.value.SetZero()
			}
		}
	}
	for name := range values {
		mistakes = append(mistakes, fmt.Errorf("%s is not a setting: correct or remove it", name))
	}
	return sorted(mistakes)
}

// other is the _file twin of a secret, or the secret of a twin.
func other(fields []field, i int) *field {
	if fields[i].secret() {
		return find(fields, fields[i].key+fileSuffix)
	}
	key, isTwin := strings.CutSuffix(fields[i].key, fileSuffix)
	if f := find(fields, key); isTwin && f != nil && f.secret() {
		return f
	}
	return nil
}

func find(fields []field, key string) *field {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}

// readSecrets fills in what lies in files of its own.
func (c *Config) readSecrets() error {
	var mistakes []error
	fields := c.fields()
	for i, f := range fields {
		twin := other(fields, i)
		if !f.secret() || twin == nil || twin.value.String() == "" {
			continue
		}
		text, err := os.ReadFile(twin.value.String())
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s cannot be read: %w", twin.key, err))
			continue
		}
		if f.value.SetString(strings.TrimRight(string(text), "\r\n")); f.value.Len() == 0 {
			mistakes = append(mistakes, fmt.Errorf("%s is an empty file: put the secret into it", twin.key))
		}
	}
	return errors.Join(mistakes...)
}

// sorted joins mistakes in a stable order.
func sorted(mistakes []error) error {
	mistakes = slices.DeleteFunc(mistakes, func(err error) bool { return err == nil })
	slices.SortFunc(mistakes, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(mistakes...)
}
