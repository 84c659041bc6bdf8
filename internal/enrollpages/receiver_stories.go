package enrollpages

import (
	"net/http"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/pages"
	"countersign/internal/web"
)

// receiverStories is a browser that receives codes: becoming one, and being one.
func receiverStories(now time.Time) []web.Story {
	const address = "https://sign-in.harbor.example" + InSession + "/push"
	drawn, _ := picture(address, "QR code of the address of this page") // a page without it fails its golden file
	begin := beginPage{
		Base:     InSession,
		Kind:     authenticator.Push,
		Progress: progress{2, 3},
		receiverBegin: receiverBegin{
			Key:     "BDd3_hVL9fZi9Ybo2UUzA284WG5FZR30_95YeZJsiApwXKpNcF1rRPF3foIiBHXRdJI2Qhumhf6_LFTeZaNndIo",
			Address: address,
			Picture: drawn,
		},
	}
	inFlow, twice, limited := begin, begin, begin
	inFlow.FlowRef, inFlow.Base, inFlow.Address, inFlow.Picture = pages.FlowRef{Flow: storyFlow}, InFlow, "", ""
	twice.Problem, limited.Problem, limited.Wait = "receiver.problem.twice", "receiver.problem.limit", 20*time.Minute
	first := cardPage{
		Base:     InSession,
		Kind:     authenticator.Push,
		Draft:    storyToken,
		Progress: progress{2, 3},
		Length:   6,
		Ends:     now.Add(10 * time.Minute),
		Delivery: pages.Delivery{Kind: authenticator.Push, State: "accepted", At: now},
	}
	wrong := first
	wrong.Problem, wrong.TriesLeft, wrong.Name = "code.problem.wrong", 4, "Kitchen phone"
	return []web.Story{
		{Name: "receiver/begin", Status: 200, Page: begin},
		{Name: "receiver/begin-in-sign-in", Status: 200, Page: inFlow},
		{Name: "receiver/begin-twice", Status: http.StatusConflict, Page: twice},
		{Name: "receiver/begin-limited", Status: http.StatusTooManyRequests, Page: limited},
		{Name: "receiver/first-code", Status: 200, Page: first},
		{Name: "receiver/first-code-wrong", Status: 422, Page: wrong},
	}
}
