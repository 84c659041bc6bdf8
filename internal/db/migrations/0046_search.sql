-- Searching the activity of a company with millions of events. What signing in writes all the time is in neither of the
-- first two: a sign-in costs no more with them.
CREATE INDEX audit_events_rare ON audit_events (tenant_id, id)
    WHERE action NOT IN ('signin.password', 'signin.second_factor', 'signin.completed', 'challenge.sent', 'token.issued',
        'token.refreshed', 'session.ended');
CREATE INDEX audit_events_not_ok ON audit_events (tenant_id, result, id) WHERE result <> 'ok';

-- What came from an address.
CREATE INDEX audit_events_from ON audit_events (tenant_id, ip, id) WHERE ip <> '';

-- Lists and counts of people ask which methods of them work, and need not read the rows themselves. It serves whatever
-- the index before it did.
CREATE INDEX authenticators_state ON authenticators (tenant_id, user_id, kind, disabled_at);
DROP INDEX authenticators_of_user;

-- The few people who are more than agents.
CREATE INDEX users_with_role ON users (tenant_id, role, email_key) WHERE role <> 'agent';

-- The few hours in which messages were late or lost, and all hours of a destination.
CREATE INDEX delivery_hours_bad ON delivery_hours (channel, hour, destination)
    WHERE bounced + failed + delayed > 0 OR within_30 < timed;
CREATE INDEX delivery_hours_to ON delivery_hours (channel, destination, hour);

-- The chart of all companies adds up without reading the rows themselves.
CREATE INDEX adoption_days_sums ON adoption_days (day, tenant_id, people, activated, pending);
DROP INDEX adoption_days_by_day;
