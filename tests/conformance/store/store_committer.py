"""A process that commits until it is killed: each line that it prints is a batch that was acknowledged.

python store_committer.py BACKEND FOLDER
"""

import sys
import threading
from pathlib import Path

from store_backends import BACKENDS
from store_values import ACCOUNT, Maker, done

from ringback.store.port import Account
from ringback.webhooks.model import Delivery, Outcome
from ringback.webhooks.records import Attempt, Batch, Committed, Result, pack

BATCH = 20


def attempt(delivery: Delivery) -> Attempt:
    outcome = Outcome(started_at_ms=delivery.created_at_ms)
    return Attempt(delivery=delivery.id, number=1, method="POST", url="https://h/", headers=(), body=b"x" * 500, outcome=outcome)


def main() -> None:
    """See the module. Calls are named after their batch; its deliveries end with the next one."""
    backend = BACKENDS[sys.argv[1]](Path(sys.argv[2]))
    store = backend.open()
    store.put_account(Account(id=ACCOUNT, name="a", created_at_ms=1))
    threading.Thread(target=lambda: [backend.settle(store) for _ in iter(int, 1)], daemon=True).start()
    make = Maker(last=store.last_id())
    batch = sum(1 for _ in store.calls(ACCOUNT, None, 1_000_000)) // BATCH
    results: list[Result] = []
    while True:
        names = [f"{batch}-{number}" for number in range(BATCH)]
        folds = [make.fold(make.begin(name), "starting", [7], update_id=name) for name in names]
        if store.commit(Batch(folds, results)) != Committed():
            raise RuntimeError("refused")
        print(batch, flush=True)
        results = [done(fold.deliveries[0]) for fold in folds]
        store.log_attempts([pack(attempt(fold.deliveries[0])) for fold in folds])
        batch += 1


if __name__ == "__main__":
    main()
