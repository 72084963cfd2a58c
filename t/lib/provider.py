# SPDX-License-Identifier: Apache-2.0
"""A site that people sign in with, on a port of its own: the toolkit's provider, which checks what a real one would, and ways to bend it."""
import sys
import threading
from pathlib import Path
from unittest.mock import patch
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'conformance'))
from harness.mocks import PORTS, OidcProvider  # noqa: E402

from .account import let_in  # noqa: E402
from .clients import HTML  # noqa: E402
from .serving import free_port  # noqa: E402
from .settings import inline  # noqa: E402

MAPPER = '''
local claims = std.extVar('claims');
{
  identity: {
    traits: {
      [if 'email' in claims && claims.email != '' then 'email']: claims.email,
      [if 'name' in claims && claims.name != '' then 'name']: claims.name,
    },
    verified_addresses: if 'email_verified' in claims && claims.email_verified then [{ value: claims.email, via: 'email' }] else [],
  },
}
'''


class Provider(OidcProvider):
    """
    `slow`: {path: seconds} before it answers there; `release` ends all such waits. `calls` has what came, `exchanges` the codes that were
    redeemed, and `document` members of the discovery document that differ.
    """

    def __init__(self):
        self.release = threading.Event()
        with patch.dict(PORTS, oidc=free_port()):
            super().__init__()

    def reset(self):
        super().reset()
        self.slow, self.document = {}, {}
        self.release.set()
        self.release = threading.Event()

    def handle(self, method, path, q, headers, body):
        if path in self.slow:
            self.release.wait(self.slow[path])
        answer = super().handle(method, path, q, headers, body)
        if path == '/.well-known/openid-configuration' and self.document:
            answer = (answer[0], {k: v for k, v in {**answer[1], **self.document}.items() if v is not None})
        return answer

    def conf(self, name='acme', **more):
        """Its entry in methods.oidc.config.providers."""
        return {'id': name, 'provider': 'generic', 'label': name.title(), 'client_id': f'app-{name}', 'client_secret': f'app-{name}-secret',
                'issuer_url': self.base, 'mapper_url': inline(MAPPER), 'scope': ['email', 'profile'], **more}

    def close(self):
        self.reset()
        self.srv.shutdown()
        self.srv.server_close()

    # -- a person's way through ------------------------------------------------

    def press(self, client, kind='login', provider='acme', flow=None, query=None, **fields):
        """The button: the answer leads to the provider."""
        flow = flow or client.start(kind, query)
        fields = {'provider': provider, **fields} if kind != 'settings' else fields
        return client.submit(kind, flow, fields if client.kind == 'browser' else {'method': 'oidc', **fields}).must(303, 422)

    def agree(self, client, answer, **claims):
        """At the provider; the URL of the callback."""
        if claims:
            self.claims = claims
        return client.get(answer.location or answer.json['redirect_browser_to'], accept=HTML).must(303).location

    def walk(self, client, kind='login', provider='acme', flow=None, query=None, fields=None, **claims):
        """All the way: the answer of the callback."""
        return client.get(self.agree(client, self.press(client, kind, provider, flow, query, **(fields or {})), **claims), accept=HTML)


def person(who, **more):
    """What a provider says of somebody."""
    return {'sub': f'sub-of-{who}', 'email': f'{who}@example.org', 'email_verified': True, 'name': who.title(), **more}


def collide(server, provider, email, kind='registration'):
    """Somebody new comes by the address of an account: a browser, and the login form in which they prove that it is theirs."""
    b = server.browser()
    answer = provider.walk(b, kind, **person('collider', sub=f'sub {email}', email=email))
    assert '/login?flow=' in answer.location and 'no_org_ui=true' in answer.location and not let_in(b)
    return b, b.fetch('login', answer.flow_id)


def changed(url, **fields):
    """A URL with other fields in its query; None takes one away."""
    parts = urlsplit(url)
    query = {k: v for k, v in {**dict(parse_qsl(parts.query, keep_blank_values=True)), **fields}.items() if v is not None}
    return urlunsplit(parts._replace(query=urlencode(query)))


def social(*providers, **more):
    """Settings with these providers: entries of Provider.conf."""
    return {'selfservice': {'methods': {'oidc': {'enabled': True, 'config': {'providers': list(providers), **more}}},
                            'flows': {'registration': {'after': {'oidc': {'hooks': [{'hook': 'session'}]}}}}}}
