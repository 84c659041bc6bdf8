package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/secret"
)

// What some audit events have, to be searched for.
const (
	officeAddress = "198.51.100.10" // of a third of all
	rareAddress   = "198.51.100.99" // of the oldest one
	rareRequest   = "AAAABBBBCCCCDDDDEEEEFFFF22"
)

// History of the copies: audit events are younger than the product's limit for whole addresses.
const (
	historyDays   = 85
	adoptionDays  = 90
	deliveryHours = 7 * 24
	hourMicros    = int64(time.Hour / time.Microsecond)
	dayMicros     = 24 * hourMicros
)

var (
	firstNames = strings.Fields(`Amara Bruno Chiara Dmitri Elif Farid Greta Hana Ivo Jelena Kofi Lucia Mateo Nadia
		Oskar Paula Quentin Rosa Samir Tove`)
	lastNames = strings.Fields(`Abebe Bianchi Costa Dahl Eriksen Fofana Garcia Haddad Ito Jansen Kowalski Lopez Mbeki
		Novak Okafor Petrov Quiroga Rossi Silva Tanaka Ueda Virtanen Weber Xu Yilmaz Zhang Arias Berg Cruz`)
)

// member is the n-th person of a company.
func (w *world) member(company, n int) item {
	return item{user: n*w.tenants + company, serial: uint64(n*w.tenants + company)}
}

// layConsole makes two companies larger: each has one person already.
func (w *world) layConsole(ctx context.Context) error {
	for _, c := range []asker{{company: smallCompany, people: smallPeople}, {people: w.o.people}} {
		more := func(i int) item { return w.member(c.company, i+1) }
		for _, r := range w.population() {
			if err := w.lay(ctx, []recipe{r}, c.people-1, more); err != nil {
				return err
			}
			if err := w.analyze(ctx, r.table); err != nil { // foreign keys of the next table look up its rows
				return err
			}
		}
		if err := w.layMethods(ctx, c); err != nil {
			return err
		}
	}
	w.serial = uint64(w.tenants * (w.o.people + smallPeople))
	if err := w.vary(ctx); err != nil {
		return fmt.Errorf("vary people: %w", err)
	}
	if err := w.lay(ctx, []recipe{w.adoption(), w.delivery()}, w.tenants, w.companyItem); err != nil {
		return err
	}
	if err := w.layEvents(ctx, smallCompany, smallPeople, smallEvents); err != nil {
		return err
	}
	rebuild, err := w.dropEventIndexes(ctx)
	if err != nil {
		return fmt.Errorf("drop indexes: %w", err)
	}
	if err := w.layEvents(ctx, largeCompany, w.o.people, w.o.events); err != nil {
		return err
	}
	if err := w.run(ctx, rebuild...); err != nil {
		return fmt.Errorf("make indexes: %w", err)
	}
	if w.engine == "postgres" {
		return w.run(ctx, "VACUUM ANALYZE")
	}
	return w.run(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
}

func (w *world) analyze(ctx context.Context, table string) error {
	if w.engine != "postgres" {
		return nil
	}
	return w.run(ctx, "ANALYZE "+table)
}

func (w *world) companyItem(i int) item { return item{user: i, serial: uint64(i)} }

func (w *world) run(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := w.db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.60s: %w", s, err)
		}
	}
	return nil
}

// layMethods gives every third person of a company an authenticator app, and every ninth text messages as well.
func (w *world) layMethods(ctx context.Context, c asker) error {
	app := []recipe{w.authenticators("totp")}
	if err := w.lay(ctx, app, c.people/3, func(i int) item { return w.member(c.company, 3*i+1) }); err != nil {
		return err
	}
	texts := []recipe{w.authenticators("sms")}
	if err := w.lay(ctx, texts, c.people/9, func(i int) item { return w.member(c.company, 9*i+1) }); err != nil {
		return err
	}
	now := time.Now().UnixMicro()
	return w.lay(ctx, w.recipes(setSession), c.people/10, func(i int) item {
		it := w.member(c.company, 10*i)
		it.shift = now - 5*hourMicros - w.pattern.started
		return it
	})
}

