-- Finds the audit rows that still hold a whole address, oldest first.
CREATE INDEX audit_events_personal ON audit_events (at) WHERE personal_salt IS NOT NULL AND seq > 0;
