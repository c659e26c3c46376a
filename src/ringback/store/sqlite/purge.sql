-- name: roots
-- An account's conversations, oldest first.
SELECT call.n FROM call_by_account AS list CROSS JOIN call ON call.n = list.n
WHERE list.account = ?1 AND list.n > ?2 AND list.n < ?3 AND call.root = call.n ORDER BY list.n LIMIT ?4;

-- name: alone
-- An account's deliveries of events that stand alone, oldest first.
SELECT id, root FROM delivery WHERE account = ?1 AND root = event AND id > ?2 AND id < ?3 ORDER BY id LIMIT ?4;

-- name: are_over
-- Which of these conversations are over, with nothing of them at or behind an id.
SELECT wanted.value FROM json_each(?1) AS wanted
WHERE NOT EXISTS (SELECT 1 FROM call WHERE call.n = wanted.value AND (call.account <> ?3 OR call.open_since IS NOT NULL))
  AND NOT EXISTS (SELECT 1 FROM call WHERE call.root = wanted.value AND call.root <> call.n AND call.open_since IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.root = wanted.value AND delivery.state <= 4)
  AND coalesce((SELECT max(event.id) FROM event WHERE event.root = wanted.value), 0) < ?2
  AND coalesce((SELECT max(delivery.id) FROM delivery WHERE delivery.root = wanted.value), 0) < ?2;

-- name: calls_of
-- The calls of conversations: number, root, hashes of their numbers.
SELECT call.n, call.root, call.caller, call.callee FROM json_each(?1) AS wanted CROSS JOIN call ON call.n = wanted.value
UNION ALL
SELECT call.n, call.root, call.caller, call.callee
FROM json_each(?1) AS wanted CROSS JOIN call ON call.root = wanted.value AND call.root <> call.n;

-- name: deliveries_of
-- The deliveries of conversations: id, endpoint, root, call, name.
SELECT delivery.id, delivery.endpoint, delivery.root, delivery.call, delivery.name
FROM json_each(?1) AS wanted CROSS JOIN delivery ON delivery.root = wanted.value;

-- name: forget_delivery
-- A delivery goes.
DELETE FROM delivery WHERE id = ?1;

-- name: forget_events
-- A conversation's events go.
DELETE FROM event WHERE root = ?1;

-- name: forget_call
-- A call goes.
DELETE FROM call WHERE n = ?1;

-- name: unlist_delivery_by_account
-- A delivery leaves a search list.
DELETE FROM delivery_by_account WHERE account = ?1 AND id = ?2;

-- name: unlist_delivery_by_endpoint
-- A delivery leaves a search list.
DELETE FROM delivery_by_endpoint WHERE endpoint = ?1 AND id = ?2;

-- name: unlist_delivery_by_name
-- A delivery leaves a search list.
DELETE FROM delivery_by_name WHERE account = ?1 AND name = ?2 AND id = ?3;

-- name: unlist_delivery_by_number
-- A delivery leaves a search list.
DELETE FROM delivery_by_number WHERE number = ?1 AND id = ?2;

-- name: unlist_call_by_account
-- A call leaves a search list.
DELETE FROM call_by_account WHERE account = ?1 AND n = ?2;

-- name: unlist_call_by_number
-- A call leaves a search list.
DELETE FROM call_by_number WHERE number = ?1 AND n = ?2;

-- name: account
-- The number of one account.
SELECT n FROM account WHERE id = ?1;

-- name: forget_resends
-- Bulk resends that ended before a moment go.
DELETE FROM resend_job WHERE finished_at IS NOT NULL AND finished_at < ?1;
