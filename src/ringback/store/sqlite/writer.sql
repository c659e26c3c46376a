-- name: data_version
-- Changes when, and only when, another connection has written.
PRAGMA data_version;

-- name: find_calls
-- The newest life of each call, by the hash of its key.
SELECT line.n, line.root, line.version, line.told, line.body
FROM json_each(?1) AS wanted
CROSS JOIN call_line AS line ON line.key = wanted.value
  AND line.generation = (SELECT max(life.generation) FROM call AS life WHERE life.key = wanted.value);

-- name: find_lives
-- All lives of the calls with one hash, newest first: more than one call's only after a collision.
SELECT n, root, version, told, body, generation FROM call_line WHERE key = ?1 ORDER BY generation DESC;

-- name: calls_by_n
-- Calls by their numbers.
SELECT line.n, line.root, line.version, line.told, line.body
FROM json_each(?1) AS wanted CROSS JOIN call_line AS line ON line.n = wanted.value;

-- name: call_version
-- The version of one call now.
SELECT version FROM call WHERE n = ?1;

-- name: add_call
-- A call that is new.
INSERT INTO call (n, root, account, key, generation, version, open_since, caller, callee, told, body, status)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: move_call
-- A running call's new state, unless somebody moved it meanwhile.
UPDATE call SET version = ?2, told = ?3, body = ?4 WHERE n = ?1 AND version = ?5;

-- name: end_call
-- The state of a call that has its end: `open_since` and `status` stand in indexes, so a running call's statement leaves them alone.
UPDATE call SET version = ?2, told = ?3, body = ?4, open_since = NULL, status = ?6 WHERE n = ?1 AND version = ?5;

-- name: set_numbers
-- From and to of a call that told them later than its first word.
UPDATE call SET caller = ?2, callee = ?3 WHERE n = ?1;

-- name: set_crm
-- The id that a CRM knows a call by.
UPDATE call SET crm = ?2 WHERE n = ?1;

-- name: add_event
-- One event.
INSERT INTO event (id, root, call, body) VALUES (?1, ?2, ?3, ?4);

-- name: call_of_event
-- The call of an event that was stored before: a resend's.
SELECT call FROM event WHERE id = ?1;

-- name: add_delivery
-- One delivery.
INSERT INTO delivery (
  id, account, endpoint, event, root, call, name, kind, state, attempts, next_at, signed_at, finished_at, status, error, job
) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16);

-- name: release_delivery
-- A delivery that waited for facts is due; 1 << 40 is "no time".
UPDATE delivery SET state = 2, next_at = 1099511627776 WHERE id = ?1 AND state = 3;

-- name: write_result
-- What an attempt came to, unless the delivery is done: one that was cancelled meanwhile stays cancelled.
UPDATE delivery SET state = ?2, attempts = ?3, next_at = ?4, signed_at = ?5, finished_at = ?6, status = ?7, error = ?8
WHERE id = ?1 AND state <= 4;

-- name: move_resend
-- A bulk resend has come further.
UPDATE resend_job SET cursor = ?2, made = ?3, unmade = ?4 WHERE id = ?1;

-- name: find_account
-- The small number of an account.
SELECT n FROM account WHERE id = ?1;

-- name: find_name
-- The small number of an event name.
SELECT n FROM name WHERE text = ?1;

-- name: add_name
-- A new event name.
INSERT INTO name (text) VALUES (?1);

-- name: savepoint
-- One fold starts: what goes wrong until its release is undone alone.
SAVEPOINT fold;

-- name: release_savepoint
-- One fold is whole.
RELEASE fold;

-- name: undo_savepoint
-- One fold cannot be taken: nothing of it stays.
ROLLBACK TO fold;
