package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"countersign/internal/access"
	"countersign/internal/app"
	"countersign/internal/people"
	"countersign/internal/user"
)

// UserCmd is about people.
type UserCmd struct {
	Create   UserCreateCmd   `cmd:"" help:"Add a person to a company and mail them an invitation."`
	Invite   UserInviteCmd   `cmd:"" help:"Mail a person without a password a new invitation; earlier ones stop working."`
	Withdraw UserWithdrawCmd `cmd:"" name:"withdraw-invitation" help:"Withdraw the invitation of a person who has not accepted it; its link stops working."`
	Import   UserImportCmd   `cmd:"" help:"Add many people from a file."`
	Set      UserSetCmd      `cmd:"" help:"Change a person."`
	Password UserPasswordCmd `cmd:"" help:"Give a person a first password, or an imported hash. Ends everything that an older one opened."`
	Show     UserShowCmd     `cmd:"" help:"Show one person."`
	List     UserListCmd     `cmd:"" help:"List the people of a company."`
	Bulk     UserBulkCmd     `cmd:"" help:"Invite, remind, exempt or sign out many people."`
	SignOut  UserSignOutCmd  `cmd:"" help:"End a person's sessions, unfinished sign-ins and remembered browsers."`
	Exempt   UserExemptCmd   `cmd:"" help:"Give a person without a method more time to set one up."`
	Methods  UserMethodsCmd  `cmd:"" help:"List, restore and reset a person's sign-in methods."`
}

// UserCreateCmd adds a person.
type UserCreateCmd struct {
	Tenant        string `required:"" help:"Id or name of the company."`
	Email         string `required:"" help:"Address; unique in the installation. Codes go there."`
	Name          string `required:"" help:"The name people read."`
	Role          string `default:"agent" help:"owner, admin, supervisor or agent."`
	Language      string `default:"en" help:"Language of mails: en or es."`
	PasswordStdin bool   `xor:"how" help:"Read a first password from standard input; then no invitation is mailed."`
	HashStdin     bool   `xor:"how" help:"Read a password hash made elsewhere (PHC string) from standard input; then no invitation is mailed."`
	NoInvitation  bool   `xor:"how" help:"Mail no invitation: the person cannot sign in until user invite or user password."`
}

// Run adds the person.
func (c UserCreateCmd) Run(ctx context.Context, env *Env) error {
	role, err := user.ParseRole(c.Role)
	if err != nil {
		return err
	}
	return env.within(ctx, func(h *app.Core) error {
		given, err := readNewPassword(c.PasswordStdin, c.HashStdin)
		if err != nil {
			return err
		}
		n := people.New{
			Email:     c.Email,
			Name:      c.Name,
			Language:  c.Language,
			Role:      role,
			Password:  given,
			Uninvited: c.NoInvitation,
		}
		invite := n.Invited()
		if err := canInvite(h, invite); err != nil {
			return err
		}
		added, err := h.People.Add(ctx, access.Server, c.Tenant, n)
		if err != nil {
			return err
		}
		env.say(userOf(added), "Created %s (%s) in %s.\n", c.Email, role, c.Tenant)
		if invite {
			env.explainMore("%s", invitedText(h, c.Email))
		}
		return nil
	})
}

// readNewPassword reads a password or a hash from standard input, where one is to be read.
func readNewPassword(plain, hash bool) (p people.NewPassword, err error) {
	switch {
	case plain:
		p.Plain, err = secretLine(os.Stdin)
	case hash:
		p.Hash, err = secretLine(os.Stdin)
	}
	return p, err
}

// canInvite fails where an invitation would carry a link without an address.
func canInvite(h *app.Core, invite bool) error {
	if invite && h.Config.PublicURL == "" {
		return configError{errors.New(
			"public_url is missing: an invitation carries a link. Set it, or add --no-invitation")}
	}
	return nil
}

func invitedText(h *app.Core, address string) string {
	return fmt.Sprintf("An invitation is on its way to %s. Its link works once, for %s.\n", address,
		lasting(h.Config.Limits.InvitationLife))
}

// lasting writes a span in days or hours.
func lasting(d time.Duration) string {
	if days := d / (24 * time.Hour); d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%d hours", (d+time.Hour-1)/time.Hour)
}

// UserInviteCmd invites a person again.
type UserInviteCmd struct {
	Email string `arg:"" help:"Address."`
}

// Run mails the invitation.
func (c UserInviteCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		if err := canInvite(h, true); err != nil {
			return err
		}
		err := h.People.Invite(ctx, access.Server, people.ByEmail(c.Email))
		if err == nil {
			env.say(changeDocument{c.Email, changed{{"invited", true}}}, "%s", invitedText(h, c.Email))
		}
		return err
	})
}

