package signin

import (
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/message"
	"countersign/internal/policy"
	"countersign/internal/secret"
)

// Step is what the claimant must do next. Interfaces switch over it and draw it.
type Step interface{ step() }

type (
	// AskPassword asks again: the address or the password was wrong, or a passkey was refused.
	AskPassword struct {
		Problem string // catalogue key of what the person can do about it; empty = the general answer
	}

	// AnswerCode waits for an answer: a code, the press on the link that came with it, or a
	// passkey.
	AnswerCode struct {
		Kind     authenticator.Kind
		Others   []authenticator.Kind // what may be used instead, strongest first
		ForSetUp bool                 // the answer only opens the set-up of a method
		// of a step-up: someone who is signed in confirms that it is them
		Confirms                   bool
		Present                    []byte // what the browser needs for it (a passkey's options, JSON)
		AppName, SentTo, Reference string
		IssuedAt, ExpiresAt        time.Time
		NewCodeAt, Now             time.Time
		Length                     int
		TriesLeft, NewCodesLeft    int
		RememberDays               int           // 0 = not offered
		Adaptive                   bool          // the company asks only where a sign-in is unusual
		Problem                    string        // catalogue key; empty = none
		Wait                       time.Duration // how long to wait before what was asked for; 0 = not at all
		Email                      string        // whose sign-in it is
		Delivery                   message.Status
		Because                    []policy.Reason
		Unusual                    []policy.Reason // what is unusual about the sign-in, of Because
		SetUpBy                    time.Time       // a method must be set up before that; zero = nothing to remind of
		Limited                    bool            // with SetUpBy: only so many sign-ins may finish before that
		Laters                     int             // with Limited: how many, this one included
		ContinueTo                 string
		FlowID                     string            // the public name of the flow, for forms and links
		Flow                       *secret.Reference // set when the flow has just begun: the browser must keep it
	}

	// CodeSpent says that there is no code to answer: too many wrong answers, its time is
	// over, or none could be sent.
	CodeSpent struct {
		AppName, SentTo string // SentTo is empty where codes go to receivers
		Email           string // whose sign-in it is; empty unless Unsent
		NewCodesLeft    int
		Expired         bool
		Unsent          bool          // no message could be sent
		Why             string        // why not, as a catalogue key; empty: too many went to this account or address
		Wait            time.Duration // how long to wait before asking again; 0 = not known
		ContinueTo      string
		FlowID          string
		Flow            *secret.Reference
	}

	// ReplacePassword asks for a new password, because someone else is said to know the old one.
	ReplacePassword struct {
		Email      string
		MinLength  int
		ContinueTo string
		FlowID     string
		Flow       *secret.Reference
	}

	// SetUpMethod asks for the set-up of a method, or of backup codes, before anything else.
	SetUpMethod struct {
		Kinds      []authenticator.Kind
		AppName    string
		Email      string
		Because    []policy.Reason
		ContinueTo string
		FlowID     string
		Flow       *secret.Reference
	}

	// Over says that the flow has ended without a session.
	Over struct {
		AppName, Reason     string // expired, cancelled, not_me, changed, restart, unmet
		ContinueTo, HomeURL string
		FlowID              string    // empty where there is no such flow
		Tenant              string    // of the flow; empty where there is no such flow
		SetUpFrom           time.Time // with SetUpLater: when a method may be set up
	}

	// Done carries the new session.
	Done struct {
		Session    secret.Reference
		Life       time.Duration // how long the browser should keep it
		Remembered *secret.Reference
		RememberTo time.Time
		Device     secret.Reference   // to be kept for a long time; it opens nothing; zero = keep what there is
		Method     authenticator.Kind // the second step that was shown; empty = none
		ContinueTo string             // sealed authorization request; empty = the portal itself
		FlowID     string
		Notice     *Notice
		Said       []policy.Reason // what the second step has to tell: a clock that is off, codes that are left
	}

	// Notice tells of a requirement that is not in force yet (ALO-1), or of a method that
	// must be set up until then (VOI-12).
	Notice struct {
		AppName, By, SentTo string
		SetUp               bool
		From                time.Time
		DaysLeft            int
		Limited             bool // with SetUp: only so many more sign-ins may finish before that
		Laters              int  // with Limited: how many, after this one
	}
)

func (AskPassword) step()     {}
func (AnswerCode) step()      {}
func (CodeSpent) step()       {}
func (ReplacePassword) step() {}
func (SetUpMethod) step()     {}
func (Over) step()            {}
func (Done) step()            {}
