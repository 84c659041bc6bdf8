package walk

// companyRoutes are what the pages for administrators answer to an agent, who administers nothing.
var companyRoutes = map[string]opened{
	"GET /company": {
		"303 /signin", "303 /signin", "303 /signin", "303 /company/users", "303 /signin", "303 /company/users",
	},
	"HEAD /company": {
		"303 /signin", "303 /signin", "303 /signin", "303 /company/users", "303 /signin", "303 /company/users",
	},
	"GET /company/users": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/users": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/users": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/users/import": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/users/import": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/users/import": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/users/new": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/users/new": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/users/{id}": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/{id}/role": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}/role": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/role": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/{id}/address": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}/address": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/address": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/invite": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/{id}/withdraw-invitation": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}/withdraw-invitation": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/withdraw-invitation": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/methods/restore": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/{id}/reset": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}/reset": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/reset": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/{id}/sign-out": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}/sign-out": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/sign-out": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/{id}/disable": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}/disable": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/disable": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/{id}/enable": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}/enable": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/enable": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/remind": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/users/remind": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/users/remind": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/users/{id}/remind": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/export": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/assurance": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/assurance": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/check": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/check": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/check/trial": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/check/trial": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/check/trial": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/check/trial/end": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/disable": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/disable": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/disable": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/methods": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/methods": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/methods": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/days": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/networks": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/networks": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/networks": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/roles": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/steps": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/apps": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/set-up-time": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/lock": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/enable": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/enable": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/enable": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/enable/code": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/enable/code": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/enable/code": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/enable/resend": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/enable/resend": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/enable/resend": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/enable/choose": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/enable/choose": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/enable/choose": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/security/enable/confirm": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/security/enable/confirm": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/security/enable/confirm": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/activity": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/activity": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/sharing": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/sharing": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/users/{id}/exempt": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/users/{id}/exempt": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/exempt": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/users/{id}/exempt/end": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/users/bulk": {
		"303 /signin", "303 /signin", "303 /signin", "303 /company/users", "303 /signin", "303 /company/users",
	},
	"HEAD /company/users/bulk": {
		"303 /signin", "303 /signin", "303 /signin", "303 /company/users", "303 /signin", "303 /company/users",
	},
	"POST /company/users/bulk": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/bulk/{id}": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/bulk/{id}": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"GET /company/bulk/{id}/progress": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"HEAD /company/bulk/{id}/progress": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/bulk/{id}/stop": {
		"303 /signin", "303 /signin", "303 /signin", "404", "303 /signin", "404",
	},
	"POST /company/security/ask": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"GET /company/branding": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"HEAD /company/branding": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/branding": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/branding/logo": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/branding/defaults": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
	"POST /company/activity/export": {
		"303 /signin", "303 /signin", "303 /signin", "403", "303 /signin", "403",
	},
}
