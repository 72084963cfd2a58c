# SPDX-License-Identifier: Apache-2.0
"""A server that web hooks call, and answers as a test wants it to; and settings with web hooks."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .serving import wait_for
from .settings import inline, merge, nested

# What a program is told, sent on as it is.
ALL = inline('function(ctx) ctx')
EMPTY = inline('function(ctx) {}')


class Call:
    """One request that came."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.text = method, path, headers, body
        self.at = time.monotonic()

    @property
    def json(self):
        return json.loads(self.text)


class Target:
    """Answers 200 {} unless says() has another answer for the path. `calls` are all that came, in their order."""

    def __init__(self, port=0):
        target = self
        self.calls, self._answers = [], {}

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()
                call = Call(self.command, self.path, dict(self.headers), body)
                target.calls.append(call)
                target._answer(self, call)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_TRACE = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f'http://127.0.0.1:{self.port}'
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _answer(self, handler, call):
        status, body, headers, wait = self._answers.get(call.path, (200, {}, {}, 0))
        if callable(status):
            status, body = status(call)
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        time.sleep(wait)
        try:
            handler.send_response(status)
            for name, value in {'Content-Length': str(len(text)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(text)
        except OSError:
            pass                    # the caller has given up

    def says(self, path, status, body=None, headers=None, wait=0):
        """What that path answers from now on. `status` may be a function of the call that gives status and body."""
        self._answers[path] = (status, {} if body is None else body, headers or {}, wait)

    def to(self, path):
        return [call for call in list(self.calls) if call.path == path]

    def paths(self):
        return [call.path for call in list(self.calls)]

    def wait(self, path, count=1, seconds=15):
        """The count-th call to that path."""
        return wait_for(lambda: self.to(path)[count - 1:count], seconds, 0.02)[0]

    def forget(self):
        self.calls.clear()
        self._answers.clear()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def hook(target, path, **config):
    """An entry of a list of hooks."""
    return {'hook': 'web_hook', 'config': {'url': target.url + path, 'method': 'POST', 'body': ALL, **config}}


def parsing(target, path, **config):
    return hook(target, path, response={'parse': True}, **config)


def ignoring(target, path, **config):
    return hook(target, path, response={'ignore': True}, **config)


def lists(**of):
    """Settings with these lists: lists(login__before=[...], settings__after__profile=[...])."""
    out = {}
    for name, hooks in of.items():
        out = merge(out, nested('selfservice.flows.' + name.replace('__', '.') + '.hooks', hooks))
    return out


def no(pointer, *texts, kind='error', id=4900001):
    """An answer that says no at a node."""
    return {'messages': [{'instance_ptr': pointer, 'messages': [{'id': id, 'text': text, 'type': kind} for text in texts]}]}
