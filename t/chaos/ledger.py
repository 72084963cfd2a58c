# SPDX-License-Identifier: Apache-2.0
"""What clients were told while things broke: what the database is held against afterwards."""
import threading
import time

MADE, TAKEN, REFUSED, PERHAPS = 'made', 'taken', 'refused', 'perhaps'     # what came of asking for an account
ALIVE, ENDED, UNKNOWN = 'alive', 'ended', 'unknown'                       # what a client may believe of a session


ELSEWHERE = 2       # seconds within which all nodes know what was changed at one of them


class Account:
    """One address under which somebody asked for an account, and the addresses that it may have by now."""

    def __init__(self, email):
        self.told = {MADE: 0, TAKEN: 0, REFUSED: 0, PERHAPS: 0}
        self.first, self.emails, self._moved = email, {email}, None

    @property
    def must_be(self):
        """Somebody was told that there is one."""
        return bool(self.told[MADE] or self.told[TAKEN])

    @property
    def may_be(self):
        return bool(self.told[MADE] or self.told[PERHAPS])

    def moves(self, place):
        """It is getting another address there."""
        self._moved = (place, time.monotonic())

    def may_be_old(self, place):
        """May that node show the address before, as it was changed at another one a moment ago?"""
        return self._moved is not None and self._moved[0] != place and time.monotonic() - self._moved[1] < ELSEWHERE


class Session:
    """One that a client was given. `headers` are how it shows it."""

    def __init__(self, account, headers):
        self.account, self.headers, self.state = account, headers, ALIVE
        self._ended = None

    def end(self, place):
        """It was ended there."""
        self.state, self._ended = ENDED, (place, time.monotonic())

    def state_at(self, place):
        """What that node may believe of it: one that ended at another node may live on here for a moment."""
        if self.state == ENDED and self._ended and self._ended[0] != place and time.monotonic() - self._ended[1] < ELSEWHERE:
            return UNKNOWN
        return self.state


class Ledger:
    """Accounts, sessions, and answers that no server may give, of all clients of a scenario."""

    def __init__(self):
        self.accounts, self.sessions, self.faults = {}, [], []
        self._lock = threading.Lock()

    def account(self, email):
        with self._lock:
            return self.accounts.setdefault(email, Account(email))

    def told(self, email, what):
        """Somebody who asked for an account of that address got this for an answer, or none (PERHAPS)."""
        account = self.account(email)
        with self._lock:
            account.told[what] += 1
        return account

    def issued(self, account, headers):
        session = Session(account, headers)
        with self._lock:
            self.sessions.append(session)
        return session

    def fault(self, text):
        with self._lock:
            self.faults.append(text)

    def count(self, state):
        return sum(session.state == state for session in self.sessions)
