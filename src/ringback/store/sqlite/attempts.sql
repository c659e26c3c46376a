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
