-- The portal: who is in it, by which link, and how much went out, by minute and by hour.

CREATE TABLE portal_session (id INTEGER PRIMARY KEY, seen_at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

-- `used_at`: when the link let somebody in; NULL: not yet.
CREATE TABLE portal_link (id INTEGER PRIMARY KEY, expires_at INTEGER NOT NULL, used_at INTEGER, body BLOB NOT NULL) STRICT;

-- How deliveries fared in spans of time. `subject`: an endpoint; an account by its small number; 0: everybody. `span`: seconds.
-- `at`: the span's beginning, in seconds.
CREATE TABLE activity (
  subject INTEGER NOT NULL,
  span INTEGER NOT NULL,
  at INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  gave_up INTEGER NOT NULL,
  PRIMARY KEY (subject, span, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_at ON activity (span, at);
