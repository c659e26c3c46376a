-- Deliveries of events that stand alone (tests, notices), which belong to no call: retention finds them by themselves.

CREATE INDEX delivery_alone ON delivery (account, id) WHERE root = event;
CREATE INDEX resend_job_ended ON resend_job (finished_at) WHERE finished_at IS NOT NULL;
