# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the settings stop httpd, and configtest, with file, key, reason and the nearest known key."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lib import settings
from lib.serving import ROOT, Server, free_port, scratch
from lib.settings import base, merge, nested

PORT = 15999            # nothing is served


def refusal(tree, **kw):
    """What build/serve says when it refuses to start."""
    server = Server(tree, port=PORT, wait=False, **kw)
    try:
        assert server.proc.wait(30) != 0, 'it started'
        return server.log()
    finally:
        server.expect_log('.')
        server.stop()


def with_setting(path, value):
    return merge(base(PORT), nested(path, value))


@pytest.mark.parametrize('path, value, words', [
    ('session.lifspan', '24h', ['session.lifspan', 'unknown key', 'session.lifespan']),
    ('selfservice.flows.login.ui_urll', 'http://x/', ['selfservice.flows.login.ui_urll', 'unknown key',
                                                      'selfservice.flows.login.ui_url']),
    ('session.lifespan', 24, ['session.lifespan']),
    ('session.lifespan', 'a day', ['session.lifespan']),
    ('session.lifespan', '-1h', ['session.lifespan']),
    ('selfservice.methods.password.enabled', 'perhaps', ['selfservice.methods.password.enabled', 'true']),
    ('selfservice.methods.password.config.min_password_length', 'eight', ['min_password_length']),
    ('selfservice.allowed_return_urls', 'http://127.0.0.1/', ['selfservice.allowed_return_urls']),
    ('selfservice.allowed_return_urls', ['not a url'], ['selfservice.allowed_return_urls', 'not a url']),
    ('selfservice.default_browser_return_url', 7, ['selfservice.default_browser_return_url']),
    ('secrets.cookie', ['short'], ['secrets.cookie', '16']),
    ('secrets.cookie', None, ['secrets.cookie', 'missing']),
    ('secrets.cookie', 'a-cookie-secret-for-tests-only', ['secrets.cookie']),
    ('serve.public.base_url', 'ftp://127.0.0.1/', ['serve.public.base_url', 'http']),
    ('serve.public.base_url', None, ['serve.public.base_url', 'missing']),
    ('hashers.algorithm', 'md5', ['hashers.algorithm', 'argon2', 'bcrypt']),
    ('hashers.argon2.iterations', 0, ['hashers.argon2.iterations']),
    ('cookies.same_site', 'Sometimes', ['cookies.same_site', 'Lax']),
    ('identity.schemas', None, ['identity.schemas']),
    ('identity.default_schema_id', 'nobody', ['identity.default_schema_id', 'nobody']),
    ('identity.schemas', [{'id': 'person', 'url': 'file://./nowhere.json'}], ['identity.schemas', 'nowhere.json']),
    ('identity.schemas', [{'id': 'person', 'url': 'base64://e30'}, {'id': 'person', 'url': 'file://./person.schema.json'}],
     ['identity.schemas', 'person']),
    ('identity.schemas', [{'id': 'person', 'url': 'base64://eyJ0eXBlIjogInRyYWluIn0='}], ['identity.schemas', 'person']),
    ('selfservice.flows.settings.privileged_session_max_age', '0s', ['privileged_session_max_age', 'fresh']),
    ('selfservice.flows.recovery', {'enabled': True, 'use': 'link'}, ['flows.recovery.use', 'selfservice.methods.link.enabled']),
    ('selfservice', {'methods': {'code': {'enabled': False}}, 'flows': {'verification': {'enabled': True}}},
     ['flows.verification.use', 'selfservice.methods.code.enabled']),
    ('selfservice.flows.login.after.hooks', [{'hook': 'sessoin'}], ['selfservice.flows.login.after.hooks', 'sessoin']),
])
def test_a_mistake_stops_httpd_and_says_where_it_is(path, value, words):
    log = refusal(with_setting(path, value))
    assert 'kratos.yml' in log
    for word in words:
        assert word in log


@pytest.mark.parametrize('path, value', [
    ('selfservice.methods.password.config.migrate_hook.enabled', True),
])
def test_what_is_not_built_yet_is_refused_in_words_and_never_ignored(path, value):
    log = refusal(with_setting(path, value))
    assert path in log
    assert 'not support' in log and 'yet' in log


def test_allow_unbuilt_makes_a_warning_of_it(serve_sqlite):
    server = serve_sqlite(nested('selfservice.methods.password.config.migrate_hook.enabled', True), flags=['allow-unbuilt'])
    assert 'migrate_hook' in server.log()


