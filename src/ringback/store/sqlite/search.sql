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
  AND (:number IS NULL OR line.caller = :number OR line.callee = :number)
ORDER BY ended.n DESC;

-- name: calls_open
-- An account's calls without an end.
SELECT line.n, line.root, line.version, line.told, line.body
FROM call AS open INDEXED BY call_open CROSS JOIN call_line AS line ON line.n = open.n
WHERE open.open_since IS NOT NULL AND open.n >= :since AND open.n < :before AND line.account = :account
  AND (:number IS NULL OR line.caller = :number OR line.callee = :number)
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
SELECT min(lost.event) FROM json_each('[6,7]') AS wanted CROSS JOIN delivery AS lost INDEXED BY delivery_lost
ON lost.endpoint = ?2 AND lost.state = wanted.value AND lost.state > 5 AND lost.id >= ?4
WHERE lost.account = ?1 AND lost.finished_at >= ?3 AND lost.kind NOT IN (4, 6, 7);

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
-- An endpoint's deliveries. What other lists hold is asked of them: rows and their calls lie far apart.
SELECT line.* FROM delivery_by_endpoint AS list CROSS JOIN delivery_line AS line ON line.id = list.id
WHERE list.endpoint = :endpoint AND list.id >= :since AND list.id < :before
  AND (:name IS NULL OR EXISTS (
    SELECT 1 FROM delivery_by_name AS named WHERE named.account = :account AND named.name = :name AND named.id = list.id
  ))
  AND (:number IS NULL OR EXISTS (SELECT 1 FROM delivery_by_number AS told WHERE told.number = :number AND told.id = list.id))
  AND line.account = :account AND line.state BETWEEN :low AND :high
ORDER BY list.id DESC LIMIT :limit;

-- name: deliveries_by_name
-- An account's deliveries of one event name.
SELECT line.* FROM delivery_by_name AS list CROSS JOIN delivery_line AS line ON line.id = list.id
WHERE list.account = :account AND list.name = :name AND list.id >= :since AND list.id < :before
  AND (:endpoint IS NULL OR EXISTS (
    SELECT 1 FROM delivery_by_endpoint AS sent WHERE sent.endpoint = :endpoint AND sent.id = list.id
  ))
  AND (:number IS NULL OR EXISTS (SELECT 1 FROM delivery_by_number AS told WHERE told.number = :number AND told.id = list.id))
  AND line.state BETWEEN :low AND :high
ORDER BY list.id DESC LIMIT :limit;

-- name: deliveries_by_number
-- Deliveries of the conversations and legs from or to a number.
SELECT line.* FROM delivery_by_number AS list CROSS JOIN delivery_line AS line ON line.id = list.id
WHERE list.number = :number AND list.id >= :since AND list.id < :before
  AND (:endpoint IS NULL OR EXISTS (
    SELECT 1 FROM delivery_by_endpoint AS sent WHERE sent.endpoint = :endpoint AND sent.id = list.id
  ))
  AND (:name IS NULL OR EXISTS (
    SELECT 1 FROM delivery_by_name AS named WHERE named.account = :account AND named.name = :name AND named.id = list.id
  ))
  AND line.account = :account AND line.state BETWEEN :low AND :high
ORDER BY list.id DESC LIMIT :limit;

-- name: deliveries_failed
-- An account's deliveries that were given up, cancelled or skipped; the lists know only those up to `filled`.
SELECT line.* FROM delivery AS failed INDEXED BY delivery_failed CROSS JOIN delivery_line AS line ON line.id = failed.id
WHERE failed.account = :account AND failed.state > 5 AND failed.state = :low AND failed.id >= :since AND failed.id < :before
  AND (:name IS NULL OR failed.id > :filled OR EXISTS (
    SELECT 1 FROM delivery_by_name AS named WHERE named.account = :account AND named.name = :name AND named.id = failed.id
  ))
  AND (:number IS NULL OR failed.id > :filled OR EXISTS (
    SELECT 1 FROM delivery_by_number AS told WHERE told.number = :number AND told.id = failed.id
  ))
  AND (:name IS NULL OR line.name = :name)
  AND (:number IS NULL OR failed.id <= :filled OR EXISTS (
    SELECT 1 FROM call WHERE call.n IN (line.root, line.call) AND (call.caller = :number OR call.callee = :number)
  ))
