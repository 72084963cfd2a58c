# SPDX-License-Identifier: Apache-2.0
"""Security keys and passkeys that people have, and the steps they take with one: the toolkit's software authenticator, with all algorithms."""
import contextlib
import itertools
import json
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'conformance'))
from harness import authenticator as _soft  # noqa: E402
from harness.authenticator import ES256, b64, cbor, unb64  # noqa: E402, F401

from .account import account, person  # noqa: E402
from .clients import new_email  # noqa: E402
from .factors import at_once  # noqa: E402
from .settings import inline, merge, nested  # noqa: E402

RP, PAGE, OTHER_PAGE = 'localhost', 'http://localhost:15455', 'http://www.localhost:15455'
ALGORITHMS = {'ES256': -7, 'ES384': -35, 'ES512': -36, 'RS256': -257, 'RS384': -258, 'RS512': -259,
              'PS256': -37, 'PS384': -38, 'PS512': -39, 'EdDSA': -8}
_names = itertools.count(1)

# what is said
UNKNOWN, REFUSED, REASON, MISSING, TOO_LONG = 4000015, 4000043, 4000001, 4000002, 4000017
SAVED = 1050001

# answers that do not hold, by what is wrong with them: arguments for create() and get()
BENT = {
    'another site': {'origin': 'https://evil.example.org'},
    'another port': {'origin': 'http://localhost:9'},
    'https where http is': {'origin': 'https://localhost:15455'},
    'a path behind': {'origin': PAGE + '/'},
    'capitals': {'origin': 'http://LOCALHOST:15455'},
    'a user before': {'origin': 'http://ana@localhost:15455'},
    'a name below': {'origin': 'http://x.localhost:15455'},
    'no origin': {'origin': 'null'},
    'a made up challenge': {'challenge': b64(bytes(32))},
    'a short challenge': {'challenge': 'AAAA'},
    'an empty challenge': {'extra': {'challenge': ''}},
    'a number as challenge': {'extra': {'challenge': 1}},
    'another domain': {'rp_id': 'example.org'},
    'a domain below': {'rp_id': 'www.localhost'},
    'the other ceremony': {'type_': 'webauthn.create'},
    'nobody there': {'up': False},
    'another signature': {'tamper': True},
    'eligible for backups since': {'be': True},
    'backed up, not eligible': {'bs': True},
    'in a frame': {'extra': {'crossOrigin': True}},
    'in a frame of': {'extra': {'topOrigin': 'https://evil.example.org'}},
    'another credential': {'credential_id': bytes(32)},
}


class _Pair(_soft.Key):
    """As the toolkit's, with the longer hashes of RSA."""
    RSA = {-257: 'SHA256', -258: 'SHA384', -259: 'SHA512', -37: 'SHA256', -38: 'SHA384', -39: 'SHA512'}

    def __init__(self, alg):
        from cryptography.hazmat.primitives import hashes
        super().__init__({-258: _soft.RS256, -259: _soft.RS256, -38: _soft.PS256, -39: _soft.PS256}.get(alg, alg))
        self.wire = alg
        if alg in self.RSA:
            self.hash = getattr(hashes, self.RSA[alg])()

    def cose(self):
        return {**super().cose(), 3: self.wire}

    def sign(self, data):
        from cryptography.hazmat.primitives.asymmetric import padding
        if self.alg == _soft.PS256:
            return self.private.sign(data, padding.PSS(padding.MGF1(self.hash), self.hash.digest_size), self.hash)
        return super().sign(data)


class _Quiet:
    """What the toolkit's authenticator wants to know of the scenario it is part of."""

    @staticmethod
    def alias(*_):
        pass


_Quiet.norm = _Quiet


class Key(_soft.Authenticator):
    """One key, which counts its uses from 0; `counts=False`: as those that always say 0."""

    def __init__(self, name=None, counts=True, origin=PAGE, **kw):
        self.counts, alg = counts, kw.pop('alg', ES256)
        super().__init__(_Quiet, name or f'key {next(_names)}', origin=origin, **kw)
        self.alg, self.key = alg, _Pair(alg)

    def get(self, f, node=None, **kw):
        if not self.counts:
            kw.setdefault('count', 0)
        return super().get(f, node, **kw)

    def twin(self):
        """A copy, as of a cloned authenticator: same key, same id, and the counter as it stands."""
        other = Key(self.name, self.counts, self.origin, uv=self.uv, be=self.be, bs=self.bs, aaguid=self.aaguid)
        other.alg, other.key, other.id, other.count = self.alg, self.key, self.id, self.count
        other.user_handle, other.rp_id = self.user_handle, self.rp_id
        return other


def key_person(**more):
    """The schema of other tests; the address names keys, too."""
    it = person(**more)
    extension = it['properties']['traits']['properties']['email']['ory.sh/kratos']
    extension['credentials'] |= {'webauthn': {'identifier': True}, 'passkey': {'display_name': True}}
    return it


def _method(name, **config):
    rp = {'rp': {'id': RP, 'display_name': 'A site', 'origins': [PAGE, OTHER_PAGE]}}
    return nested(f'selfservice.methods.{name}', {'enabled': True, 'config': merge(rp, config)})


def _all(*trees):
    out = {}
    for tree in trees:
        out = merge(out, tree)
    return out


