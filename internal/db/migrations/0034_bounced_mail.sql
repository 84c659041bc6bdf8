-- Mail that came back, by person: the readiness report looks for it among everyone's mail.
CREATE INDEX messages_bounced ON messages (tenant_id, user_id) WHERE state = 'bounced';
