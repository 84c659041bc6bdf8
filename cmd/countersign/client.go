package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/apps"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// ClientCmd is about apps.
type ClientCmd struct {
	Create     ClientCreateCmd     `cmd:"" help:"Register an app. Prints its secret once."`
	Set        ClientSetCmd        `cmd:"" help:"Change an app's addresses, its signing algorithm and whether it needs PKCE."`
	Show       ClientShowCmd       `cmd:"" help:"Show one app."`
	List       ClientListCmd       `cmd:"" help:"List all apps."`
	Exempt     ClientExemptCmd     `cmd:"" help:"Ask for no second step in an app, until a date or for good."`
	Require2FA ClientRequire2FACmd `cmd:"" name:"require-2fa" help:"End an app's exemption now."`
	Secret     ClientSecretCmd     `cmd:"" help:"Give an app a new secret; the old one stops at once."`
	Disable    ClientDisableCmd    `cmd:"" help:"Stop sign-ins to an app."`
	Enable     ClientEnableCmd     `cmd:"" help:"Let people sign in to a disabled app again."`
}

// ClientCreateCmd registers an app.
type ClientCreateCmd struct {
	ID            string   `required:"" help:"The client_id: 2 to 40 small letters, digits, - and _."`
	Name          string   `required:"" help:"The name people read."`
	Kind          string   `enum:"confidential,public,native" default:"confidential" help:"confidential (a server), public (inside a browser) or native (on a device)."`
	RedirectURI   []string `name:"redirect-uri" sep:"none" help:"Where people come back to; repeat for more. Compared character by character."`
	PostLogoutURI []string `name:"post-logout-uri" sep:"none" help:"Where people may be sent after signing out; repeat for more."`
	HomeURL       string   `name:"home-url" help:"The app's start page, for links back."`
	SigningAlg    string   `name:"signing-alg" enum:"ES256,RS256" default:"ES256" help:"What its tokens are signed with; RS256 is for libraries that know nothing else."`
	PKCE          string   `name:"pkce" enum:"required,optional" default:"required" help:"optional: a confidential app may leave out PKCE, and then needs a nonce. Weaker."`
}

// Run registers the app.
func (c ClientCreateCmd) Run(ctx context.Context, env *Env) error {
	var added client.Client
	var token secret.Text
	err := env.within(ctx, func(h *app.Core) (err error) {
		added, token, err = h.Apps.Create(ctx, access.Server, client.New{
			ID:             c.ID,
			Name:           c.Name,
			Kind:           c.Kind,
			HomeURL:        c.HomeURL,
			RedirectURIs:   c.RedirectURI,
			PostLogoutURIs: c.PostLogoutURI,
			SigningAlg:     c.SigningAlg,
			PKCEOptional:   c.PKCE == "optional",
		})
		return err
	})
	if err != nil {
		return err
	}
	document := clientOf(added)
	document.Secret = token.Reveal()
	env.say(document, "Created app %s (%s).\n", c.Name, c.ID)
	if len(c.RedirectURI) == 0 {
		fmt.Fprintf(os.Stderr, "Warning: no one can sign in to this app before it has a redirect URI. "+
			"Run: countersign client set %s --add-redirect-uri https://…\n", c.ID)
	}
	showSecret(env, token)
	return nil
}

// showSecret shows a new secret, which nothing can show again.
func showSecret(env *Env, token secret.Text) {
	if token != "" {
		env.explainMore("Secret (shown this once): %s\n", token.Reveal())
	}
}

// ClientSetCmd changes how an app speaks to Countersign.
type ClientSetCmd struct {
	ID                  string   `arg:"" help:"The client_id."`
	AddRedirectURI      []string `name:"add-redirect-uri" sep:"none" help:"Register an address to come back to."`
	RemoveRedirectURI   []string `name:"remove-redirect-uri" sep:"none" help:"Forget one."`
	AddPostLogoutURI    []string `name:"add-post-logout-uri" sep:"none" help:"Register an address for after signing out."`
	RemovePostLogoutURI []string `name:"remove-post-logout-uri" sep:"none" help:"Forget one."`
	SigningAlg          string   `name:"signing-alg" enum:"ES256,RS256," default:"" help:"Algorithm that signs its tokens from now on: ES256 or RS256."`
	PKCE                string   `name:"pkce" enum:"required,optional," default:"" help:"Whether it needs PKCE: required or, for a confidential app, optional. Optional is weaker."`
}

// Run makes all of the changes or none.
func (c ClientSetCmd) Run(ctx context.Context, env *Env, k *kong.Context) error {
	what, err := changes(k)
	if err != nil {
		return err
	}
	err = env.within(ctx, func(h *app.Core) error { return h.Apps.Change(ctx, access.Server, c.ID, c.wanted()) })
	if err == nil {
		env.say(changeDocument{c.ID, what}, "Changed %s: %s.\n", c.ID, what)
	}
	return err
}

// wanted are the changes that were asked for.
func (c ClientSetCmd) wanted() apps.Changes {
	out := apps.Changes{
		AddRedirectURIs:      c.AddRedirectURI,
		RemoveRedirectURIs:   c.RemoveRedirectURI,
		AddPostLogoutURIs:    c.AddPostLogoutURI,
		RemovePostLogoutURIs: c.RemovePostLogoutURI,
		SigningAlg:           c.SigningAlg,
	}
	if c.PKCE != "" {
		optional := c.PKCE == "optional"
		out.PKCEOptional = &optional
	}
	return out
}

