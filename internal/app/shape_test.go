package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const prefix = "countersign/internal/"

// floor says which layer each package stands on; imports may only go down.
var floor = map[string]int{
	"fault": 0, "secret": 0, "trace": 0, "typed": 0,
	"config": 1, "db": 1, "locale": 1, "phone": 1,
	"ratelimit": 2, "jobs": 2, "audit": 2, "geo": 2, "web": 2,
	"message":       3,
	"message/email": 4, "message/sms": 4, "message/push": 4,
	"tenant": 5, "client": 5, "authenticator": 5, "configminimum": 5,
	"user":                   6,
	"authenticator/password": 7, "authenticator/outofband": 7, "authenticator/passkey": 7, "authenticator/totp": 7,
	"authenticator/lookup": 7, "challenge": 7, "policy": 7, "session": 7, "keyring": 7, "sharing": 7,
	"policy/facts": 8, "flow": 8, "grant": 8, "notify": 8, "access": 8,
	"authenticator/receiver": 9, "backup": 9,
	"gate": 10,
	// Journeys have an order, so that none has to know of those that build on it.
	"setup": 11, "firststep": 12, "signin": 13, "binding": 14, "profile": 15, "passwordlink": 15,
	"people": 16, "company": 17, "apps": 18, "incident": 19, "rollout": 19,
	"methodtext": 20, "pages": 21,
	"enrollpages": 22,
	"portal":      23, "account": 23, "console": 23, "desk": 23, "oidc": 23, "ops": 23, "help": 23,
	"storybook": 24, "app": 24,
	"demo": 25, "doctor": 25,
}

// onlyHere lists what may be imported by few packages.
var onlyHere = map[string][]string{
	"net/http": {"web", "message/push", "pages", "enrollpages", "portal", "account", "console", "desk", "oidc",
		"help", "ops", "app", "demo", "storybook", "doctor"},
	"modernc.org/sqlite":             {"db"},
	"github.com/jackc/pgx/v5/stdlib": {"db"},
	"database/sql": {"authenticator", "db", "db/dbtest", "tenant", "user", "audit", "client",
		"session", "grant", "jobs", "message", "keyring", "challenge"},
}

func TestImportsGoDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`,
		"countersign/internal/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		from := strings.TrimPrefix(f[0], prefix)
		if strings.HasSuffix(from, "test") {
			continue
		}
		here, ok := floor[from]
		if !ok {
			t.Errorf("%s has no floor", from)
		}
		seen++
		for _, imp := range f[1:] {
			checkImport(t, from, here, imp)
		}
	}
	if seen < 20 {
		t.Fatalf("only %d packages read", seen)
	}
}

func checkImport(t *testing.T, from string, here int, imp string) {
	t.Helper()
	if to, ours := strings.CutPrefix(imp, prefix); ours && floor[to] >= here {
		t.Errorf("%s (floor %d) imports %s (floor %d)", from, here, to, floor[to])
	}
	if allowed, limited := onlyHere[imp]; limited && !slices.Contains(allowed, from) {
		t.Errorf("%s imports %s", from, imp)
	}
}

// installationTables belong to the vendor, not to a tenant.
var installationTables = []string{"installation", "installation_texts", "clients", "client_uris", "directory",
	"signing_keys", "rsa_signing_keys", "schema_migrations", "canaries", "standards", "master_keys", "epochs",
	"passkey_directory", "spent_challenges", "push_keys", "installation_budgets", "mail_domains"}

var table = regexp.MustCompile(`(?i)\b(?:FROM|INTO|UPDATE|JOIN)\s+([a-z_]+)`)

// TestEveryQueryNamesTheTenant reads every SQL literal in the house. A text that touches
// a tenant's table must constrain tenant_id (or select or insert it).
func TestEveryQueryNamesTheTenant(t *testing.T) {
	seen, all := 0, tables(t)
	eachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			s, _ := strconv.Unquote(lit.Value)
			if !strings.Contains(s, "SELECT ") && !strings.Contains(s, "INSERT INTO") &&
				!strings.Contains(s, "UPDATE ") && !strings.Contains(s, "DELETE FROM") &&
				!strings.Contains(s, "FROM ") {
				return true
			}
			for _, m := range table.FindAllStringSubmatch(s, -1) {
				seen++
				if !slices.Contains(installationTables, m[1]) && !strings.Contains(s, "tenant_id") &&
					slices.Contains(all, m[1]) {
					t.Errorf("%s: query on %s does not name the tenant: %.80s", path, m[1], strings.TrimSpace(s))
				}
			}
			return true
		})
	})
	if seen < 60 {
		t.Fatalf("only %d table uses found; the reader is broken", seen)
	}
}

// tables are those that the migrations create: English words behind "from" in sentences are
// none of them.
func tables(t *testing.T) (all []string) {
	t.Helper()
	paths, err := filepath.Glob("../db/migrations/*.sql")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d migrations, %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)`).FindAllStringSubmatch(
			string(text), -1) {
			all = append(all, m[1])
		}
	}
	for _, known := range []string{"drafts", "email_changes", "passkeys", "message_costs", "users"} {
		if !slices.Contains(all, known) {
			t.Fatalf("the migrations create no %s: the reader is broken", known)
		}
	}
	return all
}

