-- One day of attempts. A block is a zstd-compressed list of msgpack attempts; a slot is a place in it.

CREATE TABLE block (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

CREATE TABLE attempt (
  delivery INTEGER NOT NULL,
  number INTEGER NOT NULL,
  block INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  PRIMARY KEY (delivery, number, block, slot)
) STRICT, WITHOUT ROWID;
