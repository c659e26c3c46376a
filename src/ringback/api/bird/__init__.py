"""Bird's own API under `/bird`: webhook subscriptions and their logs (docs.bird.com, "Notifications API").

A subscription is one of our endpoints of the dialect `bird` that takes exactly one event; a workspace is an account. Where the
vendor's pages are silent or contradict each other, docs/leaving/bird.md says what was chosen. What is ours and not the vendor's (a
resend, a test, two response headers) says so.
"""
