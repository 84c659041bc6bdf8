package desk

import "embed"

// Templates are the pages of this package, for web.
//
//go:embed templates
var Templates embed.FS
