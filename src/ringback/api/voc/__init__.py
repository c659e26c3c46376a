"""VOC's own API under `/voc/api/v1`: login, webhook logs, calls, recordings and transcripts, in VOC's style: every parameter in the
query string, nothing in a body.

Known of the vendor's API is what integrators' code shows (login, calls, transcripts); its log of webhooks exists, but its path and
form are not public. docs/leaving/voc.md says what was chosen, and what is left out: what we do not do is not answered as if we did.
"""
