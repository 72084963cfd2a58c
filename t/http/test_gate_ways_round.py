# SPDX-License-Identifier: Apache-2.0
"""Ways round the gate that lead through other modules: looks ahead, aliases, expressions in headers."""
import base64
import hashlib
import shutil

import pytest

from conftest import end, start
from lib import settings
from lib.clients import PASSWORD, new_email
from lib.serving import ROOT, free_port, scratch
from lib.settings import UI, base, nested
from test_gate import Backend

pytestmark = pytest.mark.san

BLUE = '''
<VirtualHost 127.0.0.1:{port}>
    ServerName 127.0.0.1:{port}
    KratosRealm blue
    KratosDatabase sqlite3 "{folder}/blue.sqlite"
    KratosSqlDir "{root}/sql"
    KratosConfig "{folder}/kratos.yml"
</VirtualHost>
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
def backend():
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture(scope='module')
def site(request, backend):
    folder, gate, blue = scratch('ways-round'), free_port(), free_port()
    shutil.chown(folder, 'www-data', 'www-data')
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / 'users').write_text(f'operator:{{SHA}}{digest}\n')
    settings.write(folder, base(blue))
    server = start(request, None, nested('selfservice.allowed_return_urls', [UI, f'http://127.0.0.1:{gate}']), gate=gate, lines={
        'global': BLUE.format(port=blue, folder=folder, root=ROOT), 'gate_extra': PLACES.format(backend=backend.port, folder=folder)})
    server.expect_log('AH01630')
    for name in ('guarded', 'operators', 'blue', 'named'):
        (server.dir / 'gate' / name).mkdir(mode=0o755)
        (server.dir / 'gate' / name / 'index.html').write_text(f'this is {name}')
    yield server
    end(server)
    shutil.rmtree(folder)


@pytest.fixture
def app(site):
    """A program with a session token."""
    client = site.native()
    client.register(new_email()).must(200)
    return client


def told(answer):
    return {k: v for k, v in answer.must(200).json['headers'] if 'kratos' in k}


@pytest.mark.parametrize('place', ['operators', 'blue'])
def test_a_look_ahead_into_a_guarded_place_opens_no_other(site, app, place):
    assert app.get(site.gate + '/guarded/').status == 200
    assert app.get(f'{site.gate}/{place}/').status == 401
    assert site.native().get(f'{site.gate}/{place}/').status == 401


def test_an_operator_gets_in_by_the_password_all_the_same(site, app):
    password = {'Authorization': 'Basic ' + base64.b64encode(f'operator:{PASSWORD}'.encode()).decode()}
    assert app.get(site.gate + '/operators/', headers=password).status == 200


def test_behind_an_alias_the_application_is_told_and_does_not_get_the_session(site, app):
    answer = app.get(site.gate + '/alias/')
    assert told(answer)['x-kratos-identity-id'] == app.session()['identity']['id']
    assert 'x-session-token' not in dict(answer.json['headers'])
    assert site.native().get(site.gate + '/alias/').status == 401


def test_behind_an_alias_too_nobody_goes_without_a_name(site, app):
    assert app.get(site.gate + '/nameless/').status >= 500


def test_none_is_none_whatever_the_user_is_called_after(site, app):
    assert told(app.get(site.gate + '/none/')) == {}


def test_a_page_that_names_its_reader_in_a_header_is_private(site, app):
    answer = app.get(site.gate + '/named/').must(200)
    assert answer.header('X-Visitor') == app.session()['identity']['id']
    assert answer.header('Cache-Control') == 'private'
