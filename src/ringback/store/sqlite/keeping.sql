-- name: account
-- The number of one account.
SELECT n FROM account WHERE id = ?1;

-- name: add_audit
-- A change that somebody made.
INSERT INTO audit (id, account, body) VALUES (?1, ?2, ?3);

-- name: audit_of_account
-- An account's changes, newest first.
SELECT body FROM audit WHERE account = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3;

-- name: audit_of_all
-- All changes, newest first.
SELECT body FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: put_erasure
-- An erasure is made, or has come further.
INSERT INTO erasure (id, account, running, body) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE SET running = excluded.running, body = excluded.body;

-- name: erasure
-- One erasure of an account.
SELECT body FROM erasure WHERE id = ?1 AND account = ?2;

-- name: erasures
-- An account's erasures, newest first.
SELECT body FROM erasure WHERE account = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3;

-- name: running_erasures
-- Erasures that have something left to do.
SELECT body FROM erasure WHERE running = 1 ORDER BY id;

-- name: roots_of_numbers
-- Conversations with a leg from or to one of these numbers (hashes).
SELECT call.root FROM json_each(?1) AS wanted
CROSS JOIN call_by_number AS list ON list.number = wanted.value CROSS JOIN call ON call.n = list.n WHERE call.n <= ?2;

-- name: roots_of_numbers_unlisted
-- The same, of calls that no list holds yet.
SELECT root FROM call WHERE n > (SELECT up_to FROM listed WHERE list = 'call') AND n <= ?2
AND (caller IN (SELECT value FROM json_each(?1)) OR callee IN (SELECT value FROM json_each(?1)));

-- name: lives
-- All lives of a call, by the hash of its key.
SELECT n, root, version, told, body FROM call_line WHERE key = ?1 ORDER BY generation DESC;

-- name: span_end
-- The last of the next events.
SELECT max(id) FROM (SELECT id FROM event WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3);

-- name: events_with
-- Events of an account in which some bytes stand.
SELECT event.root, event.body FROM event CROSS JOIN call ON call.n = event.root
WHERE event.id > ?1 AND event.id <= ?2 AND call.account = ?3 AND instr(event.body, ?4) > 0;

-- name: legs
-- The calls of a conversation as they are now.
SELECT n, root, version, told, body FROM call_line WHERE n = ?1
UNION ALL SELECT n, root, version, told, body FROM call_line WHERE root = ?1 AND root <> n;

-- name: deliveries_of
-- The deliveries of a conversation.
SELECT id, endpoint FROM delivery WHERE root = ?1 ORDER BY id;

-- name: count_events
-- How many events a conversation has.
SELECT count(*) FROM event WHERE root = ?1;

-- name: audit_bodies
-- An account's changes, to look for a word.
SELECT id, body FROM audit WHERE account = ?1;

-- name: rewrite_audit
-- A change without the word.
UPDATE audit SET body = ?2 WHERE id = ?1;

-- name: resend_bodies
-- An account's bulk resends, to look for a word.
SELECT id, body FROM resend_job WHERE account = ?1;

-- name: rewrite_resend
-- A bulk resend without the word.
UPDATE resend_job SET body = ?2 WHERE id = ?1;

-- name: forget_notes
-- The operator's lines with a word.
DELETE FROM note WHERE instr(text, ?1) > 0;

-- name: find_told
-- Update ids that keep the id of one of these calls.
SELECT 3, hash FROM seen_recent WHERE call IN (SELECT value FROM json_each(?1))
UNION ALL SELECT 0, hash FROM seen_0 WHERE call IN (SELECT value FROM json_each(?1))
UNION ALL SELECT 1, hash FROM seen_1 WHERE call IN (SELECT value FROM json_each(?1))
UNION ALL SELECT 2, hash FROM seen_2 WHERE call IN (SELECT value FROM json_each(?1));

-- name: untell_seen_3
-- An update id stays known, and the call's id does not.
UPDATE seen_recent SET call = '' WHERE hash = ?1;

-- name: untell_seen_0
-- An update id stays known, and the call's id does not.
UPDATE seen_0 SET call = '' WHERE hash = ?1;

-- name: untell_seen_1
-- An update id stays known, and the call's id does not.
UPDATE seen_1 SET call = '' WHERE hash = ?1;

-- name: untell_seen_2
-- An update id stays known, and the call's id does not.
UPDATE seen_2 SET call = '' WHERE hash = ?1;
