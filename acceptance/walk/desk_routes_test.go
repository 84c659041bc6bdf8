package walk

// deskPages are the pages of the vendor's staff; deskForms are also posted to, deskDeeds only.
var (
	deskPages = []string{"/desk", "/desk/companies", "/desk/companies/{id}", "/desk/companies/{id}/users",
		"/desk/adoption", "/desk/companies/{id}/adoption",
		"/desk/apps", "/desk/apps/{id}", "/desk/delivery", "/desk/why", "/desk/why/{language}/confirm"}
	deskForms = []string{
		"/desk/companies/new", "/desk/companies/{id}/suspend", "/desk/companies/{id}/resume", "/desk/decision",
		"/desk/companies/{id}/decision", "/desk/apps/new", "/desk/why/{language}",
	}
	deskDeeds = []string{
		"/desk/decision/confirm", "/desk/companies/{id}/decision/confirm", "/desk/apps/{id}/addresses",
		"/desk/apps/{id}/exempt", "/desk/apps/{id}/require", "/desk/apps/{id}/secret",
	}
)

// deskRoutes are what the pages of the vendor's staff answer to everyone else: they ask for a sign-in, and refuse.
func deskRoutes() map[string]opened {
	refused := opened{"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403"}
	out := map[string]opened{}
	for _, path := range append(deskPages, deskForms...) {
		out["GET "+path], out["HEAD "+path] = refused, refused
	}
	for _, path := range append(deskForms, deskDeeds...) {
		out["POST "+path] = refused
	}
	return out
}
