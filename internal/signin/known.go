package signin

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"countersign/internal/db"
	"countersign/internal/policy/facts"
	"countersign/internal/secret"
	"countersign/internal/session"
)

// knownBrowser is what the cookies of an attempt prove about its browser (docs/adr/0019).
// The zero value is a browser that the account does not know: a stranger's.
type knownBrowser struct {
	tries  string           // whose password tries it spends; empty: those of strangers
	spends string           // whose sign-ins, messages and second steps it spends; empty: those of strangers
	device secret.Reference // what it keeps of an earlier sign-in with a second step
}

// byAdmission is what every browser that a mailed link let in spends from. One budget for all
// of an account: anyone who reads the mailbox gets no more guesses at the password or at a second
// step by asking for more links.
const byAdmission = "admission"

// shown is a cookie of an attempt that was found in the database.
type shown struct {
	tenant, userID string
	version        int64
	knownBrowser
}

// readShown looks up what a browser presents, without regard to the account that is named with
// it, so that the time of an answer does not tell whose cookies these are. An admission comes
// first: its owner asked for it because another budget was spent.
func (s *Service) readShown(ctx context.Context, tx *db.Tx, a Attempt) (out []shown, err error) {
	if a.Admission.ID != "" {
		userID, version, found, err := admitted(ctx, tx, a.Admission)
		if err != nil {
			return nil, err
		}
		if found {
			browser := knownBrowser{tries: s.hidden(byAdmission, a.Admission.Tenant+"/"+userID), spends: byAdmission}
			out = append(out, shown{a.Admission.Tenant, userID, version, browser})
		}
	}
	for _, ref := range a.Presented {
		userID, version, found, err := session.Shown(ctx, tx, ref)
		if err != nil {
			return nil, err
		}
		if found {
			key := "browser/" + ref.ID
			out = append(out, shown{ref.Tenant, userID, version, knownBrowser{tries: key, spends: key}})
		}
	}
	return out, nil
}

// knownFor is what the account w.User knows of a browser that presents these.
func (s *Service) knownFor(devices []secret.Reference, all []shown, w facts.Facts) knownBrowser {
	known := s.deviceOf(devices, w)
	mine := func(b shown) bool {
		return b.tenant == w.Tenant.ID && b.userID == w.User.ID && b.version == w.User.SecurityVersion
	}
	i := slices.IndexFunc(all, mine)
	if i < 0 || known.spends != "" && all[i].spends != byAdmission {
		return known
	}
	known.tries, known.spends = all[i].tries, all[i].spends
	return known
}

// The purposes of the tokens that a browser keeps of a finished sign-in. Only one with a second
// step makes a browser whose budgets for second steps are its own: otherwise a password alone
// would make as many of them as someone likes, in an app that asks for nothing more.
const (
	deviceByPassword   = "device"
	deviceBySecondStep = "device.confirmed"
)

// newDevice is what a browser keeps of a finished sign-in: a token that only we can have made
// for this user. It opens nothing. A sign-in without a second step leaves what an earlier one
// with a second step gave: the zero Reference where this unit of work has not seen that.
func (s *Service) newDevice(tx *db.Tx, f *activeFlow) secret.Reference {
	purpose := deviceByPassword
	switch {
	case f.secondStep() != "":
		purpose = deviceBySecondStep
	case f.device.ID != "" || strings.HasPrefix(f.KnownBy, knownDevice):
		return f.device
	}
	token, _ := s.Keys.NewBound(purpose, tx.Tenant, f.User.ID, version(f.Facts))
	return secret.Reference{Tenant: tx.Tenant, ID: f.User.ID, Token: token}
}

const knownDevice = "device/"

// deviceOf names the device among those presented that this user has finished a sign-in on,
// one with a second step first.
func (s *Service) deviceOf(presented []secret.Reference, w facts.Facts) (known knownBrowser) {
	for _, purpose := range []string{deviceBySecondStep, deviceByPassword} {
		for _, d := range presented {
			if d.Tenant == w.Tenant.ID && d.ID == w.User.ID &&
				s.Keys.IsBound(d.Token, purpose, d.Tenant, d.ID, version(w)) {
				known.tries = s.hidden("device", d.Token.Reveal())
				if purpose == deviceBySecondStep {
					known.spends, known.device = knownDevice+known.tries, d
				}
				return known
			}
		}
	}
	return known
}

// version ties a device to the password that it was used with.
func version(w facts.Facts) string { return strconv.FormatInt(w.User.SecurityVersion, 10) }

// spender is the subject of the account's budgets that a flow spends from.
func (f *activeFlow) spender() string { return spender(f.User.ID, f.KnownBy) }

func spender(userID, knownBy string) string {
	if knownBy == "" {
		return userID
	}
	return userID + "/" + knownBy
}

// spenderOfFlow is spender for the flow f of a query.
const spenderOfFlow = `CASE WHEN f.known_by = '' THEN f.user_id ELSE f.user_id || '/' || f.known_by END`
