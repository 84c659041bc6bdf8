package console

import (
	"net/http"
)

// download is an answer that becomes a file with its first byte, so that what fails before is an error page.
type download struct {
	http.ResponseWriter
	begun bool
}

func (d *download) Write(b []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
		d.Header().Set("Content-Disposition", `attachment; filename="activity.jsonl"`)
	}
	return d.ResponseWriter.Write(b)
}

// exportActivity answers with the whole activity, as a chain that can be verified elsewhere.
func (c *Console) exportActivity(w http.ResponseWriter, r *http.Request, a *administrator) error {
	file := &download{ResponseWriter: w}
	err := c.Company.ExportActivity(r.Context(), a.Actor, a.company(), file)
	if err != nil && file.begun {
		panic(http.ErrAbortHandler) // a file that breaks off must not look whole
	}
	return err
}
