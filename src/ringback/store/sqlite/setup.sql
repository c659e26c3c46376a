-- name: add_installation
-- A fact of the installation that is made once.
INSERT OR IGNORE INTO installation (name, value) VALUES (?1, ?2);

-- name: installation
-- A fact of the installation.
SELECT value FROM installation WHERE name = ?1;

-- name: add_first_turn
-- The first generation of update ids starts when the store is made.
INSERT INTO seen_turn (turn, since) SELECT 0, ?1 WHERE NOT EXISTS (SELECT 1 FROM seen_turn);

-- name: last_id
-- The largest id of anything.
SELECT max(
  coalesce((SELECT max(id) FROM event), 0), coalesce((SELECT max(id) FROM delivery), 0), coalesce((SELECT max(n) FROM call), 0),
  coalesce((SELECT max(id) FROM endpoint), 0), coalesce((SELECT max(id) FROM api_key), 0),
  coalesce((SELECT max(id) FROM resend_job), 0), coalesce((SELECT max(id) FROM audit), 0), coalesce((SELECT max(id) FROM erasure), 0),
  coalesce((SELECT max(id) FROM portal_session), 0), coalesce((SELECT max(id) FROM portal_link), 0)
);

-- name: put_account
-- An account is made, or what is known of it changes.
INSERT INTO account (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body;

-- name: accounts
-- Every account.
SELECT body FROM account ORDER BY n;

-- name: account
-- The number of one account.
SELECT n FROM account WHERE id = ?1;

-- name: put_key
-- An API key is made, or what is known of it changes.
INSERT INTO api_key (id, hash, body) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, body = excluded.body;

-- name: keys
-- Every API key.
SELECT body, used_at FROM api_key ORDER BY id;

-- name: touch_key
-- An API key was used.
UPDATE api_key SET used_at = ?2 WHERE id = ?1;

-- name: delete_key
-- An API key goes.
DELETE FROM api_key WHERE id = ?1;

-- name: put_endpoint
-- An endpoint is made or changes; one that was deleted stays so.
INSERT INTO endpoint (id, account, body, sealed) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE SET account = excluded.account, body = excluded.body, sealed = excluded.sealed WHERE deleted_at IS NULL;

-- name: endpoints
-- Every endpoint that is not deleted.
SELECT id, body, sealed FROM endpoint WHERE deleted_at IS NULL ORDER BY id;

-- name: delete_endpoint
-- An endpoint goes, and its secrets with it; its deliveries stay.
UPDATE endpoint SET deleted_at = ?2, sealed = NULL WHERE id = ?1 AND deleted_at IS NULL;

-- name: forget_endpoints
-- Endpoints that were deleted before a moment.
DELETE FROM endpoint WHERE deleted_at IS NOT NULL AND deleted_at < ?1;

-- name: put_health
-- How an endpoint fares now; one that was deleted has no health.
INSERT INTO endpoint_health (endpoint, body) SELECT id, ?2 FROM endpoint WHERE id = ?1 AND deleted_at IS NULL
ON CONFLICT (endpoint) DO UPDATE SET body = excluded.body;

-- name: forget_health
-- An endpoint is healthy, or deleted.
DELETE FROM endpoint_health WHERE endpoint = ?1;

-- name: healths
-- How every endpoint fares that is not healthy.
SELECT endpoint, body FROM endpoint_health;

-- name: secret_keys_in_use
-- The ids of the secret keys that something is encrypted with.
SELECT substr(sealed, 1, 4) FROM endpoint WHERE sealed IS NOT NULL
UNION SELECT substr(voice, 1, 4) FROM number WHERE voice IS NOT NULL;

-- name: put_property
-- A property is made or changes.
INSERT INTO property (account, id, body) VALUES (?1, ?2, ?3) ON CONFLICT (account, id) DO UPDATE SET body = excluded.body;

-- name: properties
-- An account's properties.
SELECT body FROM property WHERE account = ?1 ORDER BY id;

-- name: all_properties
-- Every account's properties.
SELECT account.id, property.id, property.body FROM property JOIN account ON account.n = property.account;

-- name: delete_property
-- A property goes.
DELETE FROM property WHERE account = ?1 AND id = ?2;

-- name: put_number
-- A number is made or changes.
INSERT INTO number (account, number, body, voice) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (account, number) DO UPDATE SET body = excluded.body, voice = excluded.voice;

-- name: numbers
-- Every account's numbers.
SELECT account.id, number.body, number.voice, account.n
FROM number JOIN account ON account.n = number.account ORDER BY account.n, number.number;

-- name: delete_number
-- A number goes.
DELETE FROM number WHERE account = ?1 AND number = ?2;

-- name: add_note
-- A line for the operator.
INSERT INTO note (at, kind, text) VALUES (?1, ?2, ?3);

-- name: forget_notes
-- Only the newest lines are kept.
DELETE FROM note WHERE id <= ?1;

-- name: notes
-- The operator's lines, newest first.
SELECT at, kind, text FROM note ORDER BY id DESC LIMIT ?1;

-- name: notes_of_kind
-- The operator's lines of one kind, newest first.
SELECT at, kind, text FROM note WHERE kind = ?1 ORDER BY id DESC LIMIT ?2;

-- name: probe
-- A write that says whether writes work.
INSERT INTO installation (name, value) VALUES ('probe', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: count_open_deliveries
-- Deliveries that are not done, by state: counted through their index.
SELECT state, count(*) FROM delivery WHERE state <= 4 GROUP BY state;

-- name: count_open_calls
-- Calls without an end.
SELECT count(*) FROM call WHERE open_since IS NOT NULL;
