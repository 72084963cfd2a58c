# SPDX-License-Identifier: Apache-2.0
"""Second factors that people have, an authenticator app and recovery codes, and the steps they take with them."""
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyotp

from .account import account
from .settings import merge, nested

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'conformance'))
from harness.factors import codes_of, text  # noqa: E402

PERIOD = 30

# Apps and recovery codes are on; who is half signed in may look round, and change what they have.
FACTORS = merge(account(), merge(nested('selfservice.methods', {'totp': {'enabled': True}, 'lookup_secret': {'enabled': True}}),
                                 merge(nested('session.whoami.required_aal', 'aal1'),
                                       nested('selfservice.flows.settings', {'required_aal': 'aal1', 'lifespan': '30m'}))))


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


def again(server, owner, kind='native'):
    """Another device of the same person's, signed in with the password."""
    client = server.client(kind)
    client.email = owner.email
    client.login(owner.email)
    return client


def at_once(calls):
    """What they return, all begun at the same moment."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [f.result() for f in [pool.submit(call) for call in calls]]


def held(server, email, kind):
    """How many credentials of that type the account has."""
    who, = server.ctl.json('identity', 'get', email)
    return len(who['credentials'].get(kind, {}).get('identifiers', []))


def make_codes(client):
    """New recovery codes, which are not kept yet: the flow and the codes."""
    flow = client.start('settings').must(200)
    client.submit('settings', flow, {'lookup_secret_regenerate': 'true'}).must(200, 303)
    return flow, codes_of(client.fetch('settings', flow.flow_id).must(200))


def keep_codes(client, flow):
    """Says that they are kept."""
    return client.submit('settings', flow, {'lookup_secret_confirm': 'true'})


def enrol_codes(client):
    """The recovery codes that somebody has from now on."""
    flow, codes = make_codes(client)
    keep_codes(client, flow).must(200, 303)
    return codes


def reveal(client, flow=None):
    """The recovery codes as the settings show them: each as it is, as it is hidden, or None when it was used."""
    flow = flow or client.start('settings').must(200)
    client.submit('settings', flow, {'lookup_secret_reveal': 'true'}).must(200, 303)
    return codes_of(client.fetch('settings', flow.flow_id).must(200))


def use_code(client, code, flow=None):
    """Submits a recovery code."""
    return client.submit('login', flow or second(client), {'method': 'lookup_secret', 'lookup_secret': code})


def told(server, email, letter='factor_changed'):
    """How many letters of that kind were queued for that address, sent or not."""
    return [m['template_type'] for m in server.ctl.json('courier', 'list', '--recipient', email, '--limit', '0')].count(letter)


def at_rest(server):
    """All that stands in the tables that know of seeds and codes, as text."""
    return json.dumps([server.sql(f'SELECT {columns} FROM {table}') for table, columns in
                       (('flows', 'ui, internal'), ('identity_credentials', 'config'))])
