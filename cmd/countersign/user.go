package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/profile"
	"countersign/internal/setup"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// UserCmd is about people.
type UserCmd struct {
	Create   UserCreateCmd   `cmd:"" help:"Add a person to a company and mail them an invitation."`
	Invite   UserInviteCmd   `cmd:"" help:"Mail a person without a password a new invitation; earlier ones stop working."`
	Import   UserImportCmd   `cmd:"" help:"Add many people from a file."`
	Set      UserSetCmd      `cmd:"" help:"Change a person."`
	Password UserPasswordCmd `cmd:"" help:"Give a person a first password, or an imported hash. Ends everything that an older one opened."`
	Show     UserShowCmd     `cmd:"" help:"Show one person."`
	List     UserListCmd     `cmd:"" help:"List the people of a company."`
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
		stored, err := c.read(ctx, h)
		if err != nil {
			return err
		}
		invite := stored == nil && !c.NoInvitation
		if err := canInvite(h, invite); err != nil {
			return err
		}
		var added user.User
		err = inTenant(ctx, h, c.Tenant, func(ctx context.Context, tx *db.Tx, _ tenant.Tenant) (err error) {
			p := setup.Person{Email: c.Email, Name: c.Name, Role: role, Language: c.Language, Password: stored, SMTPUTF8: h.Config.SMTP.UTF8(), By: byHand}
			added, err = setup.Add(ctx, tx, p)
			if err == nil && invite {
				err = h.SignIn.Invite(ctx, tx, added, byHand)
			}
			return err
		})
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

// read returns the hash of the first password; nil where the person is invited to choose one.
func (c UserCreateCmd) read(ctx context.Context, h *app.Core) (*password.Stored, error) {
	if c.HashStdin {
		return UserPasswordCmd{Email: c.Email, HashStdin: true}.read(ctx, h)
	}
	return readPassword(ctx, h, c.PasswordStdin, c.Name, c.Email)
}

// canInvite fails where an invitation would carry a link without an address.
func canInvite(h *app.Core, invite bool) error {
	if invite && h.Config.PublicURL == "" {
		return configError{errors.New("public_url is missing: an invitation carries a link. Set it, or add --no-invitation")}
	}
	return nil
}

func invitedText(h *app.Core, address string) string {
	return fmt.Sprintf("An invitation is on its way to %s. Its link works once, for %s.\n", address, lasting(h.Config.Limits.InvitationLife))
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
		err := ofUser(ctx, h, c.Email, func(ctx context.Context, tx *db.Tx, u user.User) error {
			return h.SignIn.Invite(ctx, tx, u, byHand)
		})
		if err == nil {
			env.say(changeDocument{c.Email, changed{{"invited", true}}}, "%s", invitedText(h, c.Email))
		}
		return err
	})
}

func readPassword(ctx context.Context, h *app.Core, fromStdin bool, words ...string) (*password.Stored, error) {
	if !fromStdin {
		return nil, nil
	}
	plain, err := secretLine(os.Stdin)
	if err != nil {
		return nil, err
	}
	if err := password.Check(plain, words...); err != nil {
		return nil, err
	}
	stored, err := h.Passwords.Hash(ctx, plain)
	return &stored, err
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
		stored, err := c.read(ctx, h)
		if err != nil {
			return err
		}
		err = ofUser(ctx, h, c.Email, func(ctx context.Context, tx *db.Tx, u user.User) error {
			old, err := password.Load(ctx, tx, u.ID)
			if err != nil {
				return err
			}
			if err := password.Set(ctx, tx, u.ID, *stored); err != nil {
				return err
			}
			if err := user.PasswordChanged(ctx, tx, u.ID); err != nil {
				return err
			}
			if old.Hash != "" { // a first one is no news
				if err := h.Profile.TellByHand(ctx, tx, u, "password.set"); err != nil {
					return err
				}
			}
			return about(ctx, tx, u, audit.PasswordSet, "")
		})
		if err == nil {
			env.say(changeDocument{c.Email, changed{{"password", "set"}}}, "The password is set; everything that an older one opened has ended.\n")
		}
		return err
	})
}

func (c UserPasswordCmd) read(ctx context.Context, h *app.Core) (*password.Stored, error) {
	if c.PasswordStdin {
		return readPassword(ctx, h, true, c.Email)
	}
	hash, err := secretLine(os.Stdin)
	if err != nil {
		return nil, err
	}
	return &password.Stored{Hash: hash.Reveal()}, h.Passwords.CheckImported(hash.Reveal())
}

func about(ctx context.Context, tx *db.Tx, u user.User, action audit.Action, what string) error {
	return audit.Record(ctx, tx, audit.Event{Action: action, Result: audit.OK, ActorID: byHand, UserID: u.ID, Reason: what})
}

