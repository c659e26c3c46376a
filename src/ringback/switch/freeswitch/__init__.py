"""FreeSWITCH as a source of updates, over its Event Socket and its call records.

`frames` reads the protocol, `mapping` makes updates of events (both pure), `client` keeps the connection and notices what it
missed, `cdr` reads mod_json_cdr documents, `capture` reads recorded streams.
"""
