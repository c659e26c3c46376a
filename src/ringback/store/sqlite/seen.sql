-- name: find_seen
-- Update ids that were taken before, in all three generations.
SELECT wanted.value, seen_0.event, seen_0.call FROM json_each(?1) AS wanted CROSS JOIN seen_0 ON seen_0.hash = wanted.value
UNION ALL
SELECT wanted.value, seen_1.event, seen_1.call FROM json_each(?1) AS wanted CROSS JOIN seen_1 ON seen_1.hash = wanted.value
UNION ALL
SELECT wanted.value, seen_2.event, seen_2.call FROM json_each(?1) AS wanted CROSS JOIN seen_2 ON seen_2.hash = wanted.value;

-- name: bodies_of_events
-- What tells the call ids of events.
SELECT event.id, event.body FROM json_each(?1) AS wanted CROSS JOIN event ON event.id = wanted.value;

-- name: turn
-- Which generation is being filled, and since when.
SELECT turn, since FROM seen_turn;

-- name: next_turn
-- Another generation starts.
UPDATE seen_turn SET turn = ?1, since = ?2;

-- name: recent
-- Update ids that are in no generation yet.
SELECT hash, event, call FROM seen_recent;

-- name: add_recent
-- An update id is taken.
INSERT INTO seen_recent (hash, event, call) VALUES (?1, ?2, ?3);

-- name: last_recent
-- How far the recent ones go.
SELECT max(id) FROM seen_recent;

-- name: forget_recent
-- The recent ones up to here stand in a generation now.
DELETE FROM seen_recent WHERE id <= ?1;

-- name: keep_0
-- A slice of the recent update ids goes into the generation, in the order of its pages.
INSERT OR IGNORE INTO seen_0 (hash, event, call)
SELECT hash, event, call FROM seen_recent WHERE id <= ?1 AND hash BETWEEN ?2 AND ?3 ORDER BY hash;

-- name: keep_1
-- A slice of the recent update ids goes into the generation, in the order of its pages.
INSERT OR IGNORE INTO seen_1 (hash, event, call)
SELECT hash, event, call FROM seen_recent WHERE id <= ?1 AND hash BETWEEN ?2 AND ?3 ORDER BY hash;

-- name: keep_2
-- A slice of the recent update ids goes into the generation, in the order of its pages.
INSERT OR IGNORE INTO seen_2 (hash, event, call)
SELECT hash, event, call FROM seen_recent WHERE id <= ?1 AND hash BETWEEN ?2 AND ?3 ORDER BY hash;

-- name: forget_0
-- The oldest generation goes.
DELETE FROM seen_0;

-- name: forget_1
-- The oldest generation goes.
DELETE FROM seen_1;

-- name: forget_2
-- The oldest generation goes.
DELETE FROM seen_2;
