"""A change of the installation's secret key, while no server has the data directory."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from ringback.errors import BadSettings
from ringback.ids import IdMaker
from ringback.store.keeping import AuditLine
from ringback.store.open import hold, open_store
from ringback.store.secrets import keep_first_key, put_new_key, secret_keys
from ringback.store.sqlite.store import FILE


class Rotated(Struct, frozen=True):
    """`made`: a new key stands first in the file. `resealed`: values that were encrypted with an older one. `old`: older keys that
    are still among those given. `in_file`: the keys are those of the file."""

    made: bool
    resealed: int
    old: int
    in_file: bool


def rotate(data: Path, given: Sequence[str], now_ms: int, *, forget_old: bool) -> Rotated:
    """Encrypts all stored secrets with the first key. In the file a new one is made first, unless `forget_old` finishes a change
    that was begun (there are older keys in it); `forget_old` drops the older ones from the file once nothing needs them.

    `given`: the keys of the environment, which are changed there and not here. Raises BadSettings (a server has the directory,
    there is no data, a key is missing, one key alone is given), StoreUnavailable.
    """
    if not (data / FILE).is_file():
        raise BadSettings(f"--data {data}: there is no {FILE} in it")
    with hold(data):
        keys = secret_keys(given, data)
        made = not given and not (forget_old and len(keys) > 1)
        if made:
            # On disk before anything is encrypted with it. A kill from here on leaves a file that opens everything.
            put_new_key(data)
            keys = secret_keys(given, data)
        with open_store(data, given, lock=False, upkeep=False) as store:
            resealed = store.reseal()
            line = AuditLine(
                id=IdMaker(last=store.last_id()).next(now_ms),
                account=None,
                actor="operator",
                action="ringback rotate-key",
                objects={"resealed": str(resealed)},
            )
            store.add_audit(line)
        if forget_old and not given:
            keep_first_key(data)
            keys = keys[:1]
    return Rotated(made, resealed, len(keys) - 1, not given)