// vary gives people names, roles and states. Numbers of people are read from their addresses.
func (w *world) vary(ctx context.Context) error {
	n := fmt.Sprintf("(CAST(substr(email_key, 8, 9) AS BIGINT) / %d)", w.tenants)
	in := fmt.Sprintf(" WHERE tenant_id IN ('%s', '%s')", companyID(largeCompany), companyID(smallCompany))
	now := time.Now().UnixMicro()
	return w.run(ctx,
		"UPDATE users SET name = "+pick(n, firstNames)+" || ' ' || "+pick(n+" / 7", lastNames)+
			", role = CASE WHEN "+n+" % 500 = 0 THEN 'owner' WHEN "+n+" % 100 = 1 THEN 'admin' WHEN "+n+
			" % 50 = 2 THEN 'supervisor' ELSE 'agent' END"+
			", disabled_at = CASE WHEN "+n+" % 97 = 5 THEN created_at ELSE 0 END"+
			", first_factor_at = CASE WHEN "+n+" % 3 = 1 THEN created_at ELSE 0 END"+
			", signed_in_at = CASE WHEN "+n+" % 20 < 3 THEN 0 ELSE "+strconv.FormatInt(now-dayMicros, 10)+" - "+n+
			" END"+in,
		"DELETE FROM passwords"+in+" AND user_id IN (SELECT u.id FROM users u"+in+" AND "+n+" % 33 = 7)",
		"UPDATE tenants SET kind = 'vendor' WHERE tenant_id = '"+companyID(vendorCompany)+"'",
		"UPDATE users SET role = 'operator' WHERE tenant_id = '"+companyID(vendorCompany)+"'",
		"UPDATE tenants SET suspended_at = 1 WHERE tenant_id > '"+companyID(vendorCompany)+
			"' AND tenant_id LIKE '%77'")
}

// pick is one of some words, by a number.
func pick(n string, words []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CASE %s %% %d", n, len(words))
	for i, word := range words {
		fmt.Fprintf(&b, " WHEN %d THEN '%s'", i, word)
	}
	return b.String() + " END"
}

// adoption is what was counted of a company on each day.
func (w *world) adoption() recipe {
	r := recipe{
		table:   "adoption_days",
		columns: []string{"tenant_id", "day", "people", "activated", "pending", "counted_at"},
	}
	today := time.Now().UTC().Truncate(24 * time.Hour).UnixMicro()
	for d := range adoptionDays {
		at, all := today-int64(d)*dayMicros, int64(100-d/9)
		is := func(v int64) cell { return func(item) any { return v } }
		r.rows = append(r.rows, []cell{w.tenantCell, is(at), is(all), is(all - 20), is(20), is(at + 23*hourMicros)})
	}
	return r
}

func (w *world) tenantCell(it item) any { return w.tenantOf(it) }

// delivery is what became of the messages of a company in each hour of a week.
func (w *world) delivery() recipe {
	counts := []string{"accepted", "delivered", "delayed", "bounced", "failed", "timed", "within_2", "within_10",
		"within_30", "within_60", "within_300"}
	values := []int64{5, 1, 0, 0, 0, 6, 3, 5, 6, 6, 6}
	r := recipe{
		table:   "delivery_hours",
		columns: append([]string{"tenant_id", "channel", "destination", "hour", "last_problem"}, counts...),
	}
	now := time.Now().UTC().Truncate(time.Hour).UnixMicro()
	for h := range deliveryHours {
		cells := []cell{
			w.tenantCell,
			func(item) any { return "email" },
			func(it item) any { return fmt.Sprintf("mail-%d.example.test", it.user%200) },
			func(item) any { return now - int64(h)*hourMicros },
			func(item) any { return "" },
		}
		for _, v := range values {
			cells = append(cells, func(item) any { return v })
		}
		r.rows = append(r.rows, cells)
	}
	return r
}

// kindOf is what a copy of an audit event is about. Of a thousand, so many are of each kind; the rest are sign-ins.
type kindOf struct {
	upTo                   uint64
	action, result, method string
	byOwner                bool
}

var kinds = []kindOf{
	{1, "tenant.methods", "ok", "", true},
	{3, "user.invited", "ok", "", true},
	{4, "signin.second_factor", "refused", "email", false},
	{10, "method.added", "ok", "totp", false},
	{25, "signin.password", "failed", "password", false},
	{40, "signin.second_factor", "failed", "email", false},
	{60, "session.ended", "ok", "", false},
	{120, "token.issued", "ok", "", false},
	{380, "signin.password", "ok", "password", false},
	{540, "challenge.sent", "ok", "email", false},
	{770, "signin.second_factor", "ok", "email", false},
	{1000, "signin.completed", "ok", "", false},
}

