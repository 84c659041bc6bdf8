package web

import (
	"net/http"
	"time"
)

// Stories is the error page in its states.
func Stories() []Story {
	const id = "7QZK2M4XN5T6B3WEPLRAVHDYCJ"
	return []Story{
		{"error/internal", http.StatusInternalServerError, errorPage{
			Status:    500,
			Message:   "error.internal",
			RequestID: id,
		}},
		{"error/not-found", http.StatusNotFound, errorPage{Status: 404, Message: "error.not_found", RequestID: id}},
		{"error/misdirected", http.StatusMisdirectedRequest, errorPage{
			Status:    421,
			Message:   "error.misdirected",
			RequestID: id,
		}},
		{"error/cross-origin", http.StatusForbidden, errorPage{
			Status:    403,
			Message:   "error.cross_origin",
			RequestID: id,
		}},
		{"error/rate-limited", http.StatusTooManyRequests, errorPage{
			Status:    429,
			Message:   "error.rate_limited",
			RequestID: id,
			Wait:      90 * time.Second,
		}},
		{"error/unavailable", http.StatusServiceUnavailable, errorPage{
			Status:    503,
			Message:   "error.unavailable",
			RequestID: id,
			Wait:      10 * time.Second,
		}},
	}
}