// ClientExemptCmd exempts an app.
type ClientExemptCmd struct {
	ID    string `arg:"" help:"The client_id."`
	Until string `required:"" help:"2027-01-31, 2027-01-31T08:00:00Z or forever."`
}

// Run exempts the app.
func (c ClientExemptCmd) Run(ctx context.Context, env *Env) error {
	until, err := c.until()
	if err != nil {
		return err
	}
	err = env.within(ctx, func(h *app.Core) error { return h.Apps.Exempt(ctx, access.Server, c.ID, until) })
	if err == nil {
		env.say(changeDocument{c.ID, changed{{"exempt_until", until}}}, "App %s asks for no second step until %s.\n",
			c.ID, shown(until))
	}
	return err
}

func (c ClientExemptCmd) until() (time.Time, error) {
	if c.Until == "forever" {
		return db.Forever, nil
	}
	return instant(c.Until)
}

// ClientRequire2FACmd ends an exemption.
type ClientRequire2FACmd struct {
	ID string `arg:"" help:"The client_id."`
}

// Run covers the app.
func (c ClientRequire2FACmd) Run(ctx context.Context, env *Env) error {
	err := env.within(ctx, func(h *app.Core) error { return h.Apps.Require2FA(ctx, access.Server, c.ID, "") })
	if err == nil {
		env.say(changeDocument{c.ID, changed{{"exempt_until", nil}}}, "App %s is covered.\n", c.ID)
	}
	return err
}

// ClientSecretCmd replaces a secret.
type ClientSecretCmd struct {
	ID string `arg:"" help:"The client_id of a confidential app."`
}

// Run replaces the secret and prints the new one.
func (c ClientSecretCmd) Run(ctx context.Context, env *Env) error {
	var token secret.Text
	err := env.within(ctx, func(h *app.Core) (err error) {
		token, err = h.Apps.RotateSecret(ctx, access.Server, c.ID)
		return err
	})
	if err != nil {
		return err
	}
	env.say(changeDocument{c.ID, changed{{"secret", token.Reveal()}}}, "App %s has a new secret.\n", c.ID)
	showSecret(env, token)
	return nil
}

// ClientDisableCmd disables an app.
type ClientDisableCmd struct {
	ID  string `arg:"" help:"The client_id."`
	Yes bool   `short:"y" help:"Do not ask."`
}

// Run disables the app.
func (c ClientDisableCmd) Run(ctx context.Context, env *Env) error {
	if err := confirm(c.Yes, "Disable app "+c.ID+
		"? No one can sign in to it, and its tokens are not renewed, until you enable it."); err != nil {
		return err
	}
	err := env.within(ctx, func(h *app.Core) error { return h.Apps.Disable(ctx, access.Server, c.ID) })
	if err == nil {
		env.say(changeDocument{c.ID, changed{{"disabled", true}}}, "App %s is disabled.\n", c.ID)
	}
	return err
}

// ClientEnableCmd lifts ClientDisableCmd.
type ClientEnableCmd struct {
	ID string `arg:"" help:"The client_id."`
}

// Run enables the app.
func (c ClientEnableCmd) Run(ctx context.Context, env *Env) error {
	err := env.within(ctx, func(h *app.Core) error { return h.Apps.Enable(ctx, access.Server, c.ID) })
	if err == nil {
		env.say(changeDocument{c.ID, changed{{"disabled", false}}}, "App %s is enabled.\n", c.ID)
	}
	return err
}

// ClientListCmd lists every app.
type ClientListCmd struct{}

// Run prints one line per app.
func (ClientListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		all, err := h.Apps.List(ctx, access.Server)
		if err != nil {
			return err
		}
		table := env.table()
		for _, c := range all {
			table.row(clientOf(c), c.ID, c.Name, c.Kind, state(c, now()))
		}
		return table.flush()
	})
}

func state(c client.Client, at time.Time) string {
	switch {
	case c.Disabled():
		return "disabled"
	case c.Covered(at):
		return "covered"
	}
	return "exempt until " + shown(c.ExemptUntil)
}

func pkceOf(c client.Client) string {
	if c.PKCEOptional {
		return "optional"
	}
	return "required"
}

// ClientShowCmd shows an app.
type ClientShowCmd struct {
	ID string `arg:"" help:"The client_id."`
}

// Run prints everything but the secret, which no one has.
func (c ClientShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		found, err := h.Apps.Find(ctx, access.Server, c.ID)
		if err != nil {
			return err
		}
		if env.asJSON() {
			env.say(clientOf(found), "")
			return nil
		}
		table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		_, _ = fmt.Fprintf(table,
			"id\t%s\nname\t%s\nkind\t%s\nstate\t%s\nhome\t%s\ncreated\t%s\nsigning algorithm\t%s\nPKCE\t%s\n",
			found.ID, found.Name, found.Kind, state(found, now()), found.HomeURL, shown(found.CreatedAt),
			found.SigningAlg, pkceOf(found))
		for _, u := range found.RedirectURIs {
			_, _ = fmt.Fprintf(table, "redirect\t%s\n", u)
		}
		for _, u := range found.PostLogoutURIs {
			_, _ = fmt.Fprintf(table, "after sign-out\t%s\n", u)
		}
		return table.Flush()
	})
}