ORDER BY failed.id DESC LIMIT :limit;

-- name: deliveries_failed_of_endpoint
-- The same of one endpoint.
SELECT line.* FROM delivery AS failed INDEXED BY delivery_lost CROSS JOIN delivery_line AS line ON line.id = failed.id
WHERE failed.endpoint = :endpoint AND failed.state > 5 AND failed.state = :low AND failed.id >= :since AND failed.id < :before
  AND (:name IS NULL OR failed.id > :filled OR EXISTS (
    SELECT 1 FROM delivery_by_name AS named WHERE named.account = :account AND named.name = :name AND named.id = failed.id
  ))
  AND (:number IS NULL OR failed.id > :filled OR EXISTS (
    SELECT 1 FROM delivery_by_number AS told WHERE told.number = :number AND told.id = failed.id
  ))
  AND line.account = :account AND (:name IS NULL OR line.name = :name)
  AND (:number IS NULL OR failed.id <= :filled OR EXISTS (
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

-- name: mark_calls_newest
-- The id that stands so many behind the first of a span, among calls that no list holds yet.
SELECT n FROM call WHERE n > :filled AND n >= :since AND n < :before ORDER BY n DESC LIMIT 1 OFFSET :skip;

-- name: mark_calls_by_account
-- The same of the list.
SELECT n FROM call_by_account WHERE account = :account AND n >= :since AND n < :before ORDER BY n DESC LIMIT 1 OFFSET :skip;

-- name: mark_calls_by_number
-- The same of calls from or to a number.
SELECT n FROM call_by_number WHERE number = :number AND n >= :since AND n < :before ORDER BY n DESC LIMIT 1 OFFSET :skip;

-- name: mark_calls_by_crm
-- The same of calls that a CRM knows by one id.
SELECT n FROM call
WHERE crm = :crm AND crm IS NOT NULL AND n >= :since AND n < :before ORDER BY n DESC LIMIT 1 OFFSET :skip;

-- name: mark_calls_ended
-- The same of calls that ended in one state.
SELECT n FROM call
WHERE account = :account AND status > 0 AND status = :low AND n >= :since AND n < :before ORDER BY n DESC LIMIT 1 OFFSET :skip;

-- name: mark_calls_open
-- The same of calls without an end.
SELECT n FROM call INDEXED BY call_open
WHERE open_since IS NOT NULL AND n >= :since AND n < :before ORDER BY n DESC LIMIT 1 OFFSET :skip;

-- name: mark_newest
-- The same of deliveries that no list holds yet.
SELECT id FROM delivery WHERE id > :filled AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

-- name: mark_by_account
-- The same of an account's deliveries.
SELECT id FROM delivery_by_account WHERE account = :account AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

-- name: mark_by_endpoint
-- The same of an endpoint's.
SELECT id FROM delivery_by_endpoint WHERE endpoint = :endpoint AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

-- name: mark_by_name
-- The same of an event name's.
SELECT id FROM delivery_by_name
WHERE account = :account AND name = :name AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

-- name: mark_by_number
-- The same of a number's.
SELECT id FROM delivery_by_number WHERE number = :number AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

-- name: mark_failed
-- The same of an account's in one state without success.
SELECT id FROM delivery INDEXED BY delivery_failed
WHERE account = :account AND state > 5 AND state = :low AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

-- name: mark_failed_of_endpoint
-- The same of an endpoint's.
SELECT id FROM delivery INDEXED BY delivery_lost
WHERE endpoint = :endpoint AND state > 5 AND state = :low AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

-- name: mark_open
-- The same of an endpoint's that are open.
SELECT id FROM delivery INDEXED BY delivery_open
WHERE endpoint = :endpoint AND state <= 4 AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

-- name: mark_by_root
-- The same of a conversation's.
SELECT id FROM delivery WHERE root = :root AND id >= :since AND id < :before ORDER BY id DESC LIMIT 1 OFFSET :skip;

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
