package policy

import "time"

// appExempt reports whether the app does not ask for a second step at an instant: the vendor exempts it, and the
// company does not require one in it anyway.
func (in Input) appExempt(at time.Time) bool {
	return in.AppExemptUntil.After(at) && !in.Tenant.Apps.Include(in.AppID)
}

// unannounce forgets what is announced where it will not hold in the app.
func (d *Decision) unannounce(in Input) {
	if in.appExempt(d.Announced) {
		d.Announced, d.AnnouncedBy = time.Time{}, ""
	}
}
