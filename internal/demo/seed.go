package demo

import (
	"context"
	"fmt"

	"countersign/internal/audit"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/secret"
	"countersign/internal/setup"
	"countersign/internal/tenant"
)

// OwnClient is the client of an app that a developer runs on the usual port, and ownHome
// is that app's address. OwnRedirect is where it takes people back.
const (
	OwnClient   = "my-app"
	ownHome     = "http://localhost:3000"
	OwnRedirect = ownHome + "/callback"
)

// clientKeys are the secrets of the sample apps; the phone app has none.
type clientKeys struct{ dashboard, phone secret.Text }

// seed fills an empty installation. One that was kept from an earlier demo only learns
// the apps' new addresses.
func (d *Demo) seed(ctx context.Context) (clientKeys, error) {
	if d.house.SetUpToken != "" {
		if err := d.found(ctx); err != nil {
			return clientKeys{}, err
		}
	}
	var keys clientKeys
	err := d.house.DB.InTx(ctx, db.Installation, func(tx *db.Tx) (err error) {
		if keys.dashboard, err = register(ctx, tx, dashboardID, dashboard.Name, client.Confidential, d.at.Dashboard); err != nil {
			return err
		}
		if keys.phone, err = register(ctx, tx, phoneID, phone.Name, client.Native, d.at.Phone); err != nil {
			return err
		}
		_, err = register(ctx, tx, OwnClient, "Your own app", client.Public, ownHome)
		return err
	})
	return keys, err
}

// found does what a vendor does at a first run, and then what its companies do.
func (d *Demo) found(ctx context.Context) error {
	err := d.house.SetUp.Run(ctx, setup.First{
		Token: d.house.SetUpToken.Reveal(), Company: vendorName, Name: operator.Name, Email: operator.Email, Password: secret.Text(operator.Password), Language: operator.Language,
	})
	if err != nil {
		return fmt.Errorf("first run: %w", err)
	}
	if err := d.house.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error { return settings(ctx, tx) }); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	for _, c := range companies {
		if err := d.add(ctx, c); err != nil {
			return fmt.Errorf("company %s: %w", c.Name, err)
		}
	}
	return nil
}

const (
	whyEnglish = "Passwords leak: in other companies' breaches, in phishing emails, on paper. The second step keeps out someone who knows your password. It isn't perfect, so we also tell you where each sign-in came from."
	whySpanish = "Las contraseñas se filtran: por fallos de otras empresas, por correos engañosos, en un papel. El segundo paso deja fuera a quien conozca su contraseña. No es perfecto; por eso también le decimos desde dónde se inició cada acceso."
)

func settings(ctx context.Context, tx *db.Tx) error {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	i.SupportEmail, i.SupportPhone = "help@harbor.example", "+1 555 0100"
	if err := tenant.SaveInstallation(ctx, tx, i); err != nil {
		return err
	}
	if err := tenant.SetWhy(ctx, tx, "en", whyEnglish); err != nil {
		return err
	}
	return note(ctx, tx, tenant.SetWhy(ctx, tx, "es", whySpanish), audit.InstallationChanged, "support and words about why")
}

// note records a change that has just been made.
func note(ctx context.Context, tx *db.Tx, err error, action audit.Action, what string) error {
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{Action: action, Result: audit.OK, ActorID: byDemo, Reason: what})
}

func (d *Demo) add(ctx context.Context, c company) error {
	made := make([]made, len(c.People))
	for i, p := range c.People {
		var err error
		if made[i], err = d.prepare(ctx, c, p); err != nil {
			return err
		}
	}
	return d.house.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		t, err := tenant.Create(ctx, tx, c.ID, c.Name, tenant.Company)
		if err != nil {
			return err
		}
		tx = tx.ForTenant(t.ID)
		if err := note(ctx, tx, nil, audit.TenantCreated, c.Name); err != nil {
			return err
		}
		for i, p := range c.People {
			u, err := setup.Add(ctx, tx, setup.Person{Email: p.Email, Name: p.Name, Role: p.Role, Language: p.Language, Password: &made[i].password, By: byDemo})
			if err == nil {
				err = d.equip(ctx, tx, c, u, p, made[i])
			}
			if err != nil {
				return err
			}
		}
		return c.Rules.decide(ctx, tx)
	})
}

// register makes an app, or gives one that is there its address and secret of today.
func register(ctx context.Context, tx *db.Tx, id, name, kind, home string) (secret.Text, error) {
	callback, left := home+"/callback", home+"/signed-out"
	c, key, err := client.Create(ctx, tx, client.New{ID: id, Name: name, Kind: kind, HomeURL: home + "/", RedirectURIs: []string{callback}, PostLogoutURIs: []string{left}})
	if err == nil {
		return key, introduce(ctx, tx, c)
	}
	if !fault.Is(err, fault.Conflict) {
		return "", err
	}
	if c, err = client.ByID(ctx, tx, id); err != nil {
		return "", err
	}
	for kind, uri := range map[string]string{client.Redirect: callback, client.PostLogout: left} {
		if err := client.AddURI(ctx, tx, &c, kind, uri); err != nil {
			return "", err
		}
	}
	if kind != client.Confidential {
		return "", nil
	}
	return client.RotateSecret(ctx, tx, id)
}

// introduce records a new app, and exempts the phone app for good.
func introduce(ctx context.Context, tx *db.Tx, c client.Client) error {
	if err := note(ctx, tx, nil, audit.ClientCreated, c.Name); err != nil || c.ID != phoneID {
		return err
	}
	return note(ctx, tx, client.Exempt(ctx, tx, c.ID, db.Forever), audit.ClientExempted, c.Name)
}
