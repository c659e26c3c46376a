-- Who changed what, and what was to be forgotten.

-- `account`: whose the thing is; NULL: the installation's.
CREATE TABLE audit (id INTEGER PRIMARY KEY, account INTEGER, body BLOB NOT NULL) STRICT;
CREATE INDEX audit_account ON audit (account, id);

-- Erasures. While one works, `body` knows the number or the call; afterwards it does not.
CREATE TABLE erasure (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  running INTEGER NOT NULL, -- 1: it has something left to do
  body BLOB NOT NULL
) STRICT;
CREATE INDEX erasure_account ON erasure (account, id);
CREATE INDEX erasure_running ON erasure (id) WHERE running = 1;
