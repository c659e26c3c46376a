"""`ringback rotate-key`: another secret key for what is encrypted at rest."""

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from ringback.ids import now_ms
from ringback.store.rekey import rotate

_VARIABLE = "RINGBACK_SECRET_KEY"


def rotate_key(data: Path, environment: Mapping[str, str], *, forget_old: bool) -> int:
    """Changes the key, or says how where it is the environment's. Raises what `store.rekey.rotate` does. 1: nothing was changed."""
    given = [key for key in environment.get(_VARIABLE, "").split(",") if key]
    if len(given) == 1:
        fresh = base64.b64encode(secrets.token_bytes(32)).decode()
        print(f"ringback: the key is {_VARIABLE}'s: put a new one in front of it there, then run this again. Nothing was changed.")
        print(f"{_VARIABLE}={fresh},<the one that is there now>")
        return 1
    done = rotate(data, given, now_ms(), forget_old=forget_old)
    if done.made:
        print(f"ringback: a new key stands first in {data / 'secret.key'}")
    print(f"ringback: {done.resealed} stored secrets were encrypted anew; nothing needs an older key")
    if not done.in_file:
        print(f"ringback: {_VARIABLE} may hold the first key alone now; links that the older ones signed end with them")
    elif done.old:
        print(f"ringback: {done.old} older stay in the file, for links that they signed and for backups: --forget-old drops them")
    return 0
