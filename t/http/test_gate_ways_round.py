# SPDX-License-Identifier: Apache-2.0
"""Ways round the gate that lead through other modules: looks ahead, aliases, expressions in headers."""
import shutil

import pytest

from conftest import end, start_gate
from lib.backends import of_kratos
from lib.clients import new_email
from lib.gate import OPERATOR, add_operator, add_pages, realm_blue
from lib.serving import scratch

pytestmark = pytest.mark.san

MEMBERS = '''
<AuthzProviderAlias kratos-session members "">
</AuthzProviderAlias>
'''

PLACES = '''
RewriteEngine On
# may whoever asks see the other place? httpd finds out by a sub-request, before it asks who may see this one
RewriteCond "/guarded/" -U
RewriteRule "^/(operators|blue)" - [E=MEMBER:1]
<Location "/guarded">
    Require kratos-session
</Location>
<Location "/operators">
    AuthType Basic
    AuthName "operators"
    AuthUserFile "{folder}/users"
    Require valid-user
</Location>
<Location "/blue">
    KratosRealm blue
    AuthType Kratos
    Require valid-user
</Location>
<Location "/alias">
    Require members
    ProxyPass "http://127.0.0.1:{backend}/alias"
</Location>
<Location "/nameless">
    KratosExport user=traits.nothing
    Require members
</Location>
<Location "/none">
    KratosExport none user=identity
    Require kratos-session
    ProxyPass "http://127.0.0.1:{backend}/none"
</Location>
<Location "/named">
    Header set X-Visitor "expr=%{{KRATOS:identity}}"
    Require all granted
</Location>
'''


@pytest.fixture(scope='module')
def site(request, backend):
    folder = scratch('ways-round')
    add_operator(folder)
    server = start_gate(request, None, PLACES.format(backend=backend.port, folder=folder), before=realm_blue(folder) + MEMBERS)
    server.expect_log('AH01630')
    add_pages(server, 'guarded', 'operators', 'blue', 'named')
    yield server
    end(server)
    shutil.rmtree(folder)


@pytest.fixture
def app(site):
    """A program with a session token."""
    client = site.native()
    client.register(new_email()).must(200)
    return client


@pytest.mark.parametrize('place', ['operators', 'blue'])
def test_a_look_ahead_into_a_guarded_place_opens_no_other(site, app, place):
    assert app.get(site.gate + '/guarded/').status == 200
    assert app.get(f'{site.gate}/{place}/').status == 401
    assert site.native().get(f'{site.gate}/{place}/').status == 401


def test_an_operator_gets_in_by_the_password_all_the_same(site, app):
    assert app.get(site.gate + '/operators/', headers=OPERATOR).status == 200


def test_behind_an_alias_the_application_is_told_and_does_not_get_the_session(site, app):
    answer = app.get(site.gate + '/alias/')
    assert of_kratos(answer)['x-kratos-identity-id'] == app.session()['identity']['id']
    assert 'x-session-token' not in dict(answer.json)
    assert site.native().get(site.gate + '/alias/').status == 401


def test_behind_an_alias_too_nobody_goes_without_a_name(site, app):
    assert app.get(site.gate + '/nameless/').status >= 500


def test_none_is_none_whatever_the_user_is_called_after(site, app):
    assert of_kratos(app.get(site.gate + '/none/')) == {}


def test_a_page_that_names_its_reader_in_a_header_is_private(site, app):
    answer = app.get(site.gate + '/named/').must(200)
    assert answer.header('X-Visitor') == app.session()['identity']['id']
    assert answer.header('Cache-Control') == 'private'
