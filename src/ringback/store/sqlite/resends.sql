-- name: add_resend
-- A bulk resend is made.
INSERT INTO resend_job (id, account, state, cursor, made, unmade, finished_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: end_resend
-- A bulk resend is over, unless it was before.
UPDATE resend_job SET state = ?2, finished_at = ?3 WHERE id = ?1 AND state = 1;

-- name: resends
-- An account's bulk resends, newest first.
SELECT id, state, cursor, made, unmade, finished_at, body FROM resend_job WHERE account = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3;

-- name: resend
-- One bulk resend of an account.
SELECT id, state, cursor, made, unmade, finished_at, body FROM resend_job WHERE id = ?1 AND account = ?2;

-- name: running_resends
-- Bulk resends that have something left to do.
SELECT id, state, cursor, made, unmade, finished_at, body FROM resend_job WHERE state = 1 ORDER BY id;

-- name: resend_states
-- What became of the deliveries that a bulk resend made, counted through their index.
SELECT state, count(*) FROM delivery WHERE job = ?1 GROUP BY state;

-- name: resend_waiting
-- Deliveries of a bulk resend that had no attempt yet, by endpoint.
SELECT endpoint, count(*) FROM delivery WHERE job = ?1 AND state = 2 GROUP BY endpoint;

-- name: open_resends
-- What a bulk resend made and is not done.
SELECT id, endpoint FROM delivery WHERE job = ?1 AND state <= 4;

-- name: cancel_resends
-- What a bulk resend made and is not done becomes cancelled (7), but for these.
UPDATE delivery SET state = 7, finished_at = ?2
WHERE job = ?1 AND state <= 4 AND id NOT IN (SELECT wanted.value FROM json_each(?3) AS wanted);

-- name: look_newest
-- Deliveries that no list holds yet.
SELECT id FROM delivery WHERE id > :filled AND id > :after AND id < :before AND account = :account ORDER BY id LIMIT :limit;

-- name: look_by_account
-- An account's deliveries.
SELECT id FROM delivery_by_account WHERE account = :account AND id > :after AND id < :before ORDER BY id LIMIT :limit;

-- name: look_by_endpoint
-- An endpoint's deliveries.
SELECT id FROM delivery_by_endpoint WHERE endpoint = :endpoint AND id > :after AND id < :before ORDER BY id LIMIT :limit;

-- name: look_by_number
-- Deliveries of the conversations and legs from or to a number.
SELECT id FROM delivery_by_number WHERE number = :number AND id > :after AND id < :before ORDER BY id LIMIT :limit;

-- name: look_by_name
-- An account's deliveries of one event name.
SELECT id FROM delivery_by_name WHERE account = :account AND name = :name AND id > :after AND id < :before ORDER BY id LIMIT :limit;

-- name: look_failed
-- An account's deliveries in one of the states without success.
SELECT id FROM delivery WHERE account = :account AND state > 5 AND state = :state AND id > :after AND id < :before
ORDER BY id LIMIT :limit;

-- name: look_failed_of_endpoint
-- An endpoint's deliveries in one of the states without success.
SELECT id FROM delivery WHERE endpoint = :endpoint AND state > 5 AND state = :state AND id > :after AND id < :before
ORDER BY id LIMIT :limit;

-- name: deliveries_of_number
-- How many deliveries a number has in its list, counted no further than a limit.
SELECT count(*) FROM (SELECT 1 FROM delivery_by_number WHERE number = ?1 LIMIT ?2);

-- name: look_by_root
-- A conversation's deliveries, or those of one leg of it.
SELECT id FROM delivery WHERE root = :root AND id > :after AND id < :before AND (:call IS NULL OR call = :call) ORDER BY id LIMIT :limit;

-- name: again
-- Which of these are to be resent: the newest of each event for an endpoint that has none in a state up to `settled`. No tests (4), replays (5), instructions (7).
SELECT d.id, d.endpoint FROM json_each(:ids) AS wanted CROSS JOIN delivery AS d ON d.id = wanted.value
WHERE d.account = :account AND d.state BETWEEN :low AND :high AND d.kind NOT IN (4, 5, 7)
  AND (:endpoint IS NULL OR d.endpoint = :endpoint) AND (:name IS NULL OR d.name = :name)
  AND (:number IS NULL OR EXISTS (
    SELECT 1 FROM call WHERE call.n IN (d.root, d.call) AND (call.caller = :number OR call.callee = :number)
  ))
  AND NOT EXISTS (
    SELECT 1 FROM delivery AS other
    WHERE other.root = d.root AND other.event = d.event AND other.endpoint = d.endpoint AND other.id <> d.id AND other.kind NOT IN (4, 7)
      AND (other.state <= :settled OR (other.id > d.id AND other.id < :before AND other.state BETWEEN :low AND :high))
  );

-- name: jobs
-- Deliveries with their events.
SELECT line.* FROM json_each(?1) AS wanted CROSS JOIN delivery_line AS line ON line.id = wanted.value;
