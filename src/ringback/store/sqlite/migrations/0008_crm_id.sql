-- Calls are found by the id that a CRM knows them by.

-- A keyed hash of (account, context.crm_id); NULL: it has none, or was heard of last before this column was there. Most calls have
-- none, and those cost nothing.
ALTER TABLE call ADD COLUMN crm INTEGER;
CREATE INDEX call_crm ON call (crm, n) WHERE crm IS NOT NULL;