// TestOnlyTheEdgeReadsTheClock: time comes from tx.Now or a Now field.
func TestOnlyTheEdgeReadsTheClock(t *testing.T) {
	eachFile(t, func(path string, file *ast.File, set *token.FileSet) {
		if strings.Contains(path, "/cmd/") || strings.Contains(path, "/demo/") || strings.Contains(path, "/app/") ||
			strings.Contains(path, "/dbtest/") || strings.Contains(path, "/db/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" &&
				(sel.Sel.Name == "Now" || sel.Sel.Name == "Since" || sel.Sel.Name == "Until") {
				t.Errorf("%s reads the clock", set.Position(sel.Pos()))
			}
			return true
		})
	})
}

// TestFunctionsAndFilesStayShort holds the tail: no function over 60 lines, no file over 400. The storybook's pages and
// letters are data, and may be longer.
func TestFunctionsAndFilesStayShort(t *testing.T) {
	eachFile(t, func(path string, file *ast.File, set *token.FileSet) {
		if n := set.Position(file.End()).Line; n > 400 {
			t.Errorf("%s has %d lines", path, n)
		}
		if name := filepath.Base(path); strings.HasPrefix(name, "stories") || name == "letters.go" {
			return
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > 60 {
					t.Errorf("%s: %s has %d lines", path, f.Name.Name, n)
				}
			}
		}
	})
}

// TestEveryPackageSaysWhatItIs: a package comment that begins "Package name" (or "Command").
func TestEveryPackageSaysWhatItIs(t *testing.T) {
	docs := map[string]string{}
	eachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		dir := filepath.Dir(path)
		docs[dir] += file.Doc.Text()
	})
	for dir, doc := range docs {
		if !strings.HasPrefix(doc, "Package "+filepath.Base(dir)) && !strings.HasPrefix(doc, "Command ") {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// namedInterfaces are all that there are, and why a function value or a concrete type does not do.
var namedInterfaces = map[string]string{
	"authenticator.Verifier":    "the server side of each kind of authenticator",
	"authenticator.Binder":      "the set-up of each kind that people can add",
	"authenticator.Precomparer": "a Verifier that compares slowly; the others have no such step",
	"authenticator.Preparer":    "a Binder that works slowly before it begins; the others have no such step",
	"db.runner":                 "what runs statements: SQLite's writer, its readers, PostgreSQL's pool or a connection",
	"db.Row":                    "*sql.Row and *sql.Rows, so that one function reads both",
	"email.Content":             "one struct for each mail",
	"message.Sender":            "one for each channel, and the demo's",
	"signin.Step":               "one struct for each outcome of a step in a sign-in",
	"web.Page":                  "one struct for each page",
}

// TestNamedInterfacesStayFew: each one is a promise that readers have to learn. There are fewer than twelve, in one
// list, and none has more than three methods.
func TestNamedInterfacesStayFew(t *testing.T) {
	if len(namedInterfaces) >= 12 {
		t.Errorf("%d named interfaces", len(namedInterfaces))
	}
	found := map[string]bool{}
	eachGoFile(t, func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if i, ok := spec.Type.(*ast.InterfaceType); ok {
				name := file.Name.Name + "." + spec.Name.Name
				found[name] = true
				if namedInterfaces[name] == "" {
					t.Errorf("%s: the interface %s is not in the list", path, name)
				}
				if len(i.Methods.List) > 3 {
					t.Errorf("%s: %s has %d methods", path, name, len(i.Methods.List))
				}
			}
			return true
		})
	})
	for name := range namedInterfaces {
		if !found[name] {
			t.Errorf("there is no interface %s", name)
		}
	}
}

func eachFile(t *testing.T, fn func(path string, file *ast.File, set *token.FileSet)) {
	t.Helper()
	for _, root := range []string{"..", "../../cmd"} {
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
				return err
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, p, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			fn(p, f, set)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