// event is one copy of an audit event.
type event struct {
	i, n   int
	at     int64
	who    string
	number uint64
	kindOf
}

// eventOf chooses of whom the i-th of n events is. They are evenly spread over the days.
func eventOf(i, n int, people []string, now int64) event {
	h := uint64(i)*0x9E3779B97F4A7C15 ^ 0xD1B54A32D192ED03
	h ^= h >> 29
	h *= 0xBF58476D1CE4E5B9
	h ^= h >> 32
	e := event{
		i:      i,
		n:      n,
		number: h,
		who:    people[h%uint64(len(people))],
	}
	e.at = now - int64(n-i)*(historyDays*dayMicros/int64(n))
	e.kindOf = kinds[slices.IndexFunc(kinds, func(k kindOf) bool { return h/7%1000 < k.upTo })]
	return e
}

func (e event) address() string {
	switch {
	case e.i == 0:
		return rareAddress
	case e.number%3 == 0:
		return officeAddress
	}
	return addressOf(e.number % 50_000)
}

func (e event) request() string {
	if e.i == e.n/2 {
		return rareRequest
	}
	return strings.ToUpper(strings.NewReplacer("0", "a", "1", "b", "8", "c", "9", "d").Replace(
		fmt.Sprintf("%026x", e.number)))
}

var eventColumns = []string{"tenant_id", "id", "at", "action", "result", "actor_id", "user_id", "client_id", "method",
	"level", "subject_id", "request_id", "reason", "ip", "place", "browser", "personal_salt", "personal_hash", "seq",
	"chain"}

// layEvents lays audit events that look linked, so that the sealer leaves them alone. The hashes in them are made up:
// verifying this chain fails.
func (w *world) layEvents(ctx context.Context, company, size, n int) error {
	people := make([]string, size)
	for i := range people {
		people[i] = w.userOf(w.member(company, i))
	}
	now, bytes := time.Now().UnixMicro(), make([]byte, 32)
	var e event
	of := func(f func() any) cell { return func(item) any { return f() } }
	is := func(v any) cell { return func(item) any { return v } }
	cells := []cell{
		func(it item) any { e = eventOf(int(it.serial), n, people, now); return companyID(company) },
		of(func() any { return secret.NewID(time.UnixMicro(e.at), 0) }),
		of(func() any { return e.at }),
		of(func() any { return e.action }), of(func() any { return e.result }),
		of(func() any {
			if e.byOwner {
				return people[0]
			}
			return e.who
		}),
		of(func() any { return e.who }),
		is(w.pattern.clientID),
		of(func() any { return e.method }), is("urn:countersign:acr:1e"),
		is(idOf(1, 1)), of(func() any { return e.request() }), is(""), of(func() any { return e.address() }),
		is("Madrid, ES"), is("Chrome on macOS"), is(bytes[:16]), is(bytes),
		func(it item) any { return int64(it.serial) + 1 }, is(bytes),
	}
	r := recipe{table: "audit_events", columns: eventColumns, rows: [][]cell{cells}}
	err := w.lay(ctx, []recipe{r}, n, func(i int) item { return item{serial: uint64(i)} })
	if err != nil {
		return err
	}
	tenant := companyID(company)
	seal := w.keys.MAC("audit.head", tenant, strconv.Itoa(n), string(bytes))
	_, err = w.db.ExecContext(ctx, "DELETE FROM audit_heads WHERE tenant_id = $1", tenant)
	if err == nil {
		_, err = w.db.ExecContext(ctx,
			"INSERT INTO audit_heads (tenant_id, seq, chain, seal) VALUES ($1, $2, $3, $4)", tenant, n, bytes, seal)
	}
	return err
}

// dropEventIndexes takes the indexes of audit events away, and returns the statements that make them again: so it is
// many times faster.
func (w *world) dropEventIndexes(ctx context.Context) (rebuild []string, err error) {
	query := `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'audit_events' AND sql IS NOT NULL`
	if w.engine == "postgres" {
		query = `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
			AND tablename = 'audit_events' AND indexname NOT LIKE '%_pkey'`
	}
	rows, err := w.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var drop []string
	for rows.Next() {
		var name, made string
		if err := rows.Scan(&name, &made); err != nil {
			return nil, err
		}
		drop, rebuild = append(drop, "DROP INDEX "+name), append(rebuild, made)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	_ = rows.Close()
	return rebuild, w.run(ctx, drop...)
}
