-- name: filled
-- How far a search list is filled.
SELECT up_to FROM listed WHERE list = ?1;

-- name: calls_newest
-- An account's calls that no list holds yet; `number`: a number's hash, from or to.
SELECT n, root, version, told, body FROM call_line
WHERE n > :filled AND n >= :since AND n < :before AND account = :account AND status BETWEEN :low AND :high
  AND (:number IS NULL OR caller = :number OR callee = :number)
ORDER BY n DESC;

-- name: calls_by_account
-- An account's calls.
SELECT line.n, line.root, line.version, line.told, line.body
FROM call_by_account AS list CROSS JOIN call_line AS line ON line.n = list.n
WHERE list.account = :account AND list.n >= :since AND list.n < :before
ORDER BY list.n DESC;

-- name: calls_by_number
-- Calls from or to a number.
SELECT line.n, line.root, line.version, line.told, line.body
FROM call_by_number AS list CROSS JOIN call_line AS line ON line.n = list.n
WHERE list.number = :number AND list.n >= :since AND list.n < :before AND line.status BETWEEN :low AND :high
ORDER BY list.n DESC;

-- name: calls_by_crm
-- Calls that a CRM knows by one id; `crm`: its hash.
SELECT line.n, line.root, line.version, line.told, line.body
FROM call AS own INDEXED BY call_crm CROSS JOIN call_line AS line ON line.n = own.n
WHERE own.crm = :crm AND own.crm IS NOT NULL AND own.n >= :since AND own.n < :before AND own.account = :account
  AND line.status BETWEEN :low AND :high AND (:number IS NULL OR line.caller = :number OR line.callee = :number)
ORDER BY own.n DESC;

-- name: calls_ended
-- An account's calls that ended in one state.
SELECT line.n, line.root, line.version, line.told, line.body
FROM call AS ended INDEXED BY call_ended CROSS JOIN call_line AS line ON line.n = ended.n
WHERE ended.account = :account AND ended.status > 0 AND ended.status = :low AND ended.n >= :since AND ended.n < :before
ORDER BY ended.n DESC;

-- name: calls_open
-- An account's calls without an end.
SELECT line.n, line.root, line.version, line.told, line.body
FROM call AS open INDEXED BY call_open CROSS JOIN call_line AS line ON line.n = open.n
WHERE open.open_since IS NOT NULL AND open.n >= :since AND open.n < :before AND line.account = :account
ORDER BY open.n DESC;

-- name: lives
-- All lives of a call, newest first.
SELECT n, root, version, told, body FROM call_line WHERE key = ?1 ORDER BY generation DESC LIMIT 100;

-- name: root
-- The conversation's own leg.
SELECT n, root, version, told, body FROM call_line WHERE n = ?1;

-- name: legs
-- The other legs of a conversation.
SELECT n, root, version, told, body FROM call_line WHERE root = ?1 AND root <> n ORDER BY n;

-- name: events
-- A conversation's events.
SELECT id, body FROM event WHERE root = ?1 ORDER BY id;

-- name: event
-- One event.
SELECT id, body FROM event WHERE id = ?1;

-- name: first_lost
-- The earliest event of which a delivery to an endpoint was given up or cancelled since a moment; ?4: no older delivery is looked at.
SELECT min(lost.event) FROM json_each('[6,7]') AS wanted CROSS JOIN delivery AS lost INDEXED BY delivery_failed
ON lost.account = ?1 AND lost.state = wanted.value AND lost.state > 5 AND lost.id >= ?4
WHERE lost.endpoint = ?2 AND lost.finished_at >= ?3 AND lost.kind NOT IN (4, 6, 7);

-- name: span_end
-- The last of the next events of a span.
SELECT max(id) FROM (SELECT id FROM event WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3);

-- name: unreceived
-- Events of an account's calls that an endpoint has neither received nor will receive.
SELECT event.id, event.body FROM event CROSS JOIN call ON call.n = event.call
WHERE event.id > ?1 AND event.id <= ?2 AND call.account = ?3 AND NOT EXISTS (
  SELECT 1 FROM delivery WHERE delivery.root = event.root AND delivery.event = event.id AND delivery.endpoint = ?4
    AND delivery.state NOT IN (6, 7)
)
ORDER BY event.id;

-- name: deliveries_newest
-- Deliveries that no list holds yet; `number`: the hash of a number that the conversation or the leg is from or to.
SELECT line.* FROM delivery_line AS line
WHERE line.id > :filled AND line.id >= :since AND line.id < :before AND line.account = :account
  AND line.state BETWEEN :low AND :high AND (:endpoint IS NULL OR line.endpoint = :endpoint) AND (:name IS NULL OR line.name = :name)
  AND (:number IS NULL OR EXISTS (
    SELECT 1 FROM call WHERE call.n IN (line.root, line.call) AND (call.caller = :number OR call.callee = :number)
  ))
ORDER BY line.id DESC LIMIT :limit;

-- name: deliveries_by_account
-- An account's deliveries.
SELECT line.* FROM delivery_by_account AS list CROSS JOIN delivery_line AS line ON line.id = list.id
WHERE list.account = :account AND list.id >= :since AND list.id < :before AND line.state BETWEEN :low AND :high
ORDER BY list.id DESC LIMIT :limit;

-- name: deliveries_by_endpoint
-- An endpoint's deliveries.
SELECT line.* FROM delivery_by_endpoint AS list CROSS JOIN delivery_line AS line ON line.id = list.id
WHERE list.endpoint = :endpoint AND list.id >= :since AND list.id < :before AND line.account = :account
  AND line.state BETWEEN :low AND :high AND (:name IS NULL OR line.name = :name)
  AND (:number IS NULL OR EXISTS (
    SELECT 1 FROM call WHERE call.n IN (line.root, line.call) AND (call.caller = :number OR call.callee = :number)
  ))
