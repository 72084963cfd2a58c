# SPDX-License-Identifier: Apache-2.0
"""Second factors that people have: an authenticator app, and the steps they take with one."""
import sys
import time
from pathlib import Path

import pyotp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'conformance'))
from harness.factors import text  # noqa: E402

PERIOD = 30


class App:
    """An authenticator app on somebody's phone, whose clock is the server's."""

    def __init__(self, server, secret):
        self.server, self.secret, self.otp = server, secret, pyotp.TOTP(secret)

    def code(self, later=0):
        """The code that it shows so many periods later."""
        return self.otp.at(time.time() + self.server.clock.ahead + later * PERIOD)

    def next(self):
        """The next one, which it shows when a period has passed: for the server that is at once."""
        self.server.clock.forward(PERIOD)
        return self.code()

    @property
    def wrong(self):
        """What it shows neither now nor soon."""
        near = {self.code(later) for later in range(-5, 6)}
        return next(code for code in ('000000', '111111', '222222', '333333') if code not in near)


def shown(flow):
    """The key that a settings flow shows."""
    return text(flow, 'totp_secret_key')['context']['secret']


def link(client, flow, code):
    """Submits the code that a new app shows."""
    return client.submit('settings', flow, {'method': 'totp', 'totp_code': code})


def enrol(server, client):
    """The app that somebody sets up. Its next code is good."""
    flow = client.start('settings').must(200)
    app = App(server, shown(flow))
    link(client, flow, app.code()).must(200, 303)
    return app


def second(client, **query):
    """A form that asks for the second factor."""
    return client.start('login', {'aal': 'aal2', **query}).must(200)


def give(client, flow, code):
    """Submits a code of an app to it."""
    return client.submit('login', flow, {'method': 'totp', 'totp_code': code})


def step_up(client, code):
    """Both in one."""
    return give(client, second(client), code)


def level(client):
    """How far somebody is signed in."""
    answer = client.whoami()
    return answer.json['authenticator_assurance_level'] if answer.status == 200 else answer.status
