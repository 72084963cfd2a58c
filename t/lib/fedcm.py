# SPDX-License-Identifier: Apache-2.0
"""What browsers do for FedCM by themselves."""
import jwt

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
