# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of t/bench share: figures against their bars, and a connection that is kept."""
import http.client
from urllib.parse import urlsplit

missed = []


def say(where, what, figure, good=True):
    """One figure, a line; whether it met its bar counts for the exit status."""
    print(f'{where:8} {what:58} {figure}{"" if good else "   MISSED"}', flush=True)
    if not good:
        missed.append(what)


class Line:
    """One connection that is kept: what is measured is the server, not the way there."""

    def __init__(self, url):
        self.http = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def ask(self, method, path, body=None, **headers):
        """(status, body, headers). `body` is JSON, as text."""
        self.http.request(method, path, body, {'Accept': 'application/json', **({'Content-Type': 'application/json'} if body else {}), **headers})
        answer = self.http.getresponse()
        return answer.status, answer.read(), answer.headers
