# SPDX-License-Identifier: Apache-2.0
"""Second factors as a test's people have them. Each can show one in a flow that asks for it, again and again."""
from . import factors, keys
from .settings import nested

SIGN_IN = 'Your code to sign in'


class Shown:
    """One that a form asks for and people have with them."""
    messages, refreshing, refreshing_first = [1010004], [1010003], [1010003, 1010004]
    proves = True                                           # who sets it up has shown it
    browsers = False                                        # apps can show it, too


class Code:
    """A code that is mailed to the one address that a person has for that: the trait `mail`."""
    settings = nested('selfservice.methods.code', {'enabled': True, 'mfa_enabled': True})
    method = 'code'
    messages = refreshing = refreshing_first = [1010025]    # of a flow that has just begun: the code is on its way
    refused, unknown = 4010008, 4000035                     # what is said of a wrong one, and of what the person does not have
    proves = False                                          # who sets it up has not shown it yet
    browsers = False                                        # apps can show it, too

    def __init__(self, post):
        self.post = post

    def give(self, client):
        """Whoever has the address has the factor."""

    def add(self, client):
        self._change(client, {'email': client.email, 'mail': client.email})

    def take_away(self, client):
        self._change(client, {'email': client.email})

    @staticmethod
    def _change(client, traits):
        after = client.step('settings', client.start('settings'), {'method': 'profile', 'traits': traits})
        assert after.status in (200, 303, 403), after.body

    def asked(self, client, query=None):
        """A flow that asks for it; `.shown` of it is what has to be sent, `.wrong` is not right."""
        before = len(self.post.to(client.email, SIGN_IN))
        flow = client.start('login', {'aal': 'aal2', **(query or {})})
        code = self.post.wait(client.email, SIGN_IN, before + 1).code
        flow.shown = {'method': 'code', 'identifier': client.email, 'code': code}
        flow.wrong = {**flow.shown, 'code': f'{(int(code) + 1) % 1000000:06}'}
        return flow


class App(Shown):
    """An authenticator app on somebody's phone. The server's clock goes on by half a minute for each code."""
    settings = nested('selfservice.methods.totp.enabled', True)
    method = 'totp'
    refused, unknown = 4000008, 4000011

    def __init__(self, post):
        self.apps = {}

    def add(self, client):
        self.apps[client.email] = factors.enrol(client.server, client)

    give = add

    @staticmethod
    def take_away(client):
        client.submit('settings', client.start('settings'), {'totp_unlink': 'true'}).must(200, 303)

    def asked(self, client, query=None):
        flow, app = client.start('login', {'aal': 'aal2', **(query or {})}), self.apps[client.email]
        flow.shown, flow.wrong = {'method': 'totp', 'totp_code': app.next()}, {'method': 'totp', 'totp_code': app.wrong}
        return flow


class Spare(Shown):
    """Recovery codes: each is good once."""
    settings = nested('selfservice.methods.lookup_secret.enabled', True)
    method = 'lookup_secret'
    refused, unknown = 4000016, 4000014

    def __init__(self, post):
        self.codes = {}

    def add(self, client):
        self.codes[client.email] = factors.enrol_codes(client)

    give = add

    @staticmethod
    def take_away(client):
        client.submit('settings', client.start('settings'), {'lookup_secret_disable': 'true'}).must(200, 303)

    def asked(self, client, query=None):
        flow = client.start('login', {'aal': 'aal2', **(query or {})})
        flow.shown = {'method': 'lookup_secret', 'lookup_secret': self.codes[client.email].pop()}
        flow.wrong = {'method': 'lookup_secret', 'lookup_secret': 'aaaaaaaa'}
        return flow


class SecurityKey(Shown):
    """A key of somebody's that needs a password beside it."""
    settings = keys.second_keys()
    method = 'webauthn'
    refused, unknown = keys.REFUSED, keys.UNKNOWN
    browsers = True

    def __init__(self, post):
        self.keys = {}

    def add(self, client):
        self.keys[client.email] = key = keys.Key()
        keys.add_key(client, key).must(200, 303)

    give = add

    def take_away(self, client):
        client.submit('settings', client.start('settings'), {'webauthn_remove': self.keys[client.email].hex}).must(200, 303)

    def asked(self, client, query=None):
        flow, key = client.start('login', {'aal': 'aal2', **(query or {})}), self.keys[client.email]
        flow.shown, flow.wrong = keys.tapped(key, flow), keys.tapped(key, flow, tamper=True)
        return flow


def step_up(client, factor, query=None):
    """Shows it. The answer."""
    flow = factor.asked(client, query)
    answer = client.submit('login', flow, flow.shown)
    client._keep_token(answer.must(200, 303))
    return answer
