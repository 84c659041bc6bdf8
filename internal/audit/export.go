package audit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/internal/db"
)

// Exported is one event of an audit copy: a line of JSON.
type Exported struct {
	Tenant    string    `json:"tenant_id"`
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Seq       int64     `json:"seq,omitempty"` // place in the tenant's chain; absent = not linked yet
	Action    Action    `json:"action"`
	Result    Result    `json:"result"`
	ActorID   string    `json:"actor_id,omitempty"`
	UserID    string    `json:"user_id,omitempty"`
	ClientID  string    `json:"client_id,omitempty"`
	Method    string    `json:"method,omitempty"`
	Level     string    `json:"level,omitempty"`
	SubjectID string    `json:"subject_id,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	IP        string    `json:"ip,omitempty"`
	Place     string    `json:"place,omitempty"`
	Browser   string    `json:"browser,omitempty"`
}

func exported(tenant string, r Row) Exported {
	return Exported{
		Tenant:    tenant,
		ID:        r.ID,
		At:        r.At.UTC(),
		Seq:       r.Seq,
		Action:    r.Action,
		Result:    r.Result,
		ActorID:   r.ActorID,
		UserID:    r.UserID,
		ClientID:  r.ClientID,
		Method:    r.Method,
		Level:     r.Level,
		SubjectID: r.SubjectID,
		RequestID: r.RequestID,
		Reason:    r.Reason,
		IP:        r.IP,
		Place:     r.Place,
		Browser:   r.Browser,
	}
}

// exportedAtOnce is how many rows one query of an export reads.
const exportedAtOnce = 1000

// Export writes the events of every company and of the installation since an instant, one
// line of JSON each, oldest first within a company. It returns how many.
func Export(ctx context.Context, d *db.DB, w io.Writer, since time.Time) (n int, err error) {
	tenants, err := Tenants(ctx, d)
	if err != nil {
		return 0, err
	}
	out := json.NewEncoder(w)
	for _, tenant := range tenants {
		for after := ""; ; {
			rows, err := oldest(ctx, d, tenant, since, after)
			if err != nil {
				return n, err
			}
			for _, r := range rows {
				if err := out.Encode(exported(tenant, r)); err != nil {
					return n, err
				}
			}
			n += len(rows)
			if len(rows) < exportedAtOnce {
				break
			}
			after = rows[len(rows)-1].ID
		}
	}
	return n, nil
}

func oldest(ctx context.Context, d *db.DB, tenant string, since time.Time, after string) (out []Row, err error) {
	err = d.View(ctx, tenant, func(tx *db.Tx) error {
		out, err = events(ctx, tx, `SELECT `+columns+` FROM audit_events
			WHERE tenant_id = $1 AND at >= $2 AND id > $3 ORDER BY id LIMIT $4`, tenant, since, after, exportedAtOnce)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("export audit events of %s: %w", tenant, err)
	}
	return out, nil
}

// ReadExport calls fn with every event of an audit copy. Several exports in one file are
// fine, also with events in common. An error names the line.
func ReadExport(r io.Reader, fn func(Exported) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var e Exported
		err := json.Unmarshal(lines.Bytes(), &e)
		if err == nil && (e.Tenant == "" || e.ID == "" || e.Action == "" || e.At.IsZero()) {
			err = errors.New("it is not an event: tenant_id, id, at and action are needed")
		}
		if err == nil {
			err = fn(e)
		}
		if err != nil {
			return fmt.Errorf("line %d of the audit copy: %w", n, err)
		}
	}
	return lines.Err()
}
