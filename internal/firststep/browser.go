package firststep

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

// Browser is what an account knows of the browser of an attempt, by its cookies (docs/adr/0019).
// The zero value is a browser that the account does not know: a stranger's.
type Browser struct {
	KnownBy string           // whose sign-ins, messages and second steps it spends; empty: those of strangers
	Device  secret.Reference // what it keeps of an earlier sign-in with a second step
	tries   string           // whose password tries it spends; empty: those of strangers
}

// KnownBrowser is what the account of f knows of the browser of an attempt.
func (s *Service) KnownBrowser(ctx context.Context, tx *db.Tx, a Attempt, f facts.Facts) (Browser, error) {
	cookies, err := s.readCookies(ctx, tx, a)
	return s.browserOf(a.Devices, cookies, f), err
}

// byAdmission is what every browser that a mailed link let in spends from. One budget for all
// of an account: anyone who reads the mailbox gets no more guesses at the password or at a second
// step by asking for more links.
const byAdmission = "admission"

// cookie is one of an attempt that was found in the database.
type cookie struct {
	tenant, userID string
	version        int64
	Browser
}

// readCookies looks up what a browser presents, without regard to the account that is named with
// it, so that the time of an answer does not tell whose cookies these are. An admission comes
// first: its owner asked for it because another budget was spent.
func (s *Service) readCookies(ctx context.Context, tx *db.Tx, a Attempt) (out []cookie, err error) {
	if a.Admission.ID != "" {
		userID, version, found, err := admitted(ctx, tx, a.Admission)
		if err != nil {
			return nil, err
		}
		if found {
			browser := Browser{tries: s.hidden(byAdmission, a.Admission.Tenant+"/"+userID), KnownBy: byAdmission}
			out = append(out, cookie{a.Admission.Tenant, userID, version, browser})
		}
	}
	for _, ref := range a.Presented {
		userID, version, found, err := session.Shown(ctx, tx, ref)
		if err != nil {
			return nil, err
		}
		if found {
			key := "browser/" + ref.ID
			out = append(out, cookie{ref.Tenant, userID, version, Browser{tries: key, KnownBy: key}})
		}
	}
	return out, nil
}

// browserOf is what the account f.User knows of a browser that presents these.
func (s *Service) browserOf(devices []secret.Reference, cookies []cookie, f facts.Facts) Browser {
	known := s.deviceOf(devices, f)
	mine := func(c cookie) bool {
		return c.tenant == f.Tenant.ID && c.userID == f.User.ID && c.version == f.User.SecurityVersion
	}
	i := slices.IndexFunc(cookies, mine)
	if i < 0 || known.KnownBy != "" && cookies[i].KnownBy != byAdmission {
		return known
	}
	known.tries, known.KnownBy = cookies[i].tries, cookies[i].KnownBy
	return known
}

// The purposes of the tokens that a browser keeps of a finished sign-in. Only one with a second
// step makes a browser whose budgets for second steps are its own: otherwise a password alone
// would make as many of them as someone likes, in an app that asks for nothing more.
const (
	deviceByPassword   = "device"
	deviceBySecondStep = "device.confirmed"
)

// NewDevice is what a browser keeps of a finished sign-in: a token that only we can have made
// for this user. It opens nothing. A sign-in without a second step leaves what an earlier one
// with a second step gave: the zero Reference where this unit of work has not seen that.
func (s *Service) NewDevice(tx *db.Tx, f facts.Facts, b Browser, secondStep bool) secret.Reference {
	purpose := deviceByPassword
	switch {
	case secondStep:
		purpose = deviceBySecondStep
	case b.Device.ID != "" || strings.HasPrefix(b.KnownBy, knownDevice):
		return b.Device
	}
	token, _ := s.Keys.NewBound(purpose, tx.Tenant, f.User.ID, version(f))
	return secret.Reference{Tenant: tx.Tenant, ID: f.User.ID, Token: token}
}

const knownDevice = "device/"

// deviceOf names the device among those presented that this user has finished a sign-in on,
// one with a second step first.
func (s *Service) deviceOf(presented []secret.Reference, f facts.Facts) (known Browser) {
	for _, purpose := range []string{deviceBySecondStep, deviceByPassword} {
		for _, d := range presented {
			if d.Tenant == f.Tenant.ID && d.ID == f.User.ID &&
				s.Keys.IsBound(d.Token, purpose, d.Tenant, d.ID, version(f)) {
				known.tries = s.hidden("device", d.Token.Reveal())
				if purpose == deviceBySecondStep {
					known.KnownBy, known.Device = knownDevice+known.tries, d
				}
				return known
			}
		}
	}
	return known
}

// version ties a device to the password that it was used with.
func version(f facts.Facts) string { return strconv.FormatInt(f.User.SecurityVersion, 10) }
