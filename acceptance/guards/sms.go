package main

const (
	smsPackage   = "./internal/message/sms"
	bandPackage  = "./internal/authenticator/outofband"
	phonePackage = "./internal/phone"
)

// texts are the guards of text messages and of what they cost.
var texts = []Guard{
	{
		Name: "sms: a text is handed over twice at the most", File: "internal/message/paid.go",
		Old: "AND submits < $3", New: "AND $3 < 100",
		Package: smsPackage, Tests: "TestREL13_AtMost|TestREL13_Death",
	},
	{
		Name: "sms: a second try is paid for", File: "internal/message/sms/sender.go",
		Old: "if err != nil || n == 1 {", New: "if err != nil || n >= 1 {",
		Package: smsPackage, Tests: "TestREL13_ARetryIsPaidFor|TestREL13_AtMost",
	},
	{
		Name: "sms: the ceiling is in the write", File: "internal/message/sms/meter.go",
		Old: "WHERE message_costs.reserved + excluded.reserved <= excluded.ceiling", New: "WHERE excluded.reserved <= excluded.ceiling",
		Package: smsPackage, Tests: "TestSEC83_TheCeilingIsExact",
	},
	{
		Name: "sms: a refused text leaves nothing in the other accounts", File: "internal/message/sms/meter.go",
		Old: "return false, undo(ctx, tx, lines, paid, price)", New: "return false, undo(ctx, tx, nil, paid, price)",
		Package: smsPackage, Tests: "TestSEC83_TheCeilingIsExact",
	},
	{
		Name: "sms: the brake stops what is queued", File: "internal/message/sms/sender.go",
		Old: "if s.Off {", New: "if s.Off && s.Log == nil {",
		Package: smsPackage, Tests: "TestSEC83_TheBrake",
	},
	{
		Name: "sms: a number that moved gets nothing", File: "internal/message/sms/sender.go",
		Old: "if moved {", New: "if moved && s.Log == nil {",
		Package: smsPackage, Tests: "TestSEC90",
	},
	{
		Name: "sms: a receipt finds its text", File: "internal/message/sms/pdu.go",
		Old: "return handleOf(strings.ToLower(strings.TrimLeft(id, \"0\")))", New: "return \"\"",
		Package: smsPackage, Tests: "TestREL13_Receipts",
	},
	{
		Name: "sms: set-up counts against the number", File: "internal/authenticator/outofband/sms.go",
		Old: "Limit: v.limit(\"send.destination\", 1), Subject: destination})", New: "Limit: v.limit(\"send.destination\", 1), Subject: userID})",
		Package: bandPackage, Tests: "TestATK119",
	},
	{
		Name: "sms: set-ups of strangers leave a number its codes", File: "internal/authenticator/outofband/sms.go",
		Old: "v.limit(\"number.destination\", 2)", New: "v.limit(\"number.destination\", 1)",
		Package: bandPackage, Tests: "TestATK119",
	},
	{
		Name: "sms: set-up counts against the account", File: "internal/authenticator/outofband/sms.go",
		Old: "Limit: v.limit(\"send.account\", 1), Subject: userID}", New: "Limit: v.limit(\"send.account\", 1), Subject: to}",
		Package: bandPackage, Tests: "TestATK116",
	},
	{
		Name: "sms: a country that is no longer served gets no text", File: "internal/authenticator/outofband/sms.go",
		Old: "if err == nil && !slices.Contains(countries, n.Region) {", New: "if err == nil && len(countries) < 0 && !slices.Contains(countries, n.Region) {",
		Package: bandPackage, Tests: "TestSEC83_ACompanyNarrows",
	},
	{
		Name: "sms: a company cannot widen the list", File: "internal/tenant/countries.go",
		Old: "return slices.DeleteFunc(slices.Clone(installation), func(code string) bool { return !slices.Contains(own, code) })", New: "return append(own, slices.Clone(installation[:0])...)",
		Package: bandPackage, Tests: "TestSEC83_ACompanyNarrows",
	},
	{
		Name: "sms: set-up costs money", File: "internal/authenticator/outofband/sms.go",
		Old: "if !ok {\n\t\treturn \"\", ErrCeiling", New: "if !ok && v.Words == nil {\n\t\treturn \"\", ErrCeiling",
		Package: bandPackage, Tests: "TestATK117",
	},
	{
		Name: "sms: the code of a set-up is its draft's and its person's", File: "internal/authenticator/outofband/sms.go",
		Old: "return []string{tx.Tenant, who.UserID, d.ID, purposeBinding, string(authenticator.SMS), to, code}", New: "return []string{tx.Tenant, who.UserID[:0], d.ID[:0], purposeBinding, to, code}",
		Package: bandPackage, Tests: "TestPAR3",
	},
	{
		Name: "phone: dear numbers are refused", File: "internal/phone/phone.go",
		Old: "if err := receives(phonenumbers.GetNumberType(n)); err != nil {", New: "if err := receives(phonenumbers.MOBILE); err != nil {",
		Package: phonePackage, Tests: "TestATK119",
	},
	{
		Name: "phone: a country that shares the code is another country", File: "internal/phone/phone.go",
		Old: "if !slices.Contains(allowed, region) {", New: "if region == \"\" {",
		Package: phonePackage, Tests: "TestATK119",
	},
	{
		Name: "phone: only telephone's digits are digits", File: "internal/phone/phone.go",
		Old: "number, ok := readable(text)", New: "number, ok := text, len(text) <= 1000",
		Package: phonePackage, Tests: "TestATK119",
	},
	{
		Name: "sms: a report is signed", File: "internal/app/sms.go",
		Old: "a.Config.SMS.HTTP.Reports == config.ReportsSigned && !signed", New: "a.Config.SMS.HTTP.Reports == config.ReportsSigned && a.gateway == nil && !signed",
		Package: acceptance, Tests: "TestREL13_AForgedReportOfAText",
	},
}
