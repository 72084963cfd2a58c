# SPDX-License-Identifier: Apache-2.0
"""The one script of the built-in pages: which pages have it, that the policy lets in this and no other, and that its hash is true."""
import base64
import hashlib
import re

import pytest

from lib.clients import new_email
from lib.keys import passkeys
from lib.reader import Reader
from lib.serving import free_port
from lib.settings import merge

pytestmark = pytest.mark.san
PLACE = '/.well-known/ory/webauthn.js'
PAGES = [f'/self-service/{kind}/browser' for kind in ('login', 'registration', 'settings')]


@pytest.fixture(scope='module')
def server(request):
    from conftest import end, start
    own, port = {'ui_url': None}, free_port()
    pages = {'selfservice': {'default_browser_return_url': '/ui/welcome', 'allowed_return_urls': [f'http://127.0.0.1:{port}'],
                             'flows': {'login': own, 'registration': own, 'settings': own, 'error': own, 'logout': None,
                                       'verification': None, 'recovery': None}}}
    tree = merge(passkeys(), pages)
    tree['selfservice']['flows']['registration']['ui_url'] = None       # merge() has nothing to take away there yet
    server = start(request, None, tree, port=port, flags=['ui'])
    yield server
    end(server)


def policy(page):
    """The directives of a page's Content-Security-Policy."""
    return {name: sources for name, *sources in (part.split() for part in page.answer.header('Content-Security-Policy').split(';'))}


def scripts(page):
    """The attributes of its script elements."""
    return [dict(re.findall(r'([a-z]+)="([^"]*)"', tag)) for tag in re.findall(r'<script([^>]*)>', page.answer.body.decode())]


@pytest.fixture
def reader(server):
    reader = Reader(server)
    reader.client.register(new_email())
    return reader


def open_page(server, reader, place):
    return (reader if 'settings' in place else Reader(server)).open(place)


@pytest.mark.parametrize('place', PAGES)
def test_hash_of_the_policy_integrity_of_the_element_and_the_bytes_agree(server, reader, place):
    page = open_page(server, reader, place)
    script, = scripts(page)
    served = server.browser().get(script['src']).must(200)
    digest = 'sha512-' + base64.b64encode(hashlib.sha512(served.body).digest()).decode()
    assert script['integrity'] == digest and script['src'] == server.url + PLACE
    assert policy(page)['script-src'] == [f"'{digest}'", script['src']]
    assert served.header('Content-Type') == 'text/javascript; charset=UTF-8'


@pytest.mark.parametrize('place', PAGES)
def test_nothing_else_is_let_in(server, reader, place):
    page = open_page(server, reader, place)
    said = policy(page)
    assert said['default-src'] == ["'none'"]
    assert not {"'unsafe-inline'", "'unsafe-eval'", "'self'", "'strict-dynamic'", '*', 'data:', 'https:'} & set(said['script-src'])
    assert not [name for name in said if name.startswith('script-src-')]
    assert not page.handlers and 'javascript:' not in page.answer.body.decode()


def test_the_flow_tells_other_pages_the_same(server):
    served = server.browser().get(PLACE).must(200).body
    flow = server.ajax().start('login')
    node, = [n['attributes'] for n in flow.json['ui']['nodes'] if n['type'] == 'script']
    assert node['integrity'] == 'sha512-' + base64.b64encode(hashlib.sha512(served).digest()).decode()
    assert node['src'] == server.url + PLACE and node['type'] == 'text/javascript' and node['crossorigin'] == 'anonymous'


def test_a_page_that_asks_for_no_key_runs_no_script(serve_sqlite):
    port, own = free_port(), {'ui_url': None}
    plain = serve_sqlite({'selfservice': {'default_browser_return_url': '/ui/welcome', 'allowed_return_urls': [f'http://127.0.0.1:{port}'],
                                          'flows': {'login': own, 'registration': own, 'error': own, 'logout': None}}}, port=port, flags=['ui'])
    for place in PAGES[:2]:
        page = Reader(plain).open(place)
        assert not scripts(page) and 'script-src' not in policy(page)
    plain.browser().get(PLACE).must(200)            # pages of others may ask for it all the same
