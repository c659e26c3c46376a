-- name: claim
-- A request with an Idempotency-Key begins, unless one with that key has begun before.
INSERT OR IGNORE INTO answer (owner, key, at, asked) VALUES (?1, ?2, ?3, ?4);

-- name: answer
-- What was asked with an Idempotency-Key, and what was answered.
SELECT asked, sealed FROM answer WHERE owner = ?1 AND key = ?2;

-- name: keep_answer
-- A request was answered.
UPDATE answer SET sealed = ?3 WHERE owner = ?1 AND key = ?2;

-- name: drop_claim
-- A request made nothing: its key is free again.
DELETE FROM answer WHERE owner = ?1 AND key = ?2;

-- name: forget_old_answer
-- A key that is older than keys are known may be used again.
DELETE FROM answer WHERE owner = ?1 AND key = ?2 AND at < ?3;

-- name: forget_answers
-- Keys that are older than keys are known.
DELETE FROM answer WHERE at < ?1;
