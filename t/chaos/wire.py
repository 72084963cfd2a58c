# SPDX-License-Identifier: Apache-2.0
"""Clients as they are outside: their connections are kept, and what becomes of each request is counted."""
import collections
import http.client
import select
import threading
import time

from lib import clients
from lib.clients import _client

PATIENCE = 30       # seconds after which a client gives up: nothing may take as long


class Lost(Exception):
    """No whole answer came. Whether it was done, nobody can say."""


class Closed(Lost):
    """The same, on a connection that the server closed as it was sent over: what httpd does to connections that it keeps."""


class Unsent(Exception):
    """There was no connection to send it over: it was not done."""


def closed(sock):
    """Nobody says anything on an idle connection but that it ends. (select knows no more than 1,024 files.)"""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class Seen:
    """What became of the requests of a crowd."""

    def __init__(self):
        self._lock = threading.Lock()
        self.answers, self.statuses = 0, collections.Counter()
        self.lost, self.unsent, self.closed = 0, 0, 0
        self.slowest, self.slowest_for = 0.0, ''

    def answered(self, status, took, what):
        with self._lock:
            self.answers += 1
            self.statuses[status] += 1
            if took > self.slowest:
                self.slowest, self.slowest_for = took, f'{what} ({status})'

    def note(self, what):
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)

    def __str__(self):
        more = {'unavailable': self.statuses[503], 'lost': self.lost, 'unsent': self.unsent, 'closed': self.closed}
        told = ''.join(f', {number} {what}' for what, number in more.items() if number)
        return f'{self.answers} answers{told}, slowest {self.slowest:.1f} s'


class Kept:
    """
    A connection for each place, kept for as long as the server keeps it. One that the server closed while nothing was under way is made
    anew before it is used. Where it closes it at the very moment of sending, without a byte of an answer (httpd does that to a connection
    it keeps, when the time is over, or its process ends), what may be sent again is, once, on a new one, as browsers do: `closed` counts that.
    """

    seen = None             # a Seen

    def _exchange(self, host, method, target, body, headers):
        began = time.monotonic()
        try:
            answer = self._try(host, method, target, body, headers)
        except Lost as e:
            self.seen.note('closed' if isinstance(e, Closed) else 'lost')
            raise
        except Unsent:
            self.seen.note('unsent')
            raise
        self.seen.answered(answer.status, time.monotonic() - began, f'{method} {host.netloc}{target.partition("?")[0]}')
        return answer

    def _try(self, host, method, target, body, headers):
        line, used = self._line(host)
        try:
            return self._ask(line, method, target, body, headers)
        except (OSError, http.client.HTTPException) as e:
            self.hang_up(host.netloc)
            if not used or not isinstance(e, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
                raise Lost(f'{method} {target.partition("?")[0]}: {type(e).__name__} {e}') from e
            if method == 'POST' or target.startswith('/self-service/logout'):
                raise Closed(f'{method} {target.partition("?")[0]}: closed while it was sent') from e     # once is all that these may be sent
        self.seen.note('closed')
        return self._try(host, method, target, body, headers)

    def _ask(self, line, method, target, body, headers):
        line.request(method, target, body=body, headers=headers)
        got = line.getresponse()
        answer = _client.Response(got.status, got.getheaders(), got.read())
        if got.will_close:
            line.close()
        return answer

    def _line(self, host):
        """(connection, whether it was used before)"""
        lines = self.__dict__.setdefault('_lines', {})
        line = lines.get(host.netloc)
        if line and line.sock and not closed(line.sock):
            return line, True
        self.hang_up(host.netloc)
        line = lines[host.netloc] = http.client.HTTPConnection(host.netloc, timeout=PATIENCE)
        try:
            line.connect()
        except OSError as e:
            self.hang_up(host.netloc)
            raise Unsent(str(e)) from e
        return line, False

    def hang_up(self, place=None):
        for name in [place] if place else list(self.__dict__.get('_lines', {})):
            line = self._lines.pop(name, None)
            if line:
                line.close()


class Browser(Kept, clients.Browser):
    pass


class Ajax(Kept, clients.Ajax):
    pass


class Native(Kept, clients.Native):
    pass


KINDS = (Native, Ajax, Browser)
