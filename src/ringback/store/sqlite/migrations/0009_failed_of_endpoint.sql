-- What did not arrive is found by endpoint.

-- Only what was given up, cancelled or skipped stands in it: a delivery that arrives costs nothing.
CREATE INDEX delivery_lost ON delivery (endpoint, state, id) WHERE state > 5;
