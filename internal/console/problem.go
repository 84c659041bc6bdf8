package console

import (
	"net/http"
	"time"

	"countersign/internal/fault"
	"countersign/internal/pages"
	"countersign/internal/web"
)

// problem is what is wrong with a form, and how long it stays so.
type problem struct {
	Problem string        // catalogue key; empty = nothing
	Wait    time.Duration // 0 = not known
}

// drawProblem draws a form again with what is wrong with it; other errors are returned.
func (c *Console) drawProblem(
	w http.ResponseWriter, r *http.Request, err error, page func(problem) web.Page,
) error {
	f := fault.Of(err)
	if f.Kind != fault.Invalid && f.Kind != fault.Conflict && f.Kind != fault.RateLimited {
		return err
	}
	pages.SetRetryAfter(w, f.RetryAfter)
	return c.Web.Draw(w, r, web.Status(f.Kind), page(problem{f.Message, f.RetryAfter}))
}
