package signin

import (
	"context"
	"slices"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/flow"
	"countersign/internal/policy"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/user"
)

// MethodOption is one method that may be used for the second step of a flow.
type MethodOption struct {
	ID, Label string // the label is the person's own name for it, or the masked address
	Kind      authenticator.Kind
	Asked     bool // it is the one that the flow asks for now
}

// ListMethods lists what may be used for the second step, strongest first. It changes nothing.
func (s *Service) ListMethods(ctx context.Context, ref secret.Reference) (ways []MethodOption,
	continueTo string, err error) {
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		if f.endReason(tx.Now) != "" {
			return flow.ErrNotFound
		}
		all, err := methodsOf(ctx, tx, f.User.ID)
		if err != nil {
			return err
		}
		continueTo = f.ContinueTo
		for _, k := range f.decide(tx.Now).Offer {
			for _, m := range all {
				if m.Kind == k && s.verifier(k) != nil {
					ways = append(ways, MethodOption{
						ID:    m.ID,
						Label: m.Label,
						Kind:  k,
						Asked: m.ID == f.Challenge.AuthenticatorID,
					})
				}
			}
		}
		return nil
	})
	return ways, continueTo, err
}

// ChooseMethod asks for another method in place of the one asked for now. Tries of the account go on
// being counted together, and messages by the same limits.
func (s *Service) ChooseMethod(ctx context.Context, ref secret.Reference, authenticatorID string,
	v session.Visitor) (Step, error) {
	return s.change(ctx, ref, func(tx *db.Tx, f *activeFlow) (Step, error) {
		if why := f.endReason(tx.Now); why != "" {
			return f.endedStep(why), nil
		}
		d := f.decide(tx.Now)
		if d.Outcome != policy.Challenge {
			return s.next(ctx, tx, f, false)
		}
		all, err := methodsOf(ctx, tx, f.User.ID)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all,
			func(m method) bool { return m.ID == authenticatorID && slices.Contains(d.Offer, m.Kind) })
		if i < 0 || s.verifier(all[i].Kind) == nil {
			return nil, errMethodUnavailable
		}
		if step, err := s.mayChoose(ctx, tx, f, all[i], v); step != nil || err != nil {
			return step, err
		}
		f.prefer = authenticatorID
		return s.challenge(ctx, tx, f, d, all)
	})
}

// limitMethodChoices bounds what going back and forth between methods may write in one sign-in.
var limitMethodChoices = ratelimit.Limit{Name: "way.flow", Windows: []ratelimit.Window{{Count: 40, Per: time.Hour}}}

// mayChoose says what stands in the way of asking for a method. What is asked for already, and
// sends nothing, is drawn again without another challenge.
func (s *Service) mayChoose(ctx context.Context, tx *db.Tx, f *activeFlow, to method, v session.Visitor) (Step, error) {
	if authenticator.TraitsOf[to.Kind].Sent {
		return s.mayRepeat(ctx, tx, f, v)
	}
	if to.ID == f.Challenge.AuthenticatorID && f.Challenge.Open(tx.Now) {
		return s.currentStep(tx, f, "")
	}
	wait, err := ratelimit.SpendIn(ctx, tx, limitMethodChoices, f.ID)
	if err == nil && wait > 0 {
		err = errSlowDown.After(wait)
	}
	return nil, err
}

var errMethodUnavailable = fault.New(fault.NotFound, "method.unavailable")

// mayRepeat says what stands in the way of another message in this flow. After the last new
// code the flow starts over (AIR-10).
func (s *Service) mayRepeat(ctx context.Context, tx *db.Tx, f *activeFlow, v session.Visitor) (Step, error) {
	if s.newCodesLeft(f) == 0 {
		return s.endFlow(ctx, tx, f, flow.Restart, v)
	}
	if wait := f.Challenge.IssuedAt.Add(s.Limits.ResendInterval).Sub(tx.Now); f.Challenge.MessageID != "" && wait > 0 {
		return nil, errNewCodeWait.After(wait)
	}
	return nil, nil
}

// Enrollee is someone who sets a method up in the middle of a sign-in.
type Enrollee struct {
	User    user.User
	FlowID  string
	Vendor  string
	Company string
	AppName string
	Kinds   []authenticator.Kind // what may be set up
}

// EnrollmentFor says who sets up what in a flow that waits for it; NotFound where it does not.
func (s *Service) EnrollmentFor(ctx context.Context, ref secret.Reference) (who Enrollee, err error) {
	err = s.DB.View(ctx, ref.Tenant, func(tx *db.Tx) error {
		f, err := s.load(ctx, tx, ref)
		if err != nil {
			return err
		}
		who, err = s.enrollee(tx, f)
		return err
	})
	return who, err
}

func (s *Service) enrollee(tx *db.Tx, f *activeFlow) (Enrollee, error) {
	if f.endReason(tx.Now) != "" {
		return Enrollee{}, flow.ErrNotFound
	}
	step, err := s.currentStep(tx, f, "")
	if err != nil {
		return Enrollee{}, err
	}
	ask, ok := step.(SetUpMethod)
	if !ok {
		return Enrollee{}, flow.ErrNotFound
	}
	return Enrollee{
		User:    f.User,
		FlowID:  f.ID,
		Vendor:  f.Vendor.Name,
		Company: f.Tenant.Name,
		AppName: f.App.Name,
		Kinds:   ask.Kinds,
	}, nil
}

// EnrollInFlow runs fn, which binds a method, in one unit of work with the flow that waits for
// it. What fn proves goes on as a proof of this sign-in; nil leaves the flow as it stands.
func (s *Service) EnrollInFlow(ctx context.Context, ref secret.Reference,
	fn func(tx *db.Tx, who Enrollee) (*authenticator.Proof, error)) (Step, error) {
	return s.change(ctx, ref, func(tx *db.Tx, f *activeFlow) (Step, error) {
		who, err := s.enrollee(tx, f)
		if err != nil {
			return nil, err
		}
		if why, err := f.lock(ctx, tx); err != nil || why != "" { // of two tabs the second changes nothing
			return f.endedStep(why), err
		}
		proof, err := fn(tx, who)
		if err != nil || proof == nil {
			return f.setUpStep(policy.Decision{}, who.Kinds), err
		}
		kind := proof.Kind.Base()
		f.Kinds += " " + string(kind)
		f.Has = append(f.Has, kind)
		if kind != authenticator.Backup { // to have codes is not to have shown one
			f.prove(*proof)
		}
		return s.next(ctx, tx, f, false)
	})
}

// method is an authenticator that may be used, and where its codes go.
type method struct {
	authenticator.Authenticator
	Address string // empty for kinds that send nothing
}

// methodsOf reads the authenticators that a user may use, oldest first.
func methodsOf(ctx context.Context, tx *db.Tx, userID string) (out []method, err error) {
	rows, err := tx.Query(ctx, `
		SELECT a.id, a.user_id, a.kind, a.label, a.failures, COALESCE(oa.address, '')
		FROM authenticators a
		LEFT JOIN outofband_addresses oa ON oa.tenant_id = a.tenant_id AND oa.authenticator_id = a.id
		WHERE a.tenant_id = $1 AND a.user_id = $2 AND a.disabled_at = 0 ORDER BY a.bound_at, a.id`, tx.Tenant, userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m method
		if err := rows.Scan(&m.ID, &m.UserID, &m.Kind, &m.Label, &m.Failures, &m.Address); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}
