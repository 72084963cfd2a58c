# SPDX-License-Identifier: Apache-2.0
"""A mail server that keeps what it is sent."""
import re
import sys
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