def _settings(method):
    hooks = nested(f'selfservice.flows.registration.after.{method}.hooks', [{'hook': 'session'}])
    schema = {'identity': {'schemas': [{'id': 'person', 'url': inline(key_person())}]}}
    return _all(account(), schema, hooks)


def passkeys(**config):
    """Settings with passkeys; `config` is the method's."""
    return _all(_settings('passkey'), _method('passkey', **config))


LAX = merge(nested('session.whoami.required_aal', 'aal1'), nested('selfservice.flows.settings.required_aal', 'aal1'))


def security_keys(first=False, **config):
    """Settings with security keys, as a second factor or as the first."""
    return _all(_settings('webauthn'), _method('webauthn', passwordless=first, **config), {} if first else LAX)


def both():
    """Settings with passkeys, and security keys as the second factor."""
    return _all(passkeys(), _method('webauthn', passwordless=False), LAX)


def second_keys():
    """The method alone: security keys as a second factor."""
    return _method('webauthn', passwordless=False)


# -- passkeys -------------------------------------------------------------------------

def bent_envelope(make, node, **changes):
    """What a key says by `make` (Key.get, Key.create), with members of the outer object changed; None takes one away."""
    def bend(key, flow):
        whole = make(key, flow, node, dump=False)
        for name, value in changes.items():
            where = whole['response'] if name in whole['response'] else whole
            where[name] = value
            if value is None:
                del where[name]
        return json.dumps(whole)
    return bend


def made(key, flow, email, **bent):
    """What a registration by it sends."""
    return {'method': 'passkey', 'traits': {'email': email}, 'passkey_register': key.create(flow, 'passkey_create_data', **bent)}


def sign_up(client, key=None, email=None, **bent):
    """An account by a passkey alone; the key."""
    key, client.email = key or Key(), email or new_email()
    flow = client.start('registration')
    client._keep_token(client.submit('registration', flow, made(key, flow, client.email, **bent)).must(200, 303))
    return key


def asked(client, **query):
    """A login form."""
    return client.start('login', query or None)


def shown(key, flow, **bent):
    """What a login by it sends."""
    return {'method': 'passkey', 'passkey_login': key.get(flow, 'passkey_challenge', **bent)}


def sign_in(client, key, flow=None, **bent):
    """Signs in; the answer."""
    flow = flow or asked(client)
    answer = client.submit('login', flow, shown(key, flow, **bent))
    client._keep_token(answer)
    return answer


def add(client, key=None, flow=None, **bent):
    """Adds one in the settings; the answer."""
    flow = flow or client.start('settings').must(200)
    return client.submit('settings', flow, {'method': 'passkey', 'passkey_settings_register': (key or Key()).create(flow, 'passkey_create_data', **bent)})


def listed(client, node='passkey_remove'):
    """Ids (hex) of the keys that a settings form offers to remove, the order as there."""
    return [n['attributes']['value'] for n in buttons(client, node)]


def buttons(client, node='passkey_remove'):
    return [n for n in client.start('settings').must(200).json['ui']['nodes'] if n['attributes'].get('name') == node]


# -- security keys -----------------------------------------------------------------------

def add_key(client, key=None, name='My key', flow=None, **bent):
    """Adds a security key in the settings; the answer."""
    flow = flow or client.start('settings').must(200)
    return client.submit('settings', flow, {'method': 'webauthn', 'webauthn_register_displayname': name,
                                            'webauthn_register': (key or Key()).create(flow, 'webauthn_register_trigger', **bent)})


def tapped(key, flow, **bent):
    """What a form sends that asked for a security key."""
    return {'method': 'webauthn', 'identifier': flow.node('identifier'), 'webauthn_login': key.get(flow, 'webauthn_login_trigger', **bent)}


def tap(client, key, flow=None, **bent):
    """Shows it as the second factor; the answer."""
    flow = flow or asked(client, aal='aal2')
    return client.submit('login', flow, tapped(key, flow, **bent))


# -- looking ---------------------------------------------------------------------------

def in_form(client, kind, flow):
    """The flow as its page would show it now."""
    return client.fetch(kind, flow.flow_id).must(200)


def stored(server, email, kind='passkey'):
    """The keys of an account as its database has them."""
    rows = server.sql(f"SELECT config FROM identity_credentials WHERE identity_id = '{account_id(server, email)}' AND type = '{kind}'")
    return json.loads(rows[0][0])['credentials'] if rows else []


def account_id(server, email):
    who, = server.ctl.json('identity', 'get', email)
    return who['id']


def sessions(server, email):
    """How many the account has."""
    return int(server.sql(f"SELECT COUNT(*) FROM sessions WHERE identity_id = '{account_id(server, email)}' AND active = 1")[0][0])


def at_one_moment(server, calls):
    """What they return. On SQLite none of them stores anything before all have read what there is."""
    if server.db:
        return at_once(calls)
    with contextlib.closing(sqlite3.connect(server.sqlite, isolation_level=None, timeout=20)) as db, ThreadPoolExecutor(len(calls)) as pool:
        db.execute('BEGIN IMMEDIATE')
        waiting = [pool.submit(call) for call in calls]
        time.sleep(0.6)             # nothing tells outside that a request has read its flow
        db.execute('ROLLBACK')
        return [f.result() for f in waiting]


def held_rows(server):
    """How many rows there are of accounts and what they hold."""
    return {table: int(server.sql(f'SELECT COUNT(*) FROM {table}')[0][0])
            for table in ('identities', 'identity_credentials', 'identity_identifiers', 'identity_keys')}
