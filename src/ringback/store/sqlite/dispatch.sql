-- name: open_deliveries
-- What an endpoint has not got yet, in order.
SELECT line.* FROM delivery_line AS line WHERE line.endpoint = ?1 AND line.state <= 4 AND line.id > ?2 ORDER BY line.id LIMIT ?3;

-- name: endpoints_with_open
-- Endpoints with something open: one step through the index for each, however many rows it has.
WITH RECURSIVE step (endpoint) AS (
  SELECT min(endpoint) FROM delivery WHERE state <= 4
  UNION ALL
  SELECT (SELECT min(delivery.endpoint) FROM delivery WHERE delivery.state <= 4 AND delivery.endpoint > step.endpoint)
  FROM step WHERE step.endpoint IS NOT NULL
)
SELECT endpoint FROM step WHERE endpoint IS NOT NULL;

-- name: due
-- Retries and held deliveries whose time has come, earliest first.
SELECT line.* FROM delivery_line AS line
WHERE line.state BETWEEN 3 AND 4 AND line.next_at <= ?1 ORDER BY line.next_at, line.id LIMIT ?2;

-- name: due_of_endpoint
-- One endpoint's retries and held deliveries whose time has come, up to an id, earliest first.
SELECT line.* FROM delivery_line AS line
WHERE line.endpoint = ?3 AND line.state BETWEEN 3 AND 4 AND line.next_at <= ?1 AND line.id <= ?4
ORDER BY line.next_at, line.id LIMIT ?2;

-- name: open_up_to
-- How many deliveries of an endpoint are open up to an id, counted no further than a limit.
SELECT count(*) FROM (SELECT 1 FROM delivery WHERE endpoint = ?1 AND state <= 4 AND id <= ?2 LIMIT ?3);

-- name: due_among_few
-- The same as due_of_endpoint, by id: where few are open up to that id, and perhaps a million overdue behind it.
SELECT line.* FROM delivery AS open INDEXED BY delivery_open CROSS JOIN delivery_line AS line ON line.id = open.id
WHERE open.endpoint = ?3 AND open.state <= 4 AND open.state >= 3 AND open.id <= ?4 AND line.next_at <= ?1
ORDER BY line.next_at, line.id LIMIT ?2;

-- name: held
-- What waits for announced facts in one conversation.
SELECT line.* FROM delivery_line AS line WHERE line.root = ?1 AND line.state = 3 ORDER BY line.id;

-- name: job
-- One delivery with its event.
SELECT line.* FROM delivery_line AS line WHERE line.id = ?1;

-- name: calls_by_n
-- Calls by their numbers.
SELECT line.n, line.root, line.version, line.told, line.body
FROM json_each(?1) AS wanted CROSS JOIN call_line AS line ON line.n = wanted.value;

-- name: open_calls
-- Calls without an end that were first seen before a moment.
SELECT n, root, version, told, body FROM call_line WHERE open_since IS NOT NULL AND open_since < ?1 AND n > ?2 ORDER BY n LIMIT ?3;

-- name: cancel
-- A part of what is open for an endpoint becomes cancelled (7).
UPDATE delivery SET state = 7, finished_at = ?2
WHERE id IN (SELECT id FROM delivery WHERE endpoint = ?1 AND state <= 4 ORDER BY id LIMIT ?3);
