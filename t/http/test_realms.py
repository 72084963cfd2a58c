# SPDX-License-Identifier: Apache-2.0
"""Two tenants in one httpd and one database: nothing of one is of any use in the other."""
import contextlib
import shutil
import sqlite3
from types import SimpleNamespace

import pytest

from lib import settings
from lib.clients import KINDS, PASSWORD, WRONG, messages, new_email
from lib.serving import free_port, scratch


def blue_host(port, folder, db):
    """A second virtual host, with a realm of its own in the same database."""
    driver, params = db.split(' ', 1)
    return f'''Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    ServerName 127.0.0.1:{port}
    KratosRealm blue
    KratosDatabase {driver} "{params}"
    KratosConfig "{folder}/kratos.yml"
    <Location "/">
        SetHandler kratos
        Require all granted
    </Location>
    <Location "/guarded-by-main">
        KratosRealm main
        Require kratos-session
    </Location>
</VirtualHost>
'''


@pytest.fixture(params=['same secrets', 'own secrets'])
def realms(request, serve, database):
    """The realms `main` and `blue`: alike but for their URL, and once even in their secrets."""
    port, folder = free_port(), scratch('blue')
    shutil.chown(folder, 'www-data', 'www-data')
    db = database.fresh() or f'sqlite3 {folder}/both.sqlite'
    tree = settings.base(port)
    if request.param == 'own secrets':
        tree['secrets'] = {'cookie': ['the-cookie-secret-of-the-blue-realm']}
    settings.write(folder, tree)
    main = serve(db=db, lines={'global': blue_host(port, folder, db)})
    url = f'http://127.0.0.1:{port}'
    blue = SimpleNamespace(url=url, client=lambda kind: KINDS[kind](url), file=folder / 'both.sqlite')
    yield main, blue
    shutil.rmtree(folder)


def both(realms, kind='native'):
    return realms[0].client(kind), realms[1].client(kind)


def test_one_address_may_have_an_account_in_each(realms):
    email = new_email()
    main, blue = both(realms)
    main.register(email).must(200)
    blue.register(email, 'another-Horse-battery-9').must(200)
    assert main.session()['identity']['id'] != blue.session()['identity']['id']
    assert realms[1].client('native').login(email, PASSWORD).status == 400
    assert realms[0].client('native').login(email, 'another-Horse-battery-9').status == 400


def test_an_account_of_one_does_not_exist_in_the_other(realms):
    email = new_email()
    main, blue = both(realms)
    main.register(email).must(200)
    answer = blue.submit('login', blue.start('login'), {'method': 'password', 'identifier': email, 'password': PASSWORD})
    assert answer.status == 400 and messages(answer) == [4000006]


def test_a_session_of_one_is_none_in_the_other(realms, kind):
    main, blue = both(realms, kind)
    main.register(new_email()).must(200, 303)
    blue.token, blue.cookies = main.token, dict(main.cookies)
    assert main.whoami().status == 200
    assert blue.whoami().status == 401
    assert blue.get('/sessions', accept='application/json').status == 401
    assert blue.delete('/sessions', accept='application/json').status == 401


def test_a_session_of_one_can_not_be_ended_in_the_other(realms):
    main, blue = both(realms)
    main.register(new_email()).must(200)
    blue.register(new_email()).must(200)
    blue.delete('/sessions/' + main.session()['id']).must(204)
    blue.delete('/sessions').must(200)
    blue.request('DELETE', '/self-service/logout/api', json_={'session_token': main.token}).must(403)
    assert main.whoami().status == 200


def test_a_flow_of_one_is_none_in_the_other(realms, kind):
    main, blue = both(realms, kind)
    for name in ('login', 'registration'):
        flow = main.start(name)
        blue.cookies = dict(main.cookies)
        assert blue.fetch(name, flow.flow_id).status == 404
        data = {'method': 'password', 'identifier': 'x@example.org', 'password': WRONG, 'traits': {'email': 'x@example.org'}}
        answer = blue.submit(name, flow, data, accept='application/json')
        assert answer.status in (403, 404), answer.body


def test_an_error_of_one_can_not_be_read_in_the_other(realms):
    main, blue = both(realms, 'browser')
    answer = main.get('/self-service/login/browser', {'return_to': 'https://evil.example/'})
    id = answer.location.split('id=')[1]
    assert main.get('/self-service/errors', {'id': id}).status == 200
    assert blue.get('/self-service/errors', {'id': id}, accept='application/json').status == 404


def test_a_place_is_guarded_by_the_realm_that_it_names(realms):
    main, blue = both(realms)
    main.register(new_email()).must(200)
    blue.register(new_email()).must(200)
    place = realms[1].url + '/guarded-by-main'
    assert main.get(place).status != 401
    assert blue.get(place).status == 401


def test_every_row_says_whose_it_is(realms, database):
    for realm in realms:
        realm.client('native').register(new_email()).must(200)
        realm.client('native').start('login')

    def owners(table):
        question = f'SELECT DISTINCT realm_id FROM {table}'
        if database.mariadb:
            name = next(line for line in (realms[0].dir / 'httpd.conf').read_text().split() if line.startswith('dbname='))
            return {row[0] for row in database.mariadb.query(question, name.strip('"').split('=')[1])}
        with contextlib.closing(sqlite3.connect(realms[1].file, timeout=10)) as db:
            return {row[0] for row in db.execute(question)}

    for table in ('identities', 'identity_credentials', 'identity_identifiers', 'sessions', 'flows'):
        assert owners(table) == {'main', 'blue'}