ORDER BY list.id DESC LIMIT :limit;

-- name: deliveries_by_name
-- An account's deliveries of one event name.
SELECT line.* FROM delivery_by_name AS list CROSS JOIN delivery_line AS line ON line.id = list.id
WHERE list.account = :account AND list.name = :name AND list.id >= :since AND list.id < :before
  AND line.state BETWEEN :low AND :high AND (:endpoint IS NULL OR line.endpoint = :endpoint)
  AND (:number IS NULL OR EXISTS (
    SELECT 1 FROM call WHERE call.n IN (line.root, line.call) AND (call.caller = :number OR call.callee = :number)
  ))
ORDER BY list.id DESC LIMIT :limit;

-- name: deliveries_by_number
-- Deliveries of the conversations and legs from or to a number.
SELECT line.* FROM delivery_by_number AS list CROSS JOIN delivery_line AS line ON line.id = list.id
WHERE list.number = :number AND list.id >= :since AND list.id < :before AND line.account = :account
  AND line.state BETWEEN :low AND :high AND (:endpoint IS NULL OR line.endpoint = :endpoint) AND (:name IS NULL OR line.name = :name)
ORDER BY list.id DESC LIMIT :limit;

-- name: deliveries_of_number
-- How many deliveries a number has in its list, counted no further than a limit.
SELECT count(*) FROM (SELECT 1 FROM delivery_by_number WHERE number = ?1 LIMIT ?2);

-- name: deliveries_of_name
-- How many deliveries of an event name an account has in its list, counted no further than a limit.
SELECT count(*) FROM (SELECT 1 FROM delivery_by_name WHERE account = ?1 AND name = ?2 LIMIT ?3);

-- name: deliveries_failed
-- An account's deliveries that were given up, cancelled or skipped.
SELECT line.* FROM delivery AS failed INDEXED BY delivery_failed CROSS JOIN delivery_line AS line ON line.id = failed.id
WHERE failed.account = :account AND failed.state > 5 AND failed.state = :low AND failed.id >= :since AND failed.id < :before
  AND (:endpoint IS NULL OR line.endpoint = :endpoint) AND (:name IS NULL OR line.name = :name)
  AND (:number IS NULL OR EXISTS (
    SELECT 1 FROM call WHERE call.n IN (line.root, line.call) AND (call.caller = :number OR call.callee = :number)
  ))
ORDER BY failed.id DESC LIMIT :limit;

-- name: deliveries_open
-- What is open for one endpoint.
SELECT line.* FROM delivery AS open INDEXED BY delivery_open CROSS JOIN delivery_line AS line ON line.id = open.id
WHERE open.endpoint = :endpoint AND open.state <= 4 AND open.id >= :since AND open.id < :before AND line.account = :account
  AND open.state BETWEEN :low AND :high AND (:name IS NULL OR line.name = :name)
  AND (:number IS NULL OR EXISTS (
    SELECT 1 FROM call WHERE call.n IN (line.root, line.call) AND (call.caller = :number OR call.callee = :number)
  ))
ORDER BY open.id DESC LIMIT :limit;

-- name: deliveries_by_root
-- A conversation's deliveries, or those of one leg of it.
SELECT line.* FROM delivery_line AS line
WHERE line.root = :root AND line.id >= :since AND line.id < :before AND (:call IS NULL OR line.call = :call)
  AND line.state BETWEEN :low AND :high AND (:endpoint IS NULL OR line.endpoint = :endpoint) AND (:name IS NULL OR line.name = :name)
  AND (:number IS NULL OR EXISTS (
    SELECT 1 FROM call WHERE call.n IN (line.root, line.call) AND (call.caller = :number OR call.callee = :number)
  ))
ORDER BY line.id DESC LIMIT :limit;

-- name: roots_of_events
-- The conversations that events belong to.
SELECT DISTINCT event.root FROM json_each(?1) AS wanted CROSS JOIN event ON event.id = wanted.value;

-- name: deliveries_of_root
-- A conversation's deliveries, oldest first.
SELECT line.* FROM delivery_line AS line WHERE line.root = ?1 ORDER BY line.id;

-- name: delivery
-- One delivery of an account.
SELECT line.* FROM delivery_line AS line WHERE line.id = ?1 AND line.account = ?2;

-- name: busy_endpoints
-- An account's endpoints with something open: two steps through the index for each endpoint of anybody, however many rows it has.
WITH RECURSIVE step (endpoint) AS (
  SELECT min(endpoint) FROM delivery WHERE state <= 4
  UNION ALL
  SELECT (SELECT min(delivery.endpoint) FROM delivery WHERE delivery.state <= 4 AND delivery.endpoint > step.endpoint)
  FROM step WHERE step.endpoint IS NOT NULL
)
SELECT endpoint FROM step
WHERE (SELECT delivery.account FROM delivery WHERE delivery.state <= 4 AND delivery.endpoint = step.endpoint LIMIT 1) = ?1;

-- name: count_open_of
-- How many deliveries are open for one endpoint, counted no further than a limit.
SELECT count(*) FROM (SELECT 1 FROM delivery WHERE endpoint = ?1 AND state <= 4 LIMIT ?2);

-- name: when
-- When a delivery's last attempt can have been, at the latest: its end, if it has one.
SELECT state, finished_at FROM delivery WHERE id = ?1;