// UserSetCmd changes a person.
type UserSetCmd struct {
	Address string `arg:"" name:"email" help:"Address."`
	Email   string `name:"new-email" help:"Another address; sessions and remembered browsers end."`
	Role    string `help:"owner, admin, supervisor or agent."`
	Disable bool   `help:"Keep the person out."`
	Enable  bool   `help:"Let the person in again; also sets up a disabled sign-in method again."`
	Yes     bool   `short:"y" help:"Do not ask before --disable."`
}

// Run changes what was asked for.
func (c UserSetCmd) Run(ctx context.Context, env *Env, k *kong.Context) error {
	what, err := changes(k)
	if err != nil {
		return err
	}
	if c.Disable {
		if err := confirm(c.Yes, "Disable "+c.Address+"? They cannot sign in, and their sessions and remembered browsers end."); err != nil {
			return err
		}
	}
	return env.within(ctx, func(h *app.Core) error {
		err := ofUser(ctx, h, c.Address, func(ctx context.Context, tx *db.Tx, u user.User) error { return c.change(ctx, tx, h.Profile, u) })
		if err == nil {
			env.say(changeDocument{c.Address, what}, "Changed %s: %s.\n", c.Address, what)
		}
		return err
	})
}

func (c UserSetCmd) change(ctx context.Context, tx *db.Tx, tell *profile.Service, u user.User) error {
	if c.Role != "" {
		role, err := user.ParseRole(c.Role)
		if err != nil {
			return err
		}
		if err := user.SetRole(ctx, tx, u.ID, role); err != nil {
			return err
		}
		if err := about(ctx, tx, u, audit.UserRole, c.Role); err != nil {
			return err
		}
	}
	if c.Email != "" {
		if err := c.readdress(ctx, tx, tell, u); err != nil {
			return err
		}
	}
	if c.Disable {
		if err := user.Disable(ctx, tx, u.ID); err != nil {
			return err
		}
		if err := about(ctx, tx, u, audit.UserDisabled, ""); err != nil {
			return err
		}
		if err := tell.TellByHand(ctx, tx, u, "user.disabled"); err != nil {
			return err
		}
	}
	if c.Enable {
		if err := c.enable(ctx, tx, u); err != nil {
			return err
		}
		return tell.TellByHand(ctx, tx, u, "user.enabled")
	}
	return nil
}

func (c UserSetCmd) readdress(ctx context.Context, tx *db.Tx, tell *profile.Service, u user.User) error {
	had, err := user.Addresses(ctx, tx, u)
	if err != nil {
		return err
	}
	if err := user.CheckReachable(c.Email, tell.SMTPUTF8); err != nil {
		return err
	}
	stored, err := user.ChangeEmail(ctx, tx, u.ID, c.Email)
	if err != nil {
		return err
	}
	if err := outofband.Follow(ctx, tx, u.ID, stored); err != nil {
		return err
	}
	if err := tell.TellMoved(ctx, tx, u, had, stored); err != nil {
		return err
	}
	return about(ctx, tx, u, audit.UserAddress, "changed by the command line")
}

func (c UserSetCmd) enable(ctx context.Context, tx *db.Tx, u user.User) error {
	if err := user.Enable(ctx, tx, u.ID); err != nil {
		return err
	}
	all, err := authenticator.Of(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := authenticator.Enable(ctx, tx, a.ID); err != nil {
			return err
		}
	}
	return about(ctx, tx, u, audit.UserEnabled, "")
}

// UserShowCmd shows one person.
type UserShowCmd struct {
	Email string `arg:"" help:"Address."`
}

// Run prints a person and their sign-in methods.
func (c UserShowCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
			u, err := user.ByEmail(ctx, tx, c.Email)
			if err != nil {
				return err
			}
			all, err := authenticator.Of(ctx, tx.ForTenant(u.TenantID), u.ID)
			if err != nil {
				return err
			}
			document := userOf(u)
			document.Methods = methodsOf(all)
			env.say(document, "id        %s\ncompany   %s\nemail     %s\nname      %s\nrole      %s\nlanguage  %s\nreported  %s\ndisabled  %s\n",
				u.ID, u.TenantID, u.Email, u.Name, u.Role, u.Language, shown(u.PasswordFlaggedAt), shown(u.DisabledAt))
			for _, a := range all {
				env.explainMore("method    %s %s %s\n", a.Kind, a.Label, stateOf(a))
			}
			return nil
		})
	})
}

// UserListCmd lists the people of a company.
type UserListCmd struct {
	Tenant string `required:"" help:"Id or name of the company."`
}

// Run prints a line for each.
func (c UserListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
			t, err := tenant.Find(ctx, tx, c.Tenant)
			if err != nil {
				return err
			}
			all, err := user.List(ctx, tx.ForTenant(t.ID))
			for _, u := range all {
				env.say(userOf(u), "%-40s %-10s %s\n", u.Email, u.Role, u.Name)
			}
			return err
		})
	})
}
