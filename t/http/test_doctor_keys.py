# SPDX-License-Identifier: Apache-2.0
"""configtest on the names of pages that ask for security keys and passkeys: where a browser would use none, and where none is believed."""
import pytest

from lib.settings import merge, nested
from test_doctor import configtest, folder  # noqa: F401

METHODS = ['passkey', 'webauthn']


def keys(method='passkey', **rp):
    return nested(f'selfservice.methods.{method}', {'enabled': True, 'config': {'rp': rp}})


@pytest.fixture
def tell(configtest):  # noqa: F811
    """What configtest says about keys."""
    def run(changes=None, **options):
        status, said = configtest(changes, **options)
        assert status == 0, said
        return [line for line in said if line.startswith(('KR1286', 'KR1287')) or '.config.rp.' in line]
    return run


@pytest.mark.parametrize('method', METHODS)
def test_a_name_on_which_browsers_use_no_such_key_is_told_with_the_cure(tell, method):
    said = tell(keys(method, id='login.example.org'), lines='ServerAlias sign-in.example.org')
    assert len(said) == 1 and said[0].startswith('KR1286') and 'httpd.conf:' in said[0], said
    assert f'sign-in.example.org has the pages of realm default, but selfservice.methods.{method}.config.rp.id is login.example.org' in said[0]
    assert 'or write rp.id example.org' in said[0]


def test_where_no_domain_covers_both_none_is_proposed(tell):
    said = tell(keys(id='example.org'), lines='ServerAlias login.example.net')
    assert len(said) == 1 and said[0].startswith('KR1286') and 'none covers both' in said[0] and 'write rp.id' not in said[0], said


@pytest.mark.parametrize('method', METHODS)
def test_an_origin_that_is_not_listed_is_told_with_the_cure(tell, method):
    said = tell(keys(method, id='example.org', origins=['https://login.example.org']), lines='ServerAlias sign-in.example.org Login.Example.ORG')
    assert len(said) == 1 and said[0].startswith('KR1287') and 'httpd.conf:' in said[0], said
    assert f'not among selfservice.methods.{method}.config.rp.origins' in said[0] and 'add "https://sign-in.example.org"' in said[0]


def test_a_port_is_part_of_it(tell):
    changes = merge(keys(id='example.org', origins=['https://login.example.org']), nested('serve.public.base_url', 'https://login.example.org:8443/auth'))
    said = tell(merge(changes, nested('selfservice.flows', {n: {'ui_url': f'https://login.example.org:8443/ui/{n}'}
                                                            for n in ('login', 'registration', 'settings', 'error')})), port=8443)
    assert [line for line in said if line.startswith('KR1287') and 'add "https://login.example.org:8443"' in line], said


def test_the_settings_alone_tell_of_pages_elsewhere(tell):
    said = tell(merge(keys(id='example.org'), nested('selfservice.flows.login.ui_url', 'https://app.example.net/login')))
    assert len(said) == 1 and 'selfservice.flows.login.ui_url' in said[0] and 'not below the domain example.org' in said[0], said


FINE = {
    'as it comes': dict(changes=keys()),
    'the domain above': dict(changes=keys(id='example.org')),
    'all names listed': dict(changes=keys(id='example.org', origins=['https://login.example.org', 'https://sign-in.example.org']),
                             lines='ServerAlias sign-in.example.org'),
    'methods that are off': dict(changes=nested('selfservice.methods.passkey.config.rp', {'id': 'example.org', 'origins': ['https://x.example.org']}),
                                 lines='ServerAlias login.example.net'),
    'an alias that rules may lead elsewhere': dict(
        changes=keys(id='example.org'), lines='ServerAlias login.example.net\nRewriteEngine on\nRewriteCond %{{HTTP_HOST}} !=login.example.org\n'
                                              'RewriteRule ^ https://login.example.org/ [R]'),
    'guarded names, which have no pages': dict(changes=keys(id='login.example.org')),
    'behind a proxy, which has names of its own': dict(changes=keys(id='example.org'), lines='ServerAlias backend.internal\nKratosTrustForwarded On'),
    'pages for all servers, which most have by accident': dict(
        changes=keys(id='login.example.org'), more='<Location "/ui">\nSetHandler kratos-ui\n</Location>'),
}


@pytest.mark.parametrize('case', FINE)
def test_what_works_is_not_spoken_of(tell, case):
    assert tell(**FINE[case]) == []
