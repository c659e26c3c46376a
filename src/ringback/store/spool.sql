-- name: make
-- The one table: updates that wait, by their places.
CREATE TABLE waiting (place INTEGER PRIMARY KEY, account TEXT NOT NULL, told BLOB NOT NULL) STRICT;

-- name: all
-- What an earlier process left, in order.
SELECT place, account, told FROM waiting ORDER BY place;

-- name: append
-- One more; one that is there already stands there once.
INSERT OR REPLACE INTO waiting VALUES (?1, ?2, ?3);

-- name: remove
-- Those up to a place wait no more.
DELETE FROM waiting WHERE place <= ?1;
