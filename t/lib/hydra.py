# SPDX-License-Identifier: Apache-2.0
"""An OAuth2 server that has people sign in and out here: the part of Ory Hydra's admin API that is asked, and settings for it."""
import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from .serving import free_port
from .settings import merge, nested

KEY = {'X-Key': 's3cret'}


def behind(hydra, **more):
    """Settings under which that server has people sign in here."""
    return merge(nested('oauth2_provider', {'url': hydra.url, 'headers': KEY, **more}),
                 nested('selfservice.flows.settings.ui_url', 'http://127.0.0.1:15455/settings'))


class Hydra:
    """
    `calls`: (method, path, challenge, headers) of all that was asked. `accepted`: challenge -> what was told of it, the last time.
    `bent`: what it answers instead of the right thing, as (status, body), by method: {'PUT': (500, {})}; the body may be bytes.
    `meanwhile`: called by each PUT before it is answered. away(): it is down meanwhile.
    """

    def __init__(self):
        self.asked, self.accepted, self.calls, self.bent = {}, {}, [], {}
        self.meanwhile = lambda: None
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.open()

    # -- what a test does with it ------------------------------------------------

    def ask(self, challenge=None, **more):
        """The query by which it sends somebody here; `more` of its request."""
        challenge = challenge or f'challenge-{len(self.asked)}'
        self.asked[challenge] = {'challenge': challenge, 'skip': False, 'subject': '', 'request_url': self.url + '/oauth2/auth?client_id=app',
                                 'client': {'client_id': 'app', 'client_name': 'The App', 'client_secret': 'hidden'},
                                 'requested_scope': ['openid'], **more}
        return {'login_challenge': challenge}

    def ask_out(self, **more):
        """The query by which it sends somebody to sign out."""
        challenge = f'logout-{len(self.asked)}'
        self.asked[challenge] = {'challenge': challenge, 'subject': '', 'rp_initiated': True, 'client': {'client_name': 'The App'}, **more}
        return {'logout_challenge': challenge}

    def way_on(self, query):
        """Where it leads a browser whose sign-in, or sign-out, it was told of."""
        kind, challenge = next(iter(query.items()))
        return f'{self.url}/oauth2/auth?' + urlencode({kind.replace('challenge', 'verifier'): challenge})

    def told(self, query):
        """What it was told, once."""
        return self.accepted.pop(next(iter(query.values())), None)

    def count(self, method, query):
        """How often it was asked for, or told, something of that challenge."""
        return sum(m == method and c == next(iter(query.values())) for m, _, c, _ in list(self.calls))

    def open(self):
        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(('127.0.0.1', self.port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def shut(self):
        self._server.shutdown()
        self._server.server_close()

    close = shut

    @contextlib.contextmanager
    def away(self):
        """Down for a while."""
        self.shut()
        try:
            yield
        finally:
            self.open()

    # -- how it talks --------------------------------------------------------------

    def _answer(self, method, path, challenge, body):
        if method == 'PUT':
            self.meanwhile()
        if method in self.bent:
            return self.bent[method]
        if challenge not in self.asked:
            return 404, {'error': 'Not Found', 'error_hint': 'no such challenge'}
        if method == 'GET' and path in ('/admin/oauth2/auth/requests/login', '/admin/oauth2/auth/requests/logout'):
            return 200, self.asked[challenge]
        if method == 'PUT' and path in ('/admin/oauth2/auth/requests/login/accept', '/admin/oauth2/auth/requests/logout/accept'):
            self.accepted[challenge] = body if body is not None else True
            return 200, {'redirect_to': self.way_on({path.split('/')[-2] + '_challenge': challenge})}
        return 404, {'error': 'not found'}

    def _handler(self):
        hydra = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                url = urlsplit(self.path)
                challenge = next(iter(parse_qs(url.query, keep_blank_values=True).values()), [''])[0]
                hydra.calls.append((self.command, url.path, challenge, dict(self.headers)))
                status, out = hydra._answer(self.command, url.path, challenge, json.loads(body) if body else None)
                out = out if isinstance(out, bytes) else json.dumps(out).encode()
                self.send_response(status)
                self.send_header('Content-Length', str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_PUT = answer

            def log_message(self, *_):
                pass

        return Handler
