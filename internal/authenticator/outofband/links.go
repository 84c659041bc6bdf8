package outofband

import (
	"time"

	"countersign/internal/ratelimit"
)

// WrongLinks bounds how many links that were never mailed one network may try.
var WrongLinks = ratelimit.Limit{Name: "link.source", Windows: []ratelimit.Window{{Count: 60, Per: 10 * time.Minute}}}

// LinkState is what a secure link is good for in the browser that opened it.
type LinkState string

// The states of a link.
const (
	LinkReady     LinkState = "ready"     // this browser began the sign-in: a button finishes it
	LinkElsewhere LinkState = "elsewhere" // another browser began it: the code is shown, to be typed there
	LinkReplaced  LinkState = "replaced"
	LinkUsed      LinkState = "used"
	LinkExpired   LinkState = "expired"
	LinkUnknown   LinkState = "unknown"
)
