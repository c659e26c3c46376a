"""The embedded switch: SIP and RTP in this process, for a newcomer, for tests, for small installations."""
