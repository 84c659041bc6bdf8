package enrollpages

import (
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/authenticator/receiver"
	"countersign/internal/authenticator/totp"
	"countersign/internal/locale"
)

// fillers add what each kind shows of its set-up.
var fillers = map[authenticator.Kind]func(*cardPage, authenticator.PendingEnrollment, *locale.Printer) error{
	authenticator.TOTP:    fillTOTP,
	authenticator.Passkey: fillPasskey,
	authenticator.Push:    fillReceiver,
	authenticator.Backup:  fillCodes,
	authenticator.SMS:     fillNumber,
}

// fill adds what a kind shows of its set-up.
func (p *cardPage) fill(k authenticator.Kind, d authenticator.PendingEnrollment, printer *locale.Printer) error {
	fill, ok := fillers[k]
	if !ok {
		return ErrNoMethod
	}
	return fill(p, d, printer)
}

func fillTOTP(p *cardPage, d authenticator.PendingEnrollment, printer *locale.Printer) (err error) {
	if p.Card, err = totp.Show(d); err != nil {
		return err
	}
	p.draw(printer.T("totp.qr.title"))
	return nil
}

func fillPasskey(p *cardPage, d authenticator.PendingEnrollment, _ *locale.Printer) error {
	c, err := passkey.Show(d)
	p.Options = string(c.Options)
	return err
}

func fillReceiver(p *cardPage, d authenticator.PendingEnrollment, _ *locale.Printer) error {
	c, err := receiver.Show(d)
	p.Length, p.Ends, p.message = c.Length, c.Ends, c.MessageID
	return err
}

func fillCodes(p *cardPage, d authenticator.PendingEnrollment, _ *locale.Printer) (err error) {
	p.Sheet, err = lookup.Show(d)
	return err
}

func fillNumber(p *cardPage, d authenticator.PendingEnrollment, _ *locale.Printer) error {
	c, err := outofband.Show(d)
	p.SentTo, p.Reference = c.SentTo, c.Reference
	p.Length, p.Ends, p.message = c.Length, c.Ends, c.MessageID
	return err
}
