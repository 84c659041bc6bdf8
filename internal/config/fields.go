package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"countersign/internal/secret"
)

// field is one key of the file: a leaf of Config.
type field struct {
	key   string // "smtp.bounces.listen"
	doc   string
	value reflect.Value
}

// env is the environment variable that sets the same thing.
func (f field) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.key, ".", "_"))
}

var (
	textType     = reflect.TypeFor[secret.Text]()
	durationType = reflect.TypeFor[time.Duration]()
)

func (f field) secret() bool { return f.value.Type() == textType }

// fields lists every key of c, in the order of the struct, as places that can be set.
func (c *Config) fields() []field { return leaves("", reflect.ValueOf(c).Elem()) }

func leaves(prefix string, v reflect.Value) (out []field) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		key := prefix + tag.Get("toml")
		if v.Field(i).Kind() == reflect.Struct {
			out = append(out, leaves(key+".", v.Field(i))...)
			continue
		}
		out = append(out, field{key: key, doc: tag.Get("doc"), value: v.Field(i)})
	}
	return out
}

// set takes a value as TOML gives it.
func (f field) set(v any) error {
	if text, ok := v.(string); ok {
		return f.parse(text, false)
	}
	switch v := v.(type) {
	case int64:
		switch f.value.Kind() {
		case reflect.Int:
			f.value.SetInt(v)
			return nil
		case reflect.Float64:
			f.value.SetFloat(float64(v))
			return nil
		}
	case float64:
		if f.value.Kind() == reflect.Float64 {
			f.value.SetFloat(v)
			return nil
		}
	case bool:
		if f.value.Kind() == reflect.Bool {
			f.value.SetBool(v)
			return nil
		}
	case []any:
		if f.value.Kind() == reflect.Slice {
			return f.list(v)
		}
	}
	return fmt.Errorf("%s must be %s", f.key, f.wants())
}

func (f field) list(items []any) error {
	out := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return fmt.Errorf("%s must be %s", f.key, f.wants())
		}
		out = append(out, text)
	}
	f.value.Set(reflect.ValueOf(out))
	return nil
}

// parse takes a value as text. From the environment everything is text; in the file a
// number or a list written as a string is a mistake.
func (f field) parse(text string, environment bool) error {
	switch {
	case f.value.Type() == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s must be %s", f.key, f.wants())
		}
		f.value.SetInt(int64(d))
	case f.value.Kind() == reflect.String:
		f.value.SetString(text)
	case environment && f.value.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%s must be %s", f.key, f.wants())
		}
		f.value.SetInt(int64(n))
	case environment && f.value.Kind() == reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%s must be %s", f.key, f.wants())
		}
		f.value.SetFloat(n)
	case environment && f.value.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%s must be %s", f.key, f.wants())
		}
		f.value.SetBool(b)
	case environment && f.value.Kind() == reflect.Slice:
		f.value.Set(reflect.ValueOf(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })))
	default:
		return fmt.Errorf("%s must be %s", f.key, f.wants())
	}
	return nil
}

func (f field) wants() string {
	switch {
	case f.value.Type() == durationType:
		return `a duration such as "10m" or "24h"`
	case f.value.Kind() == reflect.Int:
		return "a whole number"
	case f.value.Kind() == reflect.Float64:
		return "a number such as 0.1"
	case f.value.Kind() == reflect.Bool:
		return "true or false"
	case f.value.Kind() == reflect.Slice:
		return `a list such as ["10.0.0.0/8"]`
	}
	return "a text in quotes"
}

// show writes the value as the file would have it; a secret is never shown.
func (f field) show() string {
	switch v := f.value.Interface().(type) {
	case secret.Text:
		if v == "" {
			return `""`
		}
		return `"[hidden]"`
	case time.Duration:
		return strconv.Quote(shortDuration(v))
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(f.value.Interface())
}

// shortDuration drops the zero units that time.Duration prints: 10m0s becomes 10m.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
