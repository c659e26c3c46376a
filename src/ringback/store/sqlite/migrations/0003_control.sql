-- What the API's users do with the log: find by number and by state, send again in bulk, forget what is old; keys that tell when they
-- were used; answers that are given once more to the same Idempotency-Key.

ALTER TABLE api_key ADD COLUMN used_at INTEGER;

-- The state that a call ended in (rows.py); 0: it has no end. Only ended calls stand in the index, once, when they end.
ALTER TABLE call ADD COLUMN status INTEGER NOT NULL DEFAULT 0;
CREATE INDEX call_ended ON call (account, status, n) WHERE status > 0;
DROP VIEW call_line;
CREATE VIEW call_line AS
SELECT
  c.n, c.root, c.version, c.told, coalesce(c.body, (SELECT e.body FROM event AS e WHERE e.id = abs(c.told))) AS body,
  c.account, c.key, c.generation, c.open_since, c.caller, c.callee, c.status
FROM call AS c;

-- The bulk resend that made a delivery; NULL: none did. With it, how many of it are in which state, and for whom.
ALTER TABLE delivery ADD COLUMN job INTEGER;
CREATE INDEX delivery_job ON delivery (job, state, endpoint) WHERE job IS NOT NULL;

-- A search list: deliveries of the conversations and legs from or to a number (keyed hash of account and number).
CREATE TABLE delivery_by_number (number INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (number, id)) STRICT, WITHOUT ROWID;

-- Bulk resends. `cursor`: the last delivery that was looked at; it moves in the transaction that makes the deliveries.
CREATE TABLE resend_job (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  state INTEGER NOT NULL, -- 1 running, 2 done, 3 cancelled
  cursor INTEGER NOT NULL,
  made INTEGER NOT NULL,
  unmade INTEGER NOT NULL,
  finished_at INTEGER,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX resend_job_account ON resend_job (account, id);
CREATE INDEX resend_job_running ON resend_job (id) WHERE state = 1;

-- Requests that carried an Idempotency-Key: what was asked, and the answer, encrypted; NULL: it has not been answered.
CREATE TABLE answer (
  owner TEXT NOT NULL, -- an account's id; empty: the operator
  key BLOB NOT NULL, -- SHA-256 of the key
  at INTEGER NOT NULL,
  asked BLOB NOT NULL, -- SHA-256 of method, path, query and body
  sealed BLOB,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_at ON answer (at);
