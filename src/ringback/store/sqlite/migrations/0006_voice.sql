-- What is asked about the calls of a number: URLs with their credentials, so all of it is encrypted; NULL: nothing is.

ALTER TABLE number ADD COLUMN voice BLOB;
