# SPDX-License-Identifier: Apache-2.0
"""A mail server and an HTTP service that keep what they are sent."""
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller

from .serving import free_port, wait_for

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'conformance'))
from harness.mocks import Mail  # noqa: E402

RECOVERY, VERIFICATION = 'Back into your account', 'Confirm your address'


class Mailbox:
    """An SMTP server without TLS. uri is what `courier.smtp.connection_uri` wants."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.uri = f'smtp://127.0.0.1:{self.port}/?disable_starttls=true'
        self.mails = []
        self._server = Controller(self, hostname='127.0.0.1', port=self.port)
        self._server.start()

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append(Mail(envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return '250 kept'

    def to(self, address, subject=''):
        """Mails to that address so far, the oldest first."""
        return [m for m in list(self.mails) if address in m.to and re.search(subject, m.subject)]

    def wait(self, address, subject='', count=1, seconds=15):
        """The count-th mail to that address under that subject."""
        return wait_for(lambda: self.to(address, subject)[count - 1:count], seconds, 0.05)[0]

    def close(self):
        self._server.stop()


class Service:
    """An HTTP service that takes messages. `calls` are (path, headers, body); `status` is what it answers."""

    def __init__(self):
        service = self
        self.calls, self.status = [], 200

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()
                service.calls.append((self.path, dict(self.headers), body))
                self.send_response(service.status)
                self.send_header('Content-Length', '0')
                self.end_headers()

            do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self._server.server_port}'
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def to(self, recipient):
        """What came for that recipient as JSON, the oldest first."""
        return [m for m in (json.loads(body) for _, _, body in list(self.calls)) if recipient in (m.get('recipient'), m.get('to'))]

    def wait(self, recipient, count=1, seconds=15):
        return wait_for(lambda: self.to(recipient)[count - 1:count], seconds, 0.05)[0]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
