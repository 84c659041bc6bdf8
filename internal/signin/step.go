package signin

import (
	"time"

	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/secret"
)

// Step is what the claimant must do next. Faces switch over it and draw it.
type Step interface{ step() }

type (
	// AskPassword asks again: the address or the password was wrong.
	AskPassword struct{}

	// AnswerCode waits for a code, or for the press on the link that came with it.
	AnswerCode struct {
		AppName, SentTo, Reference string
		IssuedAt, ExpiresAt        time.Time
		NewCodeAt, Now             time.Time
		Length                     int
		TriesLeft, NewCodesLeft    int
		RememberDays               int
		Problem                    string // catalogue key; empty = none
		Delivery                   message.Status
		Because                    []policy.Reason
		ContinueTo                 string
		Flow                       *secret.Reference // set when the flow has just begun: the browser must keep it
	}

	// CodeSpent says that the code is dead: too many wrong answers, or its time is over.
	CodeSpent struct {
		AppName, SentTo string
		NewCodesLeft    int
		Expired         bool
		ContinueTo      string
	}

	// ReplacePassword asks for a new password, because somebody else is said to know the old one.
	ReplacePassword struct {
		Email      string
		MinLength  int
		ContinueTo string
		Flow       *secret.Reference
	}

	// Over says that the flow has ended without a session.
	Over struct {
		AppName, Reason     string // expired, cancelled, not_me, changed, restart, unmet
		ContinueTo, HomeURL string
	}

	// Done carries the new session.
	Done struct {
		Session    secret.Reference
		Life       time.Duration // how long the browser should keep it
		Remembered *secret.Reference
		RememberTo time.Time
		ContinueTo string // sealed authorization request; empty = the portal itself
		Notice     *Notice
	}

	// Notice tells of a requirement that is not in force yet (ALO-1).
	Notice struct {
		AppName, By, SentTo string
		From                time.Time
		DaysLeft            int
	}
)

func (AskPassword) step()     {}
func (AnswerCode) step()      {}
func (CodeSpent) step()       {}
func (ReplacePassword) step() {}
func (Over) step()            {}
func (Done) step()            {}

// Why a flow is over.
const (
	Finished  = "done"
	Expired   = "expired"
	Cancelled = "cancelled"
	NotMe     = "not_me"
	Changed   = "changed"
	Restart   = "restart"
	Unmet     = "unmet"
)
