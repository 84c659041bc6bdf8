// Package methodtext is the one table of what pages say about each kind of authenticator: a row for each kind, with
// the keys of its sentences and the names of its templates. It refuses facts, which authenticator.TraitsOf has, and
// the sentences themselves, which locale has.
package methodtext

import (
	"countersign/internal/authenticator"
)

// Row is one kind of authenticator. Fields are catalogue keys where their comment says nothing else.
type Row struct {
	Name        string // what people call it
	SessionName string // what a sign-in with it is called where a session is described
	Use         string // what to do with it at sign-in
	Benefit     string // what it is good for, where a method is chosen

	// The page that asks for the second step.
	AnswerTemplate string // its template
	Title          string
	Lead           string
	SetUpTitle     string // where the answer only opens the set-up of another method
	SetUpLead      string
	Help           string // the question behind which everything else is found
	Wrong          string // the answer was wrong
	Older          string // the answer was right for an earlier message
	SendFailed     string // no message could be sent
	WhatItShows    string // on the page that explains second steps
	Limits         string // what it does not protect from

	// The pages that set it up.
	EnrollTitle    string
	BeginTemplate  string   // its template, before anything has begun
	EnrollTemplate string   // its template, which asks for the first proof
	Over           string   // the set-up is no more
	AsksFirst      bool     // something must be typed or done before it can begin
	WishFields     []string // the form's fields that say what is to be set up
	ShownOnce      bool     // what a set-up shows may have been scanned or written down, so it is not made anew

	Delivery Delivery // what became of the newest message
}

// Delivery says what became of a message: catalogue keys for each of its states.
type Delivery struct {
	Queued, Accepted, Delivered, Delayed, Bounced, Failed, None string

	AcceptedBy string // accepted, by a host that is known; "" = the host is not told
}

// Key is the sentence for a state; host is the server that spoke, if one did.
func (d Delivery) Key(state, host string) string {
	switch state {
	case "queued":
		return d.Queued
	case "accepted":
		return d.accepted(d.Accepted, host)
	case "delivered":
		return d.accepted(d.Delivered, host)
	case "delayed":
		return d.Delayed
	case "bounced":
		return d.Bounced
	case "failed":
		return d.Failed
	}
	return d.None
}

func (d Delivery) accepted(key, host string) string {
	if host != "" && d.AcceptedBy != "" {
		return d.AcceptedBy
	}
	return key
}

// Known reports whether a kind has a row.
func Known(k authenticator.Kind) bool {
	_, ok := rows[k]
	return ok
}

// Of is the row of a kind. For a kind that has none it is a row whose words fit everything.
func Of(k authenticator.Kind) Row {
	if row, ok := rows[k]; ok {
		return row
	}
	return other
}