// UserWithdrawCmd withdraws an invitation.
type UserWithdrawCmd struct {
	Email string `arg:"" help:"Address."`
}

// Run withdraws it.
func (c UserWithdrawCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		err := h.People.WithdrawInvitation(ctx, access.Server, people.ByEmail(c.Email))
		if err == nil {
			env.say(changeDocument{c.Email, changed{{"invited", false}}},
				"The invitation of %s is withdrawn. Its link no longer works.\n", c.Email)
			env.explainMore("To invite them again, run: countersign user invite %s\n", c.Email)
		}
		return err
	})
}

// UserPasswordCmd sets a password.
type UserPasswordCmd struct {
	Email         string `arg:"" help:"Address."`
	PasswordStdin bool   `xor:"how" required:"" help:"Read the password from standard input."`
	HashStdin     bool   `xor:"how" required:"" help:"Read a hash made elsewhere (PHC string: Argon2, bcrypt, scrypt, PBKDF2) from standard input."`
}

// Run sets it.
func (c UserPasswordCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		given, err := readNewPassword(c.PasswordStdin, c.HashStdin)
		if err != nil {
			return err
		}
		err = h.People.SetPassword(ctx, access.Server, people.ByEmail(c.Email), given)
		if err == nil {
			env.say(changeDocument{c.Email, changed{{"password", "set"}}},
				"The password is set; everything that an older one opened has ended.\n")
		}
		return err
	})
}

// UserSetCmd changes a person.
type UserSetCmd struct {
	Address string `arg:"" name:"email" help:"Address."`
	Email   string `name:"new-email" help:"Another address; sessions and remembered browsers end."`
	Role    string `help:"owner, admin, supervisor or agent."`
	Disable bool   `help:"Keep the person out."`
	Enable  bool   `help:"Let the person in again; also lets a sign-in method work again that was disabled after wrong answers."`
	Force   bool   `help:"Disable or change the last active owner of a company, too."`
	Yes     bool   `short:"y" help:"Do not ask before --disable."`
}

// Run changes what was asked for.
func (c UserSetCmd) Run(ctx context.Context, env *Env, k *kong.Context) error {
	what, err := changes(k)
	if err != nil {
		return err
	}
	if c.Disable {
		if err := confirm(c.Yes,
			"Disable "+c.Address+"? They cannot sign in, and their sessions and remembered browsers end."); err != nil {
			return err
		}
	}
	wanted, err := c.wanted()
	if err != nil {
		return err
	}
	return env.within(ctx, func(h *app.Core) error {
		err := h.People.Change(ctx, access.Server, people.ByEmail(c.Address), wanted)
		if err == nil {
			env.say(changeDocument{c.Address, what}, "Changed %s: %s.\n", c.Address, what)
		}
		return err
	})
}

// wanted reads all that is to be changed.
func (c UserSetCmd) wanted() (people.Changes, error) {
	out := people.Changes{Force: c.Force}
	if c.Role != "" {
		role, err := user.ParseRole(c.Role)
		if err != nil {
			return out, err
		}
		out.Role = &role
	}
	if c.Email != "" {
		out.Email = &c.Email
	}
	if c.Disable || c.Enable {
		disabled := !c.Enable
		out.Disabled = &disabled
	}
	return out, nil
}

// UserShowCmd shows one person.
type UserShowCmd struct {
	Email string `arg:"" help:"Address."`
}

// Run prints a person and their sign-in methods.
func (c UserShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		d, err := h.People.Find(ctx, access.Server, people.ByEmail(c.Email))
		if err != nil {
			return err
		}
		u, document := d.User, userOf(d.User)
		document.Methods = methodsOf(d.Methods)
		env.say(document, userText, u.ID, u.TenantID, u.Email, u.Name, u.Role, u.Language,
			shown(u.PasswordFlaggedAt), shown(u.DisabledAt))
		for _, m := range d.Methods {
			env.explainMore("method    %s %s %s\n", m.Kind, m.Label, stateOf(m))
		}
		return nil
	})
}

const userText = `id        %s
company   %s
email     %s
name      %s
role      %s
language  %s
reported  %s
disabled  %s
`

// UserListCmd lists the people of a company.
type UserListCmd struct {
	Tenant string `required:"" help:"Id or name of the company."`
}

// Run prints a line for each.
func (c UserListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		after := ""
		for {
			page, err := h.People.List(ctx, access.Server, c.Tenant, after, pageSize)
			if err != nil {
				return err
			}
			for _, u := range page {
				env.say(userOf(u), "%-40s %-10s %s\n", u.Email, u.Role, u.Name)
				after = u.Email
			}
			if len(page) < pageSize {
				return nil
			}
		}
	})
}
