package demo

import (
	"context"
	"fmt"

	"countersign/internal/access"
	"countersign/internal/apps"
	"countersign/internal/client"
	"countersign/internal/company"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/people"
	"countersign/internal/secret"
	"countersign/internal/setup"
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
	var err error
	keys.dashboard, err = d.register(ctx, dashboardID, dashboard.Name, client.Confidential, d.at.Dashboard)
	if err != nil {
		return keys, err
	}
	if keys.phone, err = d.register(ctx, phoneID, phone.Name, client.Native, d.at.Phone); err != nil {
		return keys, err
	}
	_, err = d.register(ctx, OwnClient, "Your own app", client.Public, ownHome)
	return keys, err
}

// found does what a vendor does at a first run, and then what its companies do.
func (d *Demo) found(ctx context.Context) error {
	err := d.house.SetUp.Run(ctx, setup.First{
		Token:    d.house.SetUpToken.Reveal(),
		Company:  vendorName,
		Name:     operator.Name,
		Email:    operator.Email,
		Password: secret.Text(operator.Password),
		Language: operator.Language,
	})
	if err != nil {
		return fmt.Errorf("first run: %w", err)
	}
	if err := d.house.Company.ChangeInstallation(ctx, access.Server, settings()); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	for _, c := range companies {
		if err := d.addWithHistory(ctx, c); err != nil {
			return fmt.Errorf("company %s: %w", c.Name, err)
		}
	}
	return nil
}

// why is what the vendor says about the second step, in each language that is spoken.
var why = map[string]string{
	"en": "Passwords leak: in other companies' breaches, in phishing emails, on paper. " +
		"The second step keeps out someone who knows your password. " +
		"It isn't perfect, so we also tell you where each sign-in came from.",
	"es": "Las contraseñas se filtran: por fallos de otras empresas, por correos engañosos, en un papel. " +
		"El segundo paso deja fuera a quien conozca su contraseña. " +
		"No es perfecto; por eso también le decimos desde dónde se inició cada acceso.",
	"de": "Passwörter werden bekannt: durch Einbrüche bei anderen Firmen, durch Phishing-Mails, auf Zetteln. " +
		"Der zweite Schritt hält auch jemanden ab, der Ihr Passwort kennt. " +
		"Er ist nicht vollkommen; deshalb sagen wir Ihnen auch, woher jede Anmeldung kam.",
	"fr": "Les mots de passe fuitent\u00a0: piratage d’autres entreprises, e-mails frauduleux, bouts de papier. " +
		"La seconde étape arrête quelqu’un qui connaît votre mot de passe. " +
		"Elle n’est pas parfaite, c’est pourquoi nous vous disons aussi d’où vient chaque connexion.",
	"pt-BR": "Senhas vazam: em ataques a outras empresas, em e-mails falsos, em papéis. " +
		"A segunda etapa barra quem conhece a sua senha. " +
		"Ela não é perfeita; por isso também avisamos de onde veio cada acesso.",
}

// settings are the vendor's own.
func settings() company.InstallationChanges {
	address, number := "help@harbor.example", "+1 555 0100"
	return company.InstallationChanges{
		SupportEmail: &address,
		SupportPhone: &number,
		Why:          why,
	}
}

// addWithHistory makes a company as of the day on which it came to the vendor.
func (d *Demo) addWithHistory(ctx context.Context, c sampleCompany) error {
	if c.Age == 0 {
		return d.add(ctx, c)
	}
	d.clock.back.Store(int64(c.Age))
	err := d.add(ctx, c)
	d.clock.back.Store(0)
	if err != nil {
		return err
	}
	return d.addHistory(ctx, c)
}

// add makes a company with its people and what they have set up.
func (d *Demo) add(ctx context.Context, c sampleCompany) error {
	made := make([]made, len(c.People))
	for i, p := range c.People {
		var err error
		if made[i], err = d.prepare(ctx, p); err != nil {
			return err
		}
	}
	n := company.New{ID: c.ID, Name: c.Name, Changes: c.Rules.changes(d.clock.real())}
	if _, err := d.house.Company.Create(ctx, access.Server, n); err != nil {
		return err
	}
	for i, p := range c.People {
		if err := d.addPerson(ctx, c, p, made[i]); err != nil {
			return fmt.Errorf("%s: %w", p.Email, err)
		}
	}
	return nil
}

func (d *Demo) addPerson(ctx context.Context, c sampleCompany, p person, m made) error {
	u, err := d.house.People.Add(ctx, access.Server, c.ID, people.New{
		Email:    p.Email,
		Name:     p.Name,
		Language: p.Language,
		Role:     p.Role,
		Password: people.NewPassword{Plain: secret.Text(p.Password)},
	})
	if err != nil {
		return err
	}
	return d.house.DB.InTx(ctx, c.ID, func(tx *db.Tx) error { return d.equip(ctx, tx, c, u, p, m) })
}

// register makes an app, or gives one that is there its address and secret of today. The phone app is exempt for good.
func (d *Demo) register(ctx context.Context, id, name, kind, home string) (secret.Text, error) {
	redirects, afterwards := []string{home + "/callback"}, []string{home + "/signed-out"}
	_, key, err := d.house.Apps.Create(ctx, access.Server, client.New{
		ID:             id,
		Name:           name,
		Kind:           kind,
		HomeURL:        home + "/",
		RedirectURIs:   redirects,
		PostLogoutURIs: afterwards,
	})
	switch {
	case err == nil && id == phoneID:
		return key, d.house.Apps.Exempt(ctx, access.Server, id, db.Forever)
	case !fault.Is(err, fault.Conflict):
		return key, err
	}
	moved := apps.Changes{AddRedirectURIs: redirects, AddPostLogoutURIs: afterwards}
	if err := d.house.Apps.Change(ctx, access.Server, id, moved); err != nil || kind != client.Confidential {
		return "", err
	}
	return d.house.Apps.RotateSecret(ctx, access.Server, id)
}
