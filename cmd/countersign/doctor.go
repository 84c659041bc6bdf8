package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"countersign/internal/config"
	"countersign/internal/doctor"
)

// DoctorCmd looks at everything that an installation stands on.
type DoctorCmd struct {
	JSON     bool   `name:"json" help:"Print a list of objects instead of a table."`
	SendTest string `placeholder:"ADDRESS" help:"Also send a mail there."`
}

// Run prints the findings; it fails when any part does.
func (c DoctorCmd) Run(ctx context.Context, env *Env) error {
	conf, bad := config.Load(env.ConfigFile, os.Environ())
	found := doctor.Examine(ctx, doctor.Options{Config: conf, Bad: bad, Build: built(), SendTo: c.SendTest, Now: now})
	if err := c.print(found); err != nil {
		return err
	}
	if !doctor.Healthy(found) {
		return errors.New("something needs you: see above")
	}
	return nil
}

func (c DoctorCmd) print(found []doctor.Finding) error {
	if !c.JSON {
		return doctor.Print(os.Stdout, found)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(found)
}
