package portal

import (
	"context"
	"net/http"

	"countersign/internal/authenticator"
	"countersign/internal/binding"
	"countersign/internal/enrollpages"
	"countersign/internal/pages"
	"countersign/internal/secret"
	"countersign/internal/signin"
)

// enrollment finds the sign-in of this browser that waits for a set-up.
func (p *Portal) enrollment(w http.ResponseWriter, r *http.Request, _ bool) (e *enrollpages.Enrollment, err error) {
	find := func(w http.ResponseWriter, r *http.Request, ref secret.Reference) error {
		step, err := p.current(r, ref)
		if err != nil {
			return err
		}
		ask, ok := step.(signin.SetUpMethod)
		if !ok {
			return p.Web.Redirect(w, pages.FlowRef{Flow: ref.ID}.CodeURL())
		}
		who, err := p.SignIn.EnrollmentFor(r.Context(), ref)
		if err == nil {
			e = p.enrollmentOf(r, ref, ask, who)
		}
		return err
	}
	err = p.withFlow(find)(w, r)
	return e, err
}

func (p *Portal) enrollmentOf(
	r *http.Request, ref secret.Reference, ask signin.SetUpMethod, who signin.Enrollee,
) *enrollpages.Enrollment {
	holder := enrollpages.NewHolder(p.Base, r, ref.Tenant, "flow:"+who.FlowID, who.FlowID, authenticator.Subject{
		UserID:   who.User.ID,
		Email:    who.User.Email,
		Name:     who.User.Name,
		Vendor:   who.Vendor,
		Company:  who.Company,
		Language: who.User.Language,
	})
	return &enrollpages.Enrollment{
		Base:    enrollpages.InFlow,
		FlowRef: pages.FlowRef{Flow: ref.ID},
		Holder:  holder,
		Kinds:   who.Kinds,
		AppName: who.AppName,
		Because: p.Sentences(r, ask.Because),
		Targets: p.OriginsOf(ask.ContinueTo),
		Confirm: func(ctx context.Context, proof binding.FirstProof) (enrollpages.Confirmed, error) {
			out, step, err := p.Binding.ConfirmInFlow(ctx, holder, ref, proof)
			return enrollpages.Confirmed{Outcome: out, Next: p.afterSetUp(step)}, err
		},
	}
}

// afterSetUp leads on: a sign-in that is finished shows first how the account is protected now.
func (p *Portal) afterSetUp(step signin.Step) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		done, ok := step.(signin.Done)
		if !ok {
			return p.follow(w, r, step)
		}
		if err := p.keepSession(w, r, done); err != nil {
			return err
		}
		return p.Web.Redirect(w, pages.ProtectedPath(done.ContinueTo))
	}
}
