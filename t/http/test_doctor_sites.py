# SPDX-License-Identifier: Apache-2.0
"""Sites that people sign in with: what configtest says of the way back from them, and the page for owners of the sites themselves."""
import email.utils
import time

import pytest

from lib.provider import social
from lib.serving import free_port
from lib.settings import inline, merge, nested
from test_doctor import configtest, folder, report  # noqa: F401

pytestmark = pytest.mark.usefixtures('afresh')

ACME = {'id': 'acme', 'provider': 'generic', 'client_id': 'us', 'client_secret': 'a secret of ours', 'issuer_url': 'https://id.example.com',
        'mapper_url': inline('{identity: {traits: {}}}')}
ELSEWHERE = nested('selfservice.methods.oidc.config.base_redirect_uri', 'https://sign-in.example.org/auth')
PROXY = ('ssl', 'proxy', 'proxy_http')


def after(section):
    """A section that stands after that of the API, and so has the last word."""
    return {'handler': f'kratos\nRequire all granted\n</Location>\n{section}\n<Location "/other">'}


@pytest.fixture
def tell(configtest):  # noqa: F811
    """What configtest says of the way back."""
    def run(changes=None, **options):
        status, said = configtest(merge(social(ACME), changes or {}), **options)
        assert status == 0, said
        return [line for line in said if line.startswith(('KR1288', 'KR1289', 'KR1293', 'KR1294'))]
    return run


MISTAKES = {
    'not encrypted': ('KR1288', 'http://login.example.org/auth/self-service/methods/oidc/callback/acme, which is not encrypted', dict(
        changes=nested('serve.public.base_url', 'http://login.example.org/auth'), tls='', port=80)),
    'another host': ('KR1289', 'come back to https://sign-in.example.org/auth (selfservice.methods.oidc.config.base_redirect_uri)', dict(
        changes=ELSEWHERE)),
    'another name of this server': ('KR1289', 'do not show the cookie', dict(changes=ELSEWHERE, lines='ServerAlias sign-in.example.org')),
    'behind the gate': ('KR1293', 'asks for a session first', after(
        '<Location "/auth/self-service/methods">\nRequire kratos-session\n</Location>')),
    'closed': ('KR1293', 'lets nobody in', after('<LocationMatch "/callback/">\nRequire all denied\n</LocationMatch>')),
    'a proxy before it': ('KR1294', 'put `ProxyPass "/auth" "!"` before', dict(lines='ProxyPass "/" "http://127.0.0.1:3000/"', modules=PROXY)),
    'a proxy in its place': ('KR1294', 'this line takes them elsewhere', dict(
        lines='<Location "/auth/self-service/methods/">\nProxyPass "http://127.0.0.1:3000/"\n</Location>', modules=PROXY)),
    'an exception too late': ('KR1294', '', dict(
        lines='ProxyPass "/auth/self-service" "http://127.0.0.1:3000/"\nProxyPass "/auth" "!"', modules=PROXY)),
    'a redirect': ('KR1294', '/auth/self-service/methods/oidc/callback/acme', dict(lines='Redirect permanent /auth/self-service https://new.example.org')),
    'one path for all who must use PKCE': ('KR1294', '/self-service/methods/oidc/callback,', dict(
        changes=social({**ACME, 'pkce': 'force'}), lines='Redirect /auth/self-service/methods/oidc/callback https://new.example.org')),
}


@pytest.mark.parametrize('case', MISTAKES)
def test_who_would_not_come_back_is_told_of_with_the_cure(tell, case):
    number, words, options = MISTAKES[case]
    said = tell(**options)
    assert len(said) == 1 and said[0].startswith(number) and words in said[0], said


