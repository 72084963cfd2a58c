# SPDX-License-Identifier: Apache-2.0
"""What browsers do for FedCM by themselves."""
import json
import time
from urllib.parse import parse_qsl

import jwt

from .provider import Provider

SHOP = 'https://shop.example.com'
SHOWN = {'nonce': 'n-0S6_WzA2Mj', 'disclosure_text_shown': 'true', 'fields': 'name,email,picture', 'disclosure_shown_for': 'name,email,picture'}


def takes_our_word(client_id='shop', *origins):
    """Settings of a realm that tells that site who somebody is."""
    return {'mod_kratos': {'fedcm': {'clients': [{'client_id': client_id, 'origins': list(origins) or [SHOP]}]}}}


class Browser:
    """Asks for a page what the browser of `client` asks: with the cookie for these paths alone."""

    def __init__(self, server, client, origin=SHOP):
        self.server, self.client = server, client
        name, value = client.cookie('ory_kratos_session_fedcm')
        self.headers = {'Sec-Fetch-Dest': 'webidentity', 'Origin': origin, 'Cookie': f'{name}={value}' if name else None}

    def get(self, path, **query):
        return self.server.native().get(path, query or None, headers={**self.headers, 'Origin': None if 'accounts' in path else self.headers['Origin']})

    def post(self, path, **form):
        return self.server.native().request('POST', path, form=form, headers=self.headers)

    def account(self):
        account, = self.get('/fedcm/accounts').must(200).json['accounts']
        return account

    def token(self, client_id='shop', **form):
        return self.post('/fedcm/assertion', client_id=client_id, **{'account_id': self.account()['id'], **SHOWN, **form})


def verified(server, token, client_id='shop'):
    """The claims of a token, as a site verifies it that knows the issuer's URL alone."""
    document = server.native().get('/.well-known/openid-configuration').must(200).json
    keys = jwt.PyJWKSet.from_dict(server.native().get(document['jwks_uri']).must(200).json)
    key = next(key for key in keys.keys if key.key_id == jwt.get_unverified_header(token)['kid'])
    return jwt.decode(token, key.key, document['id_token_signing_alg_values_supported'], audience=client_id, issuer=document['issuer'])


# -- the other side: sites that people sign in with -------------------------------------------

class Idp(Provider):
    """A provider that browsers ask by themselves. Who is signed in there is `people`: {id: claims}; `approved` names clients; its clock is `clock`."""

    clock = None

    def reset(self):
        super().reset()
        self.people, self.approved, self.asked = {}, [], []

    def conf(self, name='acme', **more):
        return super().conf(name, fedcm_config_url=f'{self.base}/{name}/fedcm.json', **more)

    def alone(self, name='acme', **more):
        """Its entry where nobody can be sent there."""
        return {k: v for k, v in self.conf(name, **more).items() if k != 'client_secret'}

    def id_token(self, nonce, claims=None, at='acme', how=None):
        """What it gives a browser for that client."""
        now = int(time.time() + (self.clock.ahead if self.clock else 0))
        base = {'iss': self.base, 'aud': f'app-{at}', 'iat': now, 'exp': now + 60, 'nonce': nonce, 'sub': 'alice'}
        return self.jwt(self.over(base, claims or {}), how, secret=f'app-{at}-secret')

    def handle(self, method, path, q, headers, body):
        name, _, place = path.strip('/').partition('/')
        if path != '/.well-known/web-identity' and place not in ('fedcm.json', 'accounts', 'assertion', 'login'):
            return super().handle(method, path, q, headers, body)
        self.asked.append((method, path, headers.get('Sec-Fetch-Dest')))
        own = f'{self.base}/{"acme" if name == ".well-known" else name}'
        if path == '/.well-known/web-identity':
            return 200, {'provider_urls': [own + '/fedcm.json'], 'accounts_endpoint': own + '/accounts', 'login_url': own + '/login'}
        if place == 'fedcm.json':
            return 200, {'accounts_endpoint': own + '/accounts', 'id_assertion_endpoint': own + '/assertion', 'login_url': own + '/login'}
        if place == 'login':
            return 303, None, {'Location': '/', 'Set-Login': 'logged-in'}
        if place == 'accounts':
            return 200, {'accounts': [{'id': id, 'name': c['name'], 'email': c['email'], 'approved_clients': self.approved}
                                      for id, c in self.people.items()]}
        form = dict(parse_qsl(body or ''))
        nonce = json.loads(form['params'])['nonce']
        return 200, {'token': self.id_token(nonce, self.people[form['account_id']], name)}, {
            'Access-Control-Allow-Origin': headers['Origin'], 'Access-Control-Allow-Credentials': 'true'}


def ask(client):
    """What a page asks a browser for."""
    return client.get('/self-service/fed-cm/parameters', accept='application/json')


def give(client, asked, token, flow=None, **fields):
    """What the browser was given, as a page sends it."""
    path = '/self-service/fed-cm/token' + (f'?flow={flow}' if flow else '')
    fields = {k: v for k, v in {'token': token, 'csrf_token': asked.json['csrf_token'], **fields}.items() if v is not None}
    return client.request('POST', path, **({'form': fields} if client.kind == 'browser' else {'json_': fields}))


def sign_in(client, idp, claims, at='acme', flow=None, how=None):
    """All of it."""
    asked = ask(client).must(200)
    nonce, = (p['nonce'] for p in asked.json['providers'] if p['client_id'] == f'app-{at}')
    return give(client, asked, idp.id_token(nonce, claims, at, how), flow)
