# SPDX-License-Identifier: Apache-2.0
"""Keys that sign tokens, as their owner has them and as the world sees them, and whoever checks the tokens."""
import base64
import functools
import json
import secrets

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CURVES = {'ES256': ec.SECP256R1, 'ES384': ec.SECP384R1, 'ES512': ec.SECP521R1}
PUBLIC = {'kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'use', 'alg'}


@functools.cache
def _pair(alg, _name):
    if alg in CURVES:
        return ECAlgorithm.to_jwk(ec.generate_private_key(CURVES[alg]()))
    if alg.startswith('HS'):
        return json.dumps({'kty': 'oct', 'k': base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b'=').decode()})
    return RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048))


def key(pair, name=None, /, **more):
    """A JWK with its private half, always the same for a name. What `more` says of a member is so; None takes it away."""
    made = json.loads(_pair(pair, name)) | {'kid': name or pair.lower(), 'alg': pair, 'use': 'sig'} | more
    return {k: v for k, v in made.items() if k != 'key_ops' and v is not None}


def public(jwk):
    return {k: v for k, v in jwk.items() if k in PUBLIC}


def checked(token, keys, **options):
    """Head and claims of a token that one of the keys has signed, which its kid names."""
    head = jwt.get_unverified_header(token)
    signer = next(k for k in keys if k['kid'] == head['kid'])
    return head, jwt.decode(token, jwt.PyJWK(signer), algorithms=[head['alg']], options={'verify_aud': False, **options})
