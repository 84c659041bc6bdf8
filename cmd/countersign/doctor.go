package main

import (
	"context"
	"errors"
	"os"

	"countersign/internal/config"
	"countersign/internal/doctor"
)

// DoctorCmd looks at everything that an installation stands on.
type DoctorCmd struct {
	SendTest string `placeholder:"ADDRESS" help:"Also send a mail there."`
}

// Run prints the findings; it fails when any part does.
func (c DoctorCmd) Run(ctx context.Context, env *Env) error {
	conf, bad := config.Load(env.ConfigFile, os.Environ())
	found := doctor.Examine(ctx, doctor.Options{
		Config: conf,
		Bad:    bad,
		Build:  built(),
		SendTo: c.SendTest,
		Now:    now,
	})
	if err := c.print(env, found); err != nil {
		return err
	}
	if !doctor.Healthy(found) {
		return errors.New("something needs you: see above")
	}
	return nil
}

func (c DoctorCmd) print(env *Env, found []doctor.Finding) error {
	if !env.asJSON() {
		return doctor.Print(os.Stdout, found)
	}
	for _, f := range found {
		env.say(f, "")
	}
	return nil
}
