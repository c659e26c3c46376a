-- name: filled
-- How far the search lists are filled, by list.
SELECT list, up_to FROM listed;

-- name: set_filled
-- The search lists hold everything up to this id.
UPDATE listed SET up_to = ?2 WHERE list = ?1;

-- name: delivery_block_end
-- The last id of the next block of deliveries.
SELECT max(id) FROM (SELECT id FROM delivery WHERE id > ?1 ORDER BY id LIMIT ?2);

-- name: fill_delivery_by_account
-- A block of deliveries, sorted, into the list by account.
INSERT OR IGNORE INTO delivery_by_account (account, id)
SELECT account, id FROM delivery WHERE id > ?1 AND id <= ?2 ORDER BY account, id;

-- name: fill_delivery_by_endpoint
-- A block of deliveries, sorted, into the list by endpoint.
INSERT OR IGNORE INTO delivery_by_endpoint (endpoint, id)
SELECT endpoint, id FROM delivery WHERE id > ?1 AND id <= ?2 ORDER BY endpoint, id;

-- name: fill_delivery_by_name
-- A block of deliveries, sorted, into the list by event name.
INSERT OR IGNORE INTO delivery_by_name (account, name, id)
SELECT account, name, id FROM delivery WHERE id > ?1 AND id <= ?2 ORDER BY account, name, id;

-- name: fill_delivery_by_number
-- A block of deliveries, sorted, into the list by number: who calls whom in the conversation, and in the leg.
INSERT OR IGNORE INTO delivery_by_number (number, id)
SELECT iif(side.is_caller, call.caller, call.callee) AS number, delivery.id
FROM delivery CROSS JOIN call ON call.n IN (delivery.root, delivery.call)
CROSS JOIN (SELECT 1 AS is_caller UNION ALL SELECT 0) AS side
WHERE delivery.id > ?1 AND delivery.id <= ?2 AND number <> 0 ORDER BY number, delivery.id;

-- name: call_block_end
-- The last number of the next block of calls.
SELECT max(n) FROM (SELECT n FROM call WHERE n > ?1 ORDER BY n LIMIT ?2);

-- name: fill_call_by_account
-- A block of calls, sorted, into the list by account.
INSERT OR IGNORE INTO call_by_account (account, n)
SELECT account, n FROM call WHERE n > ?1 AND n <= ?2 ORDER BY account, n;

-- name: fill_call_by_caller
-- A block of calls, sorted, into the list by number: who called.
INSERT OR IGNORE INTO call_by_number (number, n)
SELECT caller, n FROM call WHERE n > ?1 AND n <= ?2 AND caller <> 0 ORDER BY caller, n;

-- name: fill_call_by_callee
-- A block of calls, sorted, into the list by number: who was called.
INSERT OR IGNORE INTO call_by_number (number, n)
SELECT callee, n FROM call WHERE n > ?1 AND n <= ?2 AND callee <> 0 ORDER BY callee, n;

-- name: list_delivery_by_account
-- A delivery that came after its block was filled.
INSERT OR IGNORE INTO delivery_by_account (account, id) VALUES (?1, ?2);

-- name: list_delivery_by_endpoint
-- A delivery that came after its block was filled.
INSERT OR IGNORE INTO delivery_by_endpoint (endpoint, id) VALUES (?1, ?2);

-- name: list_delivery_by_name
-- A delivery that came after its block was filled.
INSERT OR IGNORE INTO delivery_by_name (account, name, id) VALUES (?1, ?2, ?3);

-- name: list_delivery_by_number
-- A delivery that came after its block was filled: of the conversation ?2 and the leg ?3.
INSERT OR IGNORE INTO delivery_by_number (number, id)
SELECT caller, ?1 FROM call WHERE n IN (?2, ?3) AND caller <> 0
UNION ALL SELECT callee, ?1 FROM call WHERE n IN (?2, ?3) AND callee <> 0;

-- name: list_deliveries_of_call
-- Deliveries whose blocks were filled before their call ?1 told its number ?2.
INSERT OR IGNORE INTO delivery_by_number (number, id)
SELECT ?2, delivery.id FROM call CROSS JOIN delivery ON delivery.root = call.root
WHERE call.n = ?1 AND delivery.id <= ?3 AND (delivery.root = ?1 OR delivery.call = ?1);

-- name: list_call_by_account
-- A call that came after its block was filled.
INSERT OR IGNORE INTO call_by_account (account, n) VALUES (?1, ?2);

-- name: list_call_by_number
-- A number of a call that came, or changed, after its block was filled.
INSERT OR IGNORE INTO call_by_number (number, n) VALUES (?1, ?2);
