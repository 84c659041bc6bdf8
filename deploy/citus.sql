-- Distributes the tables by company over a Citus cluster. Run it once on the coordinator,
-- after "countersign migrate" and before the first sign-in:
--   psql -v ON_ERROR_STOP=1 -1 -f citus.sql "$DATABASE_URL"
--
-- Applied once to a Citus 12.1 cluster of a coordinator and two workers; not part of every test
-- run. What is tested each time: every table is listed here exactly once, what is distributed
-- begins its key with tenant_id, and every foreign key stays inside one company or between
-- reference tables. docs/scale.md says which statements cross companies.

-- The installation's own, and what finds the company of an address: the same everywhere.
SELECT create_reference_table('schema_migrations');
SELECT create_reference_table('migration_lock');
SELECT create_reference_table('installation');
SELECT create_reference_table('installation_texts');
SELECT create_reference_table('clients');
SELECT create_reference_table('client_uris');
SELECT create_reference_table('signing_keys');
SELECT create_reference_table('rsa_signing_keys');
SELECT create_reference_table('master_keys');
SELECT create_reference_table('canaries');
SELECT create_reference_table('standards');
SELECT create_reference_table('epochs');
SELECT create_reference_table('directory');
SELECT create_reference_table('mail_domains');
SELECT create_reference_table('passkey_directory');
SELECT create_reference_table('spent_challenges');
SELECT create_reference_table('push_keys');

-- Budgets that belong to no company lie together on one machine. A copy on every machine would
-- make each try wait for all of them.
SELECT create_distributed_table('installation_budgets', NULL, colocate_with => 'none', distribution_type => NULL);

-- One company lies on one machine, with everything that belongs to it.
SELECT create_distributed_table('tenants', 'tenant_id');
SELECT create_distributed_table('brands', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('users', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('authenticators', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('passwords', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('outofband_addresses', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('totp_secrets', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('backup_codes', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('passkeys', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('push_subscriptions', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('drafts', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('email_changes', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('shadow_results', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('activations', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('adoption_days', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('password_links', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('flows', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('admissions', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('challenges', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('sessions', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('remembered_browsers', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('authorization_codes', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('refresh_families', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('budgets', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('jobs', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('bulk_actions', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('bulk_people', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('messages', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('delivery_hours', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('message_costs', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('audit_events', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('text_answers', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('pending_audit_events', 'tenant_id', colocate_with => 'tenants');
SELECT create_distributed_table('audit_heads', 'tenant_id', colocate_with => 'tenants');
