"""A change of the secret key: everything that is encrypted, encrypted anew."""

from typing import Final

from ringback.errors import BadSettings
from ringback.store.secrets import SecretBox
from ringback.store.sqlite import sql
from ringback.store.sqlite.answers import answer_row
from ringback.store.sqlite.database import Database
from ringback.store.sqlite.setup import endpoint_row, voice_row

_SQL: Final = sql.load("resealing.sql")


class Resealing:
    """Rewrites what other keys than the current one have encrypted."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._db = database
        self._box = box

    def reseal(self) -> int:
        """All in one transaction; how many values were encrypted with another key than the current one. Raises BadSettings if an
        endpoint's or a number's value does not open; an answer that does not is as good as lost, and stays so."""
        done = 0
        with self._db.writing() as connection:
            for number, sealed in connection.execute(_SQL["sealed_endpoints"]).fetchall():
                if not self._box.is_current(sealed):
                    owner = endpoint_row(number)
                    connection.execute(_SQL["reseal_endpoint"], (number, self._box.seal(self._box.open(sealed, owner), owner)))
                    done += 1
            for account, number, sealed in connection.execute(_SQL["sealed_voices"]).fetchall():
                if not self._box.is_current(sealed):
                    owner = voice_row(account, number)
                    connection.execute(
                        _SQL["reseal_voice"], (account, number, self._box.seal(self._box.open(sealed, owner), owner))
                    )
                    done += 1
            for account, key, sealed in connection.execute(_SQL["sealed_answers"]).fetchall():
                if not self._box.is_current(sealed):
                    owner = answer_row(account, key)
                    try:
                        plain = self._box.open(sealed, owner)
                    except BadSettings:
                        continue
                    connection.execute(_SQL["reseal_answer"], (account, key, self._box.seal(plain, owner)))
                    done += 1
        return done
