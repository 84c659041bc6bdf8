package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"countersign/internal/storybook"
)

// StorybookCmd serves every page in every state, for people who design and translate.
type StorybookCmd struct {
	Listen string `default:"127.0.0.1:8090" help:"Address to listen on."`
}

// Run serves until it is interrupted.
func (c StorybookCmd) Run(ctx context.Context) error {
	book, err := storybook.New("http://"+c.Listen, time.Now())
	if err != nil {
		return fmt.Errorf("open storybook: %w", err)
	}
	fmt.Fprintln(os.Stdout, "Storybook: http://"+c.Listen+"/")
	server := &http.Server{Addr: c.Listen, Handler: book, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve storybook: %w", err)
	}
	return nil
}
