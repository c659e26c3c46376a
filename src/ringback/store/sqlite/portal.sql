-- name: put_session
-- Somebody is in the portal.
INSERT INTO portal_session (id, seen_at, body) VALUES (?1, ?2, ?3);

-- name: sessions
-- Everybody who is in the portal.
SELECT body, seen_at FROM portal_session ORDER BY id;

-- name: touch_session
-- Somebody in the portal did something.
UPDATE portal_session SET seen_at = ?2 WHERE id = ?1;

-- name: delete_session
-- Somebody is not in the portal any more.
DELETE FROM portal_session WHERE id = ?1;

-- name: put_link
-- A link that lets somebody in once.
INSERT INTO portal_link (id, expires_at, body) VALUES (?1, ?2, ?3);

-- name: link
-- One link, if it is good still.
SELECT body FROM portal_link WHERE id = ?1 AND used_at IS NULL AND expires_at > ?2;

-- name: use_link
-- A link lets somebody in, if nobody came by it before.
UPDATE portal_link SET used_at = ?2 WHERE id = ?1 AND used_at IS NULL AND expires_at > ?2;

-- name: links
-- Links that have not expired, used or not.
SELECT body, used_at FROM portal_link WHERE expires_at > ?1 ORDER BY id DESC;

-- name: delete_link
-- A link lets nobody in any more.
DELETE FROM portal_link WHERE id = ?1;

-- name: forget_links
-- Links that have expired.
DELETE FROM portal_link WHERE expires_at <= ?1;

-- name: account_number
-- The small number of an account.
SELECT n FROM account WHERE id = ?1;

-- name: add_activity
-- More went out in a span of time.
INSERT INTO activity (subject, span, at, delivered, failed, gave_up) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (subject, span, at) DO UPDATE SET
  delivered = delivered + excluded.delivered, failed = failed + excluded.failed, gave_up = gave_up + excluded.gave_up;

-- name: activity
-- How deliveries of some subjects fared since a moment.
SELECT activity.subject, activity.at, activity.delivered, activity.failed, activity.gave_up
FROM json_each(?1) AS wanted CROSS JOIN activity
ON activity.subject = wanted.value AND activity.span = ?2 AND activity.at >= ?3;

-- name: forget_activity
-- Spans that are over for long.
DELETE FROM activity WHERE span = ?1 AND at < ?2;

-- name: given_up
-- Deliveries of an account that were given up since a moment and have not arrived, nor are on their way, by a resend; the newest ones.
SELECT lost.endpoint, lost.finished_at FROM (
  SELECT endpoint, root, event, finished_at FROM delivery INDEXED BY delivery_failed
  WHERE account = ?1 AND state > 5 AND state = 6 AND id >= ?2 AND kind NOT IN (4, 6, 7) ORDER BY id DESC LIMIT ?4
) AS lost
WHERE NOT EXISTS (
  SELECT 1 FROM delivery AS other WHERE other.root = lost.root AND other.event = lost.event AND other.endpoint = lost.endpoint
    AND other.state <= 5
)
LIMIT ?3;
