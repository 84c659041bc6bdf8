package rig

import (
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Receiver is a browser whose user allows notifications, and which subscribes to a push
// service of the test's choice: the browser's own is far away.
type Receiver struct {
	b   *Browser
	ids chan serviceworker.RegistrationID
}

// Receives makes the tab one that allows notifications. The page is asked to subscribe to
// subscription (JSON) in place of the browser's push service by Subscribes.
func (b *Browser) Receives() *Receiver {
	b.t.Helper()
	r := &Receiver{b: b, ids: make(chan serviceworker.RegistrationID, 64)}
	b.must(chromedp.Listen(b.ctx, func(ev any) {
		if e, ok := ev.(*serviceworker.EventWorkerRegistrationUpdated); ok {
			for _, reg := range e.Registrations {
				select {
				case r.ids <- reg.RegistrationID:
				default:
				}
			}
		}
	}))
	_, err := chromedp.Call(b.ctx, serviceworker.Enable, cdp.Empty{})
	b.must(err)
	tab, err := chromedp.Call(b.ctx, target.GetTargetInfo, target.GetTargetInfoParams{})
	b.must(err)
	_, err = chromedp.Call(b.ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission:       &browser.PermissionDescriptor{Name: "notifications"},
		Setting:          browser.PermissionSettingGranted,
		Origin:           PublicURL,
		BrowserContextID: tab.TargetInfo.BrowserContextID,
	})
	b.must(err)
	return r
}

// Subscribes lets the page that is open now subscribe elsewhere. The key that the page asks
// with is left in sessionStorage.askedWith.
func (r *Receiver) Subscribes(subscription string) {
	r.b.t.Helper()
	Eval[bool](r.b, `(() => {
		PushManager.prototype.getSubscription = async () => null
		PushManager.prototype.subscribe = async (o) => {
			sessionStorage.askedWith = o.userVisibleOnly + ' ' +
				btoa(String.fromCharCode(...new Uint8Array(o.applicationServerKey)))
			return { toJSON: () => JSON.parse(`+strconv.Quote(subscription)+`) }
		}
		return true
	})()`)
}

// Push hands a push that was decrypted to the page's service worker, as the browser would.
func (r *Receiver) Push(t testing.TB, plain []byte) {
	t.Helper()
	var id serviceworker.RegistrationID
	select {
	case id = <-r.ids:
	case <-time.After(Slack * 10 * time.Second):
		t.Fatal("no service worker is registered")
	}
	r.ids <- id
	_, err := chromedp.Call(r.b.ctx, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{
		Origin:         PublicURL,
		RegistrationID: id,
		Data:           string(plain),
	})
	r.b.must(err)
}
