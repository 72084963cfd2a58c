# SPDX-License-Identifier: Apache-2.0
"""What clients were told while things broke: what the database is held against afterwards."""
import threading

MADE, TAKEN, REFUSED, PERHAPS = 'made', 'taken', 'refused', 'perhaps'     # what came of asking for an account
ALIVE, ENDED, UNKNOWN = 'alive', 'ended', 'unknown'                       # what a client may believe of a session


class Account:
    """One address under which somebody asked for an account, and the addresses that it may have by now."""

    def __init__(self, email):
        self.told = {MADE: 0, TAKEN: 0, REFUSED: 0, PERHAPS: 0}
        self.first, self.emails = email, {email}

    @property
    def must_be(self):
        """Somebody was told that there is one."""
        return bool(self.told[MADE] or self.told[TAKEN])

    @property
    def may_be(self):
        return bool(self.told[MADE] or self.told[PERHAPS])


class Session:
    """One that a client was given. `headers` are how it shows it."""

    def __init__(self, account, headers):
        self.account, self.headers, self.state = account, headers, ALIVE


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