@pytest.mark.parametrize('text, word', [
    ('session: {lifespan: 24h', 'kratos.yml'),
    ('session:\n\tlifespan: 24h\n', 'kratos.yml'),
    ('- a\n- b\n', 'kratos.yml'),
    ('just words', 'kratos.yml'),
    (' ', 'kratos.yml'),
    ('a: &x [1]\nb: *x\n', 'kratos.yml'),
    ('a: ' + '[' * 5000, 'kratos.yml'),
    ('session: {lifespan: 1h}\nsession: {lifespan: 2h}\n', 'session'),
], ids=['open brace', 'tab', 'list', 'scalar', 'empty', 'alias', 'deep', 'twice'])
def test_a_file_that_is_no_tree_of_settings_is_refused(text, word):
    assert word in refusal(text)


def test_every_mistake_is_named_not_only_the_first():
    log = refusal(merge(base(PORT), {'session': {'lifspan': '1h'}, 'hashers': {'algorithm': 'rot13'}}))
    assert 'session.lifspan' in log and 'hashers.algorithm' in log


def test_a_secret_is_never_printed():
    tree = merge(base(PORT), {'secrets': {'cookie': ['pssst', 'a-cookie-secret-for-tests-only']}})
    log = refusal(tree)
    assert 'secrets.cookie' in log
    assert 'pssst' not in log and 'a-cookie-secret-for-tests-only' not in log


# -- configtest, and what httpd's own file can say wrong ------------------------

MODULE = Path(os.environ.get('OUT', ROOT / 'build' / 'out')) / 'mod_kratos.so'


def configtest(lines):
    """`apache2 -t` on a file of ours: status, and what it printed."""
    folder = scratch('configtest')
    settings.write(folder, base(PORT))
    load = ''.join(f'LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n'
                   for name in ('mpm_event', 'authz_core', 'authn_core'))
    file = folder / 'httpd.conf'
    file.write_text(f'ServerRoot {folder}\nServerName 127.0.0.1\nListen 127.0.0.1:{free_port()}\nPidFile {folder}/pid\n'
                    f'ErrorLog {folder}/error_log\n{load}LoadModule kratos_module {MODULE}\n{lines}\n')
    try:
        run = subprocess.run(['apache2', '-t', '-f', file], capture_output=True, text=True, timeout=60)
        return run.returncode, run.stdout + run.stderr
    finally:
        shutil.rmtree(folder)


GOOD = 'KratosDatabase sqlite3 data/kratos.db\nKratosConfig kratos.yml\n'


def test_configtest_says_the_same_as_a_start():
    status, said = configtest(GOOD + 'KratosSet session.lifspan 24h')
    assert status != 0
    assert 'session.lifspan' in said and 'session.lifespan' in said and 'httpd.conf' in said


def test_configtest_accepts_what_is_right():
    status, said = configtest(GOOD)
    assert status == 0, said


@pytest.mark.parametrize('lines, words', [
    ('KratosConfig kratos.yml', ['KratosDatabase']),
    ('KratosDatabase oracle whatever\nKratosConfig kratos.yml', ['oracle']),
    ('KratosDatabase sqlite3 data/kratos.db\nKratosConfig nowhere.yml', ['nowhere.yml']),
    (GOOD + 'KratosRealm "Two Words"', ['KratosRealm']),
    (GOOD + 'KratosSet session.cookie.same_site Never', ['session.cookie.same_site']),
    (GOOD + '<Location />\nKratosRealm nobody\n</Location>', ['nobody']),
    (GOOD + '<Location />\nKratosUnauthenticated perhaps\n</Location>', ['KratosUnauthenticated']),
    (GOOD + '<Location />\nRequire kratos-session please\n</Location>', ['kratos-session']),
    (GOOD + 'KratosHashing many', ['KratosHashing']),
    *((GOOD + f'KratosSessionCache {size}', ['KratosSessionCache: off, or a size from 1m to 4096m'])
      for size in ('0', '512k', '5000m', '1m2', '-1m', 'on')),
    (GOOD + 'KratosDatabasePool 4 2 1 0', ['KratosDatabasePool']),
])
def test_a_mistake_in_httpds_own_file_stops_it(lines, words):
    status, said = configtest(lines)
    assert status != 0
    for word in words:
        assert word in said
