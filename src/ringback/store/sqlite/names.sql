-- name: all_names
-- Every event name.
SELECT n, text FROM name;

-- name: name
-- The number of one event name.
SELECT n FROM name WHERE text = ?1;

-- name: account
-- The number of one account.
SELECT n FROM account WHERE id = ?1;
