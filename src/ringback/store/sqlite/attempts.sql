-- name: add_block
-- Attempts, packed and compressed together.
INSERT INTO block (body) VALUES (?1);

-- name: add_attempt
-- Where an attempt is.
INSERT INTO attempt (delivery, number, block, slot) VALUES (?1, ?2, ?3, ?4);

-- name: attempts
-- A delivery's attempts of this day.
SELECT attempt.block, attempt.slot, block.body FROM attempt CROSS JOIN block ON block.id = attempt.block
WHERE attempt.delivery = ?1 ORDER BY attempt.number, attempt.block, attempt.slot;

-- name: blocks_of
-- The blocks in which attempts of these deliveries are.
SELECT attempt.block FROM json_each(?1) AS wanted CROSS JOIN attempt ON attempt.delivery = wanted.value;

-- name: slots_of
-- Their places in a block.
SELECT attempt.slot FROM json_each(?1) AS wanted CROSS JOIN attempt ON attempt.delivery = wanted.value WHERE attempt.block = ?2;

-- name: block
-- One block.
SELECT body FROM block WHERE id = ?1;

-- name: rewrite_block
-- A block without some of its attempts.
UPDATE block SET body = ?2 WHERE id = ?1;

-- name: forget_attempts
-- Attempts of these deliveries in a block are nowhere any more.
DELETE FROM attempt WHERE delivery IN (SELECT value FROM json_each(?1)) AND block = ?2;
