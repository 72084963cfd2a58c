# SPDX-License-Identifier: Apache-2.0
"""Where managers of passwords and passkeys ask their way: /.well-known/change-password and /.well-known/passkey-endpoints."""
import pytest

from lib.account import account, member
from lib.keys import key_person
from lib.pages import Guide
from lib.settings import UI, inline, merge

ENDPOINTS = '/.well-known/passkey-endpoints'
ON = {'passkey': {'enabled': True, 'config': {'rp': {'id': 'localhost', 'display_name': 'Shop', 'origins': ['http://localhost']}}}}


@pytest.fixture(scope='module')
def passkeys(request, database):
    """With the lines of docs/pages.md, which lead there from elsewhere on the site."""
    from conftest import end, start
    rule, = (block for block in Guide('docs/pages.md').all('apache') if 'RewriteRule' in block)
    server = start(request, database, merge(account(), {'selfservice': {'methods': ON}, 'identity': {'schemas': [{'id': 'person', 'url': inline(key_person())}]}}),
                   lines={'extra': rule.replace('"^/', '"^/top/').replace('"/auth/', '"/')})
    yield server
    end(server)


@pytest.mark.parametrize('kind', ['browser', 'ajax', 'native'])
@pytest.mark.parametrize('before', ['', '/top'])
def test_managers_of_passkeys_are_told_where_passkeys_are_added(passkeys, kind, before):
    answer = passkeys.client(kind).get(before + ENDPOINTS).must(200)
    settings = passkeys.url + '/self-service/settings/browser'
    assert answer.json == {'enroll': settings, 'manage': settings}
    assert answer.header('Content-Type').startswith('application/json')
    assert answer.header('Set-Cookie') is None


def test_the_address_that_they_are_told_is_that_of_a_form_for_passkeys(passkeys):
    who = member(passkeys, 'browser')
    path = who.get(ENDPOINTS).must(200).json['enroll'].removeprefix(passkeys.url)
    flow = who.get(path).must(303)
    assert flow.location.startswith(UI + '/settings?flow=')
    shown = who.fetch('settings', flow.location.partition('flow=')[2]).must(200).json
    assert any(node['group'] == 'passkey' for node in shown['ui']['nodes'])


@pytest.mark.parametrize('before', ['', '/top'])
def test_managers_of_passwords_are_led_to_the_settings(passkeys, before):
    assert passkeys.browser().get(before + '/.well-known/change-password').must(303).location == UI + '/settings'


def test_where_passkeys_are_off_nothing_is_told(server):
    assert server.native().get(ENDPOINTS).must(404).json['error']['code'] == 404


@pytest.mark.parametrize('method', ['POST', 'PUT', 'DELETE'])
def test_it_is_only_read(passkeys, method):
    assert passkeys.native().request(method, passkeys.url + ENDPOINTS).status in (404, 405)
