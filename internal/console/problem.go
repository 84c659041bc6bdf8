package console

import "countersign/internal/pages"

// What the pages for administrators have in common with those of the vendor's staff.
type (
	problem  = pages.Problem
	option   = pages.Option
	outdated = pages.Outdated
	said     = pages.Said
)
