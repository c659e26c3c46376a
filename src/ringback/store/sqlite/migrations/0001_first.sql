-- The truth: accounts and what they set up, calls, events, deliveries.
--
-- Ids of calls, events, deliveries, endpoints and keys are ringback.ids numbers: they grow, and carry their time. Bodies are msgpack.
-- Tables named x_by_y are search lists: they are filled in sorted blocks off the hot path, up to the id in `listed`; what is newer is
-- found by walking the few newest rows of the table itself.

CREATE TABLE installation (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE account (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;

CREATE TABLE api_key (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;

CREATE TABLE endpoint (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  deleted_at INTEGER,
  body BLOB NOT NULL,
  sealed BLOB -- secrets, credentials and header values, encrypted; NULL: it has none
) STRICT;

CREATE TABLE property (account INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (account, id)) STRICT, WITHOUT ROWID;

CREATE TABLE number (account INTEGER NOT NULL, number TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (account, number))
STRICT, WITHOUT ROWID;

CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX note_kind ON note (kind, id);

-- Event names, interned.
CREATE TABLE name (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE call (
  n INTEGER PRIMARY KEY,
  root INTEGER NOT NULL,
  account INTEGER NOT NULL,
  key INTEGER NOT NULL, -- keyed hash of (account, the source's id)
  generation INTEGER NOT NULL,
  version INTEGER NOT NULL,
  open_since INTEGER, -- first_at of a call without an end
  caller INTEGER NOT NULL, -- keyed hash of (account, from); 0: none
  callee INTEGER NOT NULL,
  told INTEGER NOT NULL, -- the event whose snapshot is the state: as its call (positive) or as its call's root (negative); 0: in body
  body BLOB
) STRICT;
CREATE UNIQUE INDEX call_key ON call (key, generation);
CREATE INDEX call_legs ON call (root, n) WHERE root <> n;
CREATE INDEX call_open ON call (n, open_since) WHERE open_since IS NOT NULL;
CREATE TABLE call_by_account (account INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (account, n)) STRICT, WITHOUT ROWID;
CREATE TABLE call_by_number (number INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (number, n)) STRICT, WITHOUT ROWID;

CREATE TABLE event (id INTEGER PRIMARY KEY, root INTEGER NOT NULL, call INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX event_root ON event (root, id);

CREATE VIEW call_line AS
SELECT
  c.n, c.root, c.version, c.told, coalesce(c.body, (SELECT e.body FROM event AS e WHERE e.id = abs(c.told))) AS body,
  c.account, c.key, c.generation, c.open_since, c.caller, c.callee
FROM call AS c;

-- Every column that a result writes is as wide before as after (rows.py), so that a result overwrites its row in place.
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  endpoint INTEGER NOT NULL,
  event INTEGER NOT NULL,
  root INTEGER NOT NULL,
  call INTEGER NOT NULL,
  name INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL, -- 2 pending, 3 held, 4 retrying; done: 5 succeeded, 6 exhausted, 7 cancelled, 8 skipped
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  signed_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  status INTEGER NOT NULL,
  error INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_root ON delivery (root, id);
CREATE INDEX delivery_open ON delivery (endpoint, id, state) WHERE state <= 4;
CREATE INDEX delivery_due ON delivery (next_at, id) WHERE state BETWEEN 3 AND 4;
CREATE INDEX delivery_waiting ON delivery (endpoint, next_at, id) WHERE state BETWEEN 3 AND 4;
CREATE INDEX delivery_failed ON delivery (account, state, id) WHERE state > 5;
CREATE TABLE delivery_by_account (account INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (account, id)) STRICT, WITHOUT ROWID;
CREATE TABLE delivery_by_endpoint (endpoint INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (endpoint, id)) STRICT, WITHOUT ROWID;
CREATE TABLE delivery_by_name (
  account INTEGER NOT NULL,
  name INTEGER NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (account, name, id)
) STRICT, WITHOUT ROWID;

CREATE VIEW delivery_line AS
SELECT
  d.id, d.account, d.endpoint, d.event, d.root, d.call, d.name, d.kind, d.state, d.attempts, d.next_at, d.signed_at, d.finished_at,
  d.status, d.error, e.body
FROM delivery AS d CROSS JOIN event AS e ON e.id = d.event;

-- How far the search lists are filled.
CREATE TABLE listed (list TEXT PRIMARY KEY, up_to INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO listed VALUES ('call', 0), ('delivery', 0);

-- Update ids taken before, by keyed hash. Recent ones are appended; from there they go, sorted, into the current one of three
-- generations that take turns, so that forgetting one is emptying a table.
-- `call`: the call id that was answered, where the event does not tell it. `event` 0: the update made none.
CREATE TABLE seen_recent (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, event INTEGER NOT NULL, call TEXT) STRICT;
CREATE TABLE seen_0 (hash INTEGER PRIMARY KEY, event INTEGER NOT NULL, call TEXT) STRICT;
CREATE TABLE seen_1 (hash INTEGER PRIMARY KEY, event INTEGER NOT NULL, call TEXT) STRICT;
CREATE TABLE seen_2 (hash INTEGER PRIMARY KEY, event INTEGER NOT NULL, call TEXT) STRICT;
CREATE TABLE seen_turn (turn INTEGER NOT NULL, since INTEGER NOT NULL) STRICT;
