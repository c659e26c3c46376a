"""Requests with an Idempotency-Key, and their answers: encrypted, since an answer may show a secret that is shown only once."""

from typing import Final

from ringback.errors import BadSettings
from ringback.store.port import Answered
from ringback.store.secrets import SecretBox
from ringback.store.sqlite import sql
from ringback.store.sqlite.database import Database

_SQL: Final = sql.load("answers.sql")


class Answers:
    """Reads and writes of answers. `owner`: an account's id, or empty for the operator; `key`: a hash of the request's key."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._db = database
        self._box = box

    def claim(self, owner: str, key: bytes, asked: bytes, at_ms: int, since_ms: int) -> Answered | None:
        """None: the key is the caller's now, to be answered or dropped. Else who used it since `since_ms`, and what was
        answered."""
        with self._db.writing() as connection:
            connection.execute(_SQL["forget_old_answer"], (owner, key, since_ms))
            if connection.execute(_SQL["claim"], (owner, key, at_ms, asked)).rowcount:
                return None
            before, sealed = connection.execute(_SQL["answer"], (owner, key)).fetchone()
        return Answered(before, None if sealed is None else self._opened(owner, key, sealed))

    def keep_answer(self, owner: str, key: bytes, answer: bytes) -> None:
        """What the key's request was answered."""
        sealed = self._box.seal(answer, answer_row(owner, key))
        with self._db.writing() as connection:
            connection.execute(_SQL["keep_answer"], (owner, key, sealed))

    def drop_claim(self, owner: str, key: bytes) -> None:
        """The key's request made nothing."""
        with self._db.writing() as connection:
            connection.execute(_SQL["drop_claim"], (owner, key))

    def forget_answers(self, before_ms: int) -> int:
        """Keys that were used before a moment are free again; how many."""
        with self._db.writing() as connection:
            return connection.execute(_SQL["forget_answers"], (before_ms,)).rowcount

    def _opened(self, owner: str, key: bytes, sealed: bytes) -> bytes | None:
        try:
            return self._box.open(sealed, answer_row(owner, key))
        except BadSettings:  # sealed with a secret key that was given up since: as good as lost
            return None


def answer_row(owner: str, key: bytes) -> str:
    """What an answer's sealed part belongs to."""
    return f"answer:{owner}:{key.hex()}"
