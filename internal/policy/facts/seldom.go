package facts

import (
	"strconv"
	"strings"
	"time"

	"countersign/internal/db"
	"countersign/internal/tenant"
)

// seldom are what few companies have set, a column for each group: every column costs SQLite's driver half a
// microsecond for each decision, whatever is in it.
const seldom = `
	CASE WHEN t.shadow_until = 0 THEN '' ELSE t.shadow_methods || '|' || t.shadow_choice || '|' || t.shadow_roles ||
		'|' || t.shadow_from || '|' || t.shadow_until END AS shadow,
	CASE WHEN t.step_days = 0 THEN ''
		ELSE t.step_days || '|' || t.steps_stopped_at || '|' || t.steps_delay END AS steps`

// seldomSet is where they are scanned into.
type seldomSet struct{ shadow, steps string }

func (s seldomSet) decode() (shadow tenant.Shadow, steps tenant.Steps) {
	if f := strings.Split(s.shadow, "|"); len(f) == 5 {
		shadow = tenant.Shadow{
			Methods: tenant.Methods(f[0]),
			Choice:  tenant.Choice(f[1]),
			Roles:   tenant.Roles(f[2]),
			From:    db.Time(number(f[3])),
			Until:   db.Time(number(f[4])),
		}
	}
	if f := strings.Split(s.steps, "|"); len(f) == 3 {
		steps.Days, steps.StoppedAt = int(number(f[0])), db.Time(number(f[1]))
		steps.Delay = time.Duration(number(f[2])) * time.Microsecond
	}
	return shadow, steps
}

// number reads what a database wrote.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
