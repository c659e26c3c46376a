-- Live calls: who is asked, and where calls send what they name by a URL.

-- What is asked about the calls of a number: URLs with their credentials, so all of it is encrypted; NULL: nothing is.
ALTER TABLE number ADD COLUMN voice BLOB;

-- A URL may be some call's own, so there may be many that are over.
CREATE INDEX endpoint_deleted ON endpoint (deleted_at) WHERE deleted_at IS NOT NULL;
