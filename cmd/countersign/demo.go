package main

import "context"

// DemoCmd runs the demo.
type DemoCmd struct{}

// Run is filled next.
func (DemoCmd) Run(ctx context.Context) error { return nil }
