package demo

import (
	"context"
	"errors"
	"strings"
	"time"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/totp"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// made is what of a person takes long to make, and so is made outside transactions.
type made struct {
	codes authenticator.State // of backup codes; nil where there are none
}

func (d *Demo) prepare(ctx context.Context, p person) (m made, err error) {
	if p.Codes {
		codes := lookup.Verifier{Hash: d.house.Passwords.HashCode, Match: d.house.Passwords.MatchCode}
		m.codes, err = codes.Prepare(ctx)
	}
	return m, err
}

// equip gives someone what they have set up before the demo begins, by the same functions
// as set-up does but for its notices, which no one would have asked for.
func (d *Demo) equip(ctx context.Context, tx *db.Tx, c sampleCompany, u user.User, p person, m made) error {
	if p.Number != "" {
		a, err := outofband.Bind(ctx, tx, u.ID, authenticator.SMS, p.Number)
		if err == nil {
			err = noteMethod(ctx, tx, u, a)
		}
		if err != nil {
			return err
		}
	}
	who := authenticator.Subject{
		UserID:   u.ID,
		Email:    u.Email,
		Name:     u.Name,
		Vendor:   vendorName,
		Company:  c.Name,
		Language: u.Language,
	}
	for _, label := range p.Apps {
		if err := d.giveApp(ctx, tx, who, u, label); err != nil {
			return err
		}
	}
	if m.codes != nil {
		if err := d.giveCodes(ctx, tx, who, u, m.codes); err != nil {
			return err
		}
	}
	if p.Number == "" && len(p.Apps) == 0 {
		return nil
	}
	return user.ChooseSecondStep(ctx, tx, u.ID, true)
}

var errOwnCode = errors.New("the demo's own first code was not right")

func (d *Demo) giveApp(ctx context.Context, tx *db.Tx, who authenticator.Subject, u user.User, label string) error {
	v := totp.Verifier{Keys: d.house.Keys}
	draft := authenticator.PendingEnrollment{ID: tx.NewID(), Label: label, Begun: tx.Now}
	var err error
	if draft.State, err = v.Propose(ctx, tx, who, draft, ""); err != nil {
		return err
	}
	card, err := totp.Show(draft)
	if err != nil {
		return err
	}
	app, err := totp.ReadApp(card.URI)
	if err != nil {
		return err
	}
	code, _ := app.Code(tx.Now.Add(-30 * time.Second)) // the present one stays good for the first sign-in
	if err := confirm(ctx, tx, v, authenticator.TOTP, who, u, draft, code); err != nil {
		return err
	}
	return d.mobile.add(app, who.Name+", "+label)
}

func (d *Demo) giveCodes(ctx context.Context, tx *db.Tx, who authenticator.Subject, u user.User,
	codes authenticator.State) error {
	v := lookup.Verifier{}
	draft := authenticator.PendingEnrollment{ID: tx.NewID(), Begun: tx.Now, State: codes}
	var err error
	if draft.State, err = v.Propose(ctx, tx, who, draft, ""); err != nil {
		return err
	}
	sheet, err := lookup.Show(draft)
	if err != nil {
		return err
	}
	printed := sheetOfCodes{Whose: who.Name}
	for _, c := range sheet.Codes {
		printed.Codes = append(printed.Codes, strings.TrimSpace(c.Text))
	}
	if err := confirm(ctx, tx, v, authenticator.Backup, who, u, draft, printed.Codes[0]); err != nil {
		return err
	}
	return d.mobile.print(printed)
}

func confirm(ctx context.Context, tx *db.Tx, b authenticator.Binder, k authenticator.Kind, who authenticator.Subject,
	u user.User, draft authenticator.PendingEnrollment, code string) error {
	a, err := authenticator.BindAs(ctx, tx, draft.ID, u.ID, k, draft.Label)
	if err != nil {
		return err
	}
	verdict, err := b.Confirm(ctx, tx, who, draft, authenticator.Response{Code: code})
	if err == nil && !verdict.OK {
		err = errOwnCode
	}
	if err != nil {
		return err
	}
	if policy.Factor(k) {
		if err := user.FactorBound(ctx, tx, u.ID); err != nil {
			return err
		}
	}
	return noteMethod(ctx, tx, u, a)
}

func noteMethod(ctx context.Context, tx *db.Tx, u user.User, a authenticator.Authenticator) error {
	return audit.Record(ctx, tx, audit.Event{
		Action:    audit.MethodAdded,
		Result:    audit.OK,
		ActorID:   u.ID,
		UserID:    u.ID,
		Method:    string(a.Kind),
		SubjectID: a.ID,
		Reason:    a.Label,
	})
}
