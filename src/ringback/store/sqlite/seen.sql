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

-- name: first_turn
-- The first generation starts.
INSERT INTO seen_turn (turn, since) VALUES (0, ?1);

-- name: next_turn
-- The next generation starts.
UPDATE seen_turn SET turn = ?1, since = ?2;

-- name: add_seen_0
-- An update id is taken.
INSERT INTO seen_0 (hash, event, call) VALUES (?1, ?2, ?3);

-- name: add_seen_1
-- An update id is taken.
INSERT INTO seen_1 (hash, event, call) VALUES (?1, ?2, ?3);

-- name: add_seen_2
-- An update id is taken.
INSERT INTO seen_2 (hash, event, call) VALUES (?1, ?2, ?3);

-- name: forget_0
-- The oldest generation goes.
DELETE FROM seen_0;

-- name: forget_1
-- The oldest generation goes.
DELETE FROM seen_1;

-- name: forget_2
-- The oldest generation goes.
DELETE FROM seen_2;