FINE = {
    'as it should be': {},
    'on this machine': dict(changes=nested('serve.public.base_url', 'http://localhost/auth'), lines='ServerAlias localhost', tls='', port=80),
    'the same host, said again': dict(changes=nested('selfservice.methods.oidc.config.base_redirect_uri', 'https://login.example.org/auth')),
    'another host that leads on': dict(
        changes=ELSEWHERE, more='<VirtualHost 127.0.0.1:443>\nServerName sign-in.example.org\nSSLEngine on\n'
                                'SSLCertificateFile /etc/ssl/certs/ssl-cert-snakeoil.pem\nSSLCertificateKeyFile /etc/ssl/private/ssl-cert-snakeoil.key\n'
                                'Redirect "/" "https://login.example.org/"\n</VirtualHost>'),
    'a proxy with its exception': dict(lines='ProxyPass "/auth" "!"\nProxyPass "/" "http://127.0.0.1:3000/"', modules=PROXY),
    'an exception by a section': dict(lines='ProxyPass "/" "http://127.0.0.1:3000/"\n<Location "/auth">\nProxyPass "!"\n</Location>', modules=PROXY),
    'a gate that the section of the API opens again': dict(lines='<Location "/">\nRequire kratos-session\n</Location>'),
    'what other paths are for': dict(lines='ProxyPass "/authors" "http://127.0.0.1:3000/"\nRedirect /au https://new.example.org', modules=PROXY),
    'a method that is off': dict(changes=merge(ELSEWHERE, nested('selfservice.methods.oidc.enabled', False))),
    'no provider': dict(changes=merge(ELSEWHERE, nested('selfservice.methods.oidc.config.providers', []))),
}


@pytest.mark.parametrize('case', FINE)
def test_who_comes_back_is_not_spoken_of(tell, case):
    assert tell(**FINE[case]) == []


# -- the page for owners -------------------------------------------------------------

@pytest.fixture
def look(serve_sqlite, provider):
    """The lines of the page about sites to sign in with."""
    def run(*conf):
        server = serve_sqlite(social(*conf), flags=['ui'])
        server.expect_log('KR0201')                     # of those that do not answer
        return server, report(server)[0]
    return run


def test_a_site_that_answers_is_told_with_what_to_enter_there(look, provider):
    server, lines = look(provider.conf())
    assert lines['acme'] == ('ok', f'generic; redirect URI to enter there: {server.url}/self-service/methods/oidc/callback/acme', None)
    assert lines['Discovery'] == ('ok', f'{provider.base}/.well-known/openid-configuration answers', None)
    assert 'Its clock' not in lines and not provider.exchanges


@pytest.mark.parametrize('document, words', [({'issuer': 'https://other.example'}, 'names another issuer'), ({'jwks_uri': None}, 'jwks_uri is no http')])
def test_a_document_that_is_wrong_is_told(look, provider, document, words):
    provider.document = document
    state, value, fix = look(provider.conf())[1]['Discovery']
    assert state == 'broken' and words in value and 'curl' in fix


def test_one_that_cannot_be_reached_costs_a_moment_and_the_others_are_looked_at(look, provider):
    dead = provider.conf('dead', issuer_url=f'http://127.0.0.1:{free_port()}')
    state, value, _ = look(dead)[1]['Discovery']
    assert state == 'broken' and 'cannot be reached' in value
    begun = time.monotonic()
    assert look(dead, provider.conf())[1]['Discovery'][0] == 'ok' and time.monotonic() - begun < 10


def test_a_clock_that_is_off_is_told(look, provider, monkeypatch):
    monkeypatch.setattr(provider.srv.RequestHandlerClass, 'date_time_string', lambda *_: email.utils.formatdate(time.time() + 300, usegmt=True))
    state, value, fix = look(provider.conf())[1]['Its clock']
    assert state == 'look' and 'that of acme is' in value and 's ahead' in value and 'NTP' in fix


def test_where_nobody_signs_in_by_others_nothing_is_said(serve_sqlite):
    lines = report(serve_sqlite(flags=['ui']))[0]
    assert 'Discovery' not in lines
