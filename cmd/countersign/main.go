// Command countersign is the whole program: the server, its demo, and the command line of
// anyone who runs it.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"countersign/internal/db"
	"countersign/internal/fault"
)

type cli struct {
	Env

	Serve         ServeCmd         `cmd:"" help:"Serve sign-ins."`
	Demo          DemoCmd          `cmd:"" help:"Try everything on this machine, with nothing else to install."`
	Migrate       MigrateCmd       `cmd:"" help:"Bring the database's schema up to date."`
	Installation  InstallationCmd  `cmd:"" help:"The vendor's own settings."`
	Tenant        TenantCmd        `cmd:"" help:"Companies."`
	User          UserCmd          `cmd:"" help:"People."`
	Client        ClientCmd        `cmd:"" help:"Apps that people sign in to."`
	Policy        PolicyCmd        `cmd:"" help:"Why a second step is asked, or not."`
	Audit         AuditCmd         `cmd:"" help:"Who did what, and whether the record is whole."`
	Keys          KeysCmd          `cmd:"" help:"Signing keys, and the master keys of the key file."`
	Backup        BackupCmd        `cmd:"" help:"Copy everything into one sealed file, while servers go on."`
	Restore       RestoreCmd       `cmd:"" help:"Put such a file into an empty database."`
	Epoch         EpochCmd         `cmd:"" help:"When an older state of the database took its place."`
	ConfigMinimum ConfigMinimumCmd `cmd:"" name:"configminimum" help:"Manage the minimum security settings."`
	Doctor        DoctorCmd        `cmd:"" help:"Check the installation and suggest fixes."`
	Config        ConfigCmd        `cmd:"" help:"Show the effective configuration, or its reference."`
	Storybook     StorybookCmd     `cmd:"" help:"Every page in every state, for people who design and translate."`
	Healthcheck   HealthcheckCmd   `cmd:"" help:"Check that the server on this machine is running."`
	Completion    CompletionCmd    `cmd:"" help:"Print a script that completes commands in a shell."`
	Complete      CompleteCmd      `cmd:"" hidden:"" help:"Used by that script."`
	Version       VersionCmd       `cmd:"" help:"Print the version."`
}

func main() {
	var c cli
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parser := newParser(&c, kong.BindTo(ctx, (*context.Context)(nil)))
	command, err := parser.Parse(os.Args[1:])
	if slices.ContainsFunc(os.Args[1:], func(a string) bool { return !utf8.ValidString(a) }) {
		err = usageError("an argument is not text in UTF-8")
	} else if err != nil {
		var mistake *kong.ParseError
		if errors.As(err, &mistake) {
			command = mistake.Context
		}
		err = usageError(err.Error())
	} else if err = speaksJSON(&c.Env, commandOf(command)); err == nil {
		if !serves(commandOf(command)) { // commands list and search; none of them is a sign-in
			command.BindTo(db.UseServerDefaults(ctx), (*context.Context)(nil))
		}
		err = command.Run(&c.Env)
	}
	if err != nil {
		stop()
		os.Exit(fail(os.Stderr, commandOf(command), wantsJSON(os.Args[1:]), err))
	}
}

// serves holds for the commands that answer sign-ins.
func serves(command string) bool { return command == "serve" || command == "demo" }

func newParser(c *cli, options ...kong.Option) *kong.Kong {
	options = append(options, kong.Name("countersign"),
		kong.Description("Self-hosted two-factor authentication for B2B software."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	parser := kong.Must(c, options...)
	for _, leaf := range parser.Model.Leaves(false) {
		leaf.Detail = strings.TrimSpace(leaf.Detail + "\n\n" + exampleText(leaf.Path()))
	}
	return parser
}

// explain adds the sentence for people to a fault, whose own text is a catalogue key.
func explain(err error) string {
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		return err.Error()
	}
	text := sentence(f.Message)
	if f.Cause != nil {
		text += " (" + f.Cause.Error() + ")"
	}
	return text
}
