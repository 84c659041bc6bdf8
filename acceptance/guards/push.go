package main

const (
	pushPackage     = "./internal/message/push"
	receiverPackage = "./internal/authenticator/receiver"
)

// pushes are the guards of codes by push.
var pushes = []Guard{
	{
		Name: "push: only public addresses are reached", File: "internal/message/push/dial.go",
		Old: "!public(to.Addr())", New: "!to.IsValid()",
		Package: pushPackage, Tests: "TestSEC116_ATestServer",
	},
	{
		Name: "push: an IPv4 address within IPv6 is looked at", File: "internal/message/push/dial.go",
		Old: "if a = a.Unmap(); a.Zone() != \"\" {", New: "if a.Zone() != \"\" {",
		Package: pushPackage, Tests: "TestSEC116_Only",
	},
	{
		Name: "push: no redirection is followed", File: "internal/message/push/sender.go",
		Old: "return http.ErrUseLastResponse", New: "return nil",
		Package: pushPackage, Tests: "TestWhatAPushServiceAnswers",
	},
	{
		Name: "push: endpoints stay out of errors", File: "internal/message/push/sender.go",
		Old: "return 0, failed.Err", New: "return 0, failed",
		Package: pushPackage, Tests: "TestAnUnprovedServiceGetsNothing",
	},
	{
		Name: "push: the preview holds no code", File: "internal/message/push/text.go",
		Old: `p.T("push.body", "Reference", c.Reference)`, New: `p.T("push.body", "Reference", c.Code)`,
		Package: pushPackage, Tests: "TestSEC25",
	},
	{
		Name: "push: every text has one length", File: "internal/message/push/encrypt.go",
		Old: "max(0, padded-len(record))", New: "max(0, 0*padded)",
		Package: pushPackage, Tests: "TestTheLength",
	},
	{
		Name: "push: the key is made once", File: "internal/message/push/identity.go",
		Old: "ON CONFLICT (id) DO NOTHING", New: "ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
		Package: pushPackage, Tests: "TestTheKeyIsMadeOnce",
	},
	{
		Name: "receiver: a code is bound to its user, receiver and challenge", File: "internal/authenticator/receiver/receiver.go",
		Old: "return []string{tenant, a.UserID, a.ID, s.FlowID, s.ChallengeID, s.Purpose,", New: "return []string{s.Purpose,",
		Package: receiverPackage, Tests: "TestSEC14",
	},
	{
		Name: "receiver: one that is gone gets nothing", File: "internal/authenticator/receiver/receiver.go",
		Old: "AND p.gone_at = 0 AND a.disabled_at = 0 ORDER", New: "ORDER",
		Package: receiverPackage, Tests: "TestPAR6_AReceiverThatIsGone",
	},
	{
		Name: "receiver: its owner is told once", File: "internal/authenticator/receiver/gone.go",
		Old: "AND gone_at = 0 RETURNING", New: "RETURNING",
		Package: receiverPackage, Tests: "TestPAR6_AReceiverThatIsGone",
	},
	{
		Name: "receiver: subscriptions are sealed", File: "internal/authenticator/receiver/bind.go",
		Old: "v.Keys.Seal(plain, place(tx.Tenant, id)...))", New: "plain)",
		Package: receiverPackage, Tests: "TestSEC17",
	},
	{
		Name: "receiver: messages of a set-up are counted", File: "internal/authenticator/receiver/bind.go",
		Old: "if err == nil && wait > 0 {", New: "if err == nil && wait < 0 {",
		Package: receiverPackage, Tests: "TestPAR6_WhatIsNoBrowser",
	},
	{
		Name: "receiver: one browser counts once", File: "internal/authenticator/receiver/bind.go",
		Old: "return a.Subscription.Endpoint == endpoint })", New: "return a.Subscription.Endpoint == endpoint+\"x\" })",
		Package: receiverPackage, Tests: "TestPAR6_WhatIsNoBrowser",
	},
	{
		Name: "receiver: a code goes to each one", File: "internal/authenticator/receiver/receiver.go",
		Old: "for _, to := range all {", New: "for _, to := range all[:1] {",
		Package: receiverPackage, Tests: "TestPAR6_OneCodeGoesToEveryReceiver",
	},
	{
		Name: "receiver: as many as there may be", File: "internal/authenticator/receiver/bind.go",
		Old: "if len(all) >= most {", New: "if len(all) >= 9*most {",
		Package: receiverPackage, Tests: "TestPAR6_ReceiversAreLimited",
	},
	{
		Name: "message: no copy of a dead code leaves", File: "internal/message/copies.go",
		Old: "range append(waiting, id) {", New: "range append(waiting[:0], id) {",
		Package: receiverPackage, Tests: "TestPAR6_ADeadCodeLeavesForNoReceiver",
	},
	{
		Name: "message: only a push can be shown", File: "internal/message/returned.go",
		Old: "WHERE id = $1 AND channel = 'push'", New: "WHERE id = $1",
		Package: receiverPackage, Tests: "TestREL13_AForgedShowingIsNotBelieved",
	},
}
