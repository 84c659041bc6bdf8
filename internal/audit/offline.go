package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"countersign/internal/db"
)

// linked is one line of an exported chain: an event with what ties it to the one before.
type linked struct {
	Exported
	Salt     []byte `json:"personal_salt,omitempty"` // absent = address, place and browser were shortened
	Personal []byte `json:"personal_hash,omitempty"`
	Chain    []byte `json:"chain,omitempty"`
}

// chainEnd is the last line of an exported chain, so that a file that was cut off is not taken for a whole one.
type chainEnd struct {
	Tenant string `json:"tenant_id"`
	Seq    int64  `json:"seq"`
	Chain  []byte `json:"chain"`
}

type endLine struct {
	End *chainEnd `json:"chain_end"`
}

// chainLine is any line of an exported chain.
type chainLine struct {
	linked
	endLine
}

// ExportChain writes the linked events of a tenant, one line of JSON each, oldest first, with everything that
// VerifyExport needs, and a last line that says where the chain ends.
func ExportChain(ctx context.Context, d *db.DB, tenant string, w io.Writer) error {
	out := json.NewEncoder(w)
	end := chainEnd{Tenant: tenant, Chain: []byte{}}
	for {
		links, err := linksAfter(ctx, d, tenant, end.Seq)
		if err != nil {
			return fmt.Errorf("export audit chain of %s: %w", tenant, err)
		}
		for _, l := range links {
			line := linked{
				Exported: exported(tenant, l.Row),
				Salt:     l.salt,
				Personal: l.personal,
				Chain:    l.chain,
			}
			if err := out.Encode(line); err != nil {
				return err
			}
			end.Seq, end.Chain = l.Seq, l.chain
		}
		if len(links) < exportedAtOnce {
			return out.Encode(endLine{&end})
		}
	}
}

func linksAfter(ctx context.Context, d *db.DB, tenant string, seq int64) (out []link, err error) {
	err = d.View(ctx, tenant, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM audit_events
			WHERE tenant_id = $1 AND seq > $2 AND seq > 0 ORDER BY seq LIMIT $3`, tenant, seq, exportedAtOnce)
		out, err = db.Collect(rows, err, scanLink)
		return err
	})
	return out, err
}

// longestExported bounds a line of a file from outside.
const longestExported = 1 << 20

// VerifyExport checks the chain in a file of ExportChain. It needs neither a database nor a key: it finds every row
// that was changed, removed, added or put elsewhere, as long as the last line of the file is the one that was
// exported. An error means that the file is no such export.
func VerifyExport(r io.Reader) (Report, error) {
	v := exportCheck{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestExported)
	for n := 1; lines.Scan() && v.report.Intact(); n++ {
		var line chainLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return v.report, fmt.Errorf("line %d: %w", n, err)
		}
		v.take(line)
	}
	if err := lines.Err(); err != nil {
		return v.report, fmt.Errorf("read: %w", err)
	}
	if !v.ended {
		v.report.addProblem(v.last.ID, "the end of the chain is missing")
	}
	return v.report, nil
}

// exportCheck is the check of a file under way.
type exportCheck struct {
	report Report
	last   link
	ended  bool
}

func (v *exportCheck) take(line chainLine) {
	if v.ended {
		v.report.addProblem(line.ID, "there is something behind the end of the chain")
		return
	}
	if line.End != nil {
		v.ended = true
		v.begin(line.End.Tenant)
		if line.End.Seq != v.last.Seq {
			v.report.addProblem(v.last.ID, "%d row(s) after this one are missing", line.End.Seq-v.last.Seq)
		} else if !bytes.Equal(line.End.Chain, v.last.chain) {
			v.report.addProblem(v.last.ID, "the chain does not end as it was exported")
		}
		return
	}
	v.begin(line.Tenant)
	l := line.link()
	v.report.check(line.Tenant, v.last, &l)
	v.last = l
}

// begin notes whose chain it is, and refuses another one in the same file.
func (v *exportCheck) begin(tenant string) {
	if v.report.Tenant == "" {
		v.report.Tenant = tenant
	}
	if v.report.Tenant != tenant {
		v.report.addProblem("", "the file holds the chains of %s and %s", v.report.Tenant, tenant)
	}
}

// link is the row as the database holds it.
func (l linked) link() link {
	return link{
		Row: Row{
			ID:  l.ID,
			At:  l.At,
			Seq: l.Seq,
			Event: Event{
				Action:    l.Action,
				Result:    l.Result,
				ActorID:   l.ActorID,
				UserID:    l.UserID,
				ClientID:  l.ClientID,
				Method:    l.Method,
				Level:     l.Level,
				SubjectID: l.SubjectID,
				Reason:    l.Reason,
				Origin: Origin{
					RequestID: l.RequestID,
					IP:        l.IP,
					Place:     l.Place,
					Browser:   l.Browser,
				},
			},
		},
		salt:     l.Salt,
		personal: l.Personal,
		chain:    l.Chain,
	}
}
