package outofband

import (
	"time"

	"countersign/internal/ratelimit"
)

// WrongLinks bounds how many links that were never mailed one network may try.
var WrongLinks = ratelimit.Limit{Name: "link.source", Windows: []ratelimit.Window{{Count: 60, Per: 10 * time.Minute}}}
