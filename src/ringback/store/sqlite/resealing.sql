-- name: sealed_endpoints
-- What is encrypted of endpoints.
SELECT id, sealed FROM endpoint WHERE sealed IS NOT NULL;

-- name: sealed_answers
-- What is encrypted of answers.
SELECT owner, key, sealed FROM answer WHERE sealed IS NOT NULL;

-- name: sealed_voices
-- What is encrypted of numbers.
SELECT account, number, voice FROM number WHERE voice IS NOT NULL;

-- name: reseal_voice
-- The same, encrypted anew.
UPDATE number SET voice = ?3 WHERE account = ?1 AND number = ?2;

-- name: reseal_endpoint
-- The same, encrypted anew.
UPDATE endpoint SET sealed = ?2 WHERE id = ?1;

-- name: reseal_answer
-- The same, encrypted anew.
UPDATE answer SET sealed = ?3 WHERE owner = ?1 AND key = ?2;
