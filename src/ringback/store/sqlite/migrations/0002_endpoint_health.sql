-- How endpoints fare, so that a restart forgets neither a row of failures nor why an endpoint was disabled. No row: healthy.

CREATE TABLE endpoint_health (endpoint INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
