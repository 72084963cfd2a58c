# SPDX-License-Identifier: Apache-2.0
"""configtest as a doctor: what would start and yet not work is said before the first visitor finds out. And no false alarms."""
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from lib import settings
from lib.clients import new_email
from lib.serving import ROOT, scratch, status_of, wait_for
from lib.settings import nested

APXS = subprocess.run([ROOT / 'build' / 'apxs', 'path'], check=True, capture_output=True, text=True).stdout.strip()
MODULES = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'alias', 'headers', 'rewrite', 'setenvif']
ASK = {name: subprocess.run([APXS, '-q', name], check=True, capture_output=True, text=True).stdout.strip()
       for name in ('LIBEXECDIR', 'SBINDIR', 'PROGNAME')}
MODULE = Path(os.environ.get('OUT', ROOT / 'build' / 'out')) / 'mod_kratos.so'

# A site as it should be: API and pages on one name, two guarded names beside it, one domain for the cookie.
API = '''
<VirtualHost 127.0.0.1:{port}>
    ServerName login.example.org
    {tls}
    KratosDatabase {database}
    KratosConfig {dir}/kratos.yml
    {lines}
    <Location "{api}">
        SetHandler {handler}
        Require all granted
    </Location>
    <Location "/ui">
        SetHandler kratos-ui
        Require all granted
    </Location>
</VirtualHost>
'''
GATE = '''
<VirtualHost 127.0.0.1:{port}>
    ServerName {name}
    {tls}
    KratosRealm default
    {lines}
    <Location "/members">
        Require kratos-session
        {unauthenticated}
    </Location>
</VirtualHost>
'''
TLS = 'SSLEngine on\nSSLCertificateFile /etc/ssl/certs/ssl-cert-snakeoil.pem\nSSLCertificateKeyFile /etc/ssl/private/ssl-cert-snakeoil.key'


def tree(changes=None):
    base = settings.merge(settings.base(443), {
        'serve': {'public': {'base_url': 'https://login.example.org/auth', 'host': None, 'port': None}},
        'selfservice': {
            'default_browser_return_url': 'https://www.example.org/',
            'allowed_return_urls': ['https://www.example.org/'],
            'flows': {name: {'ui_url': f'/ui/{name}'} for name in ('login', 'registration', 'settings', 'error')},
        },
        'session': {'cookie': {'domain': 'example.org'}},
        'secrets': {'cipher': None},
    })
    return settings.merge(base, changes or {})


@pytest.fixture
def folder():
    folder = scratch('doctor')
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def configtest(folder):
    def run(changes=None, *, api='/auth', handler='kratos', lines='', gate='', name='www.example.org', port=443, tls=TLS, gate_tls=None, gate_port=None,
            modules=('ssl',), top='', more='', database=None, unauthenticated='', wrap='{}', only=None, env=None):
        """What `httpd -t` says of that site, line by line, without its own "Syntax OK"."""
        settings.write(folder, tree(changes))
        words = {'dir': folder, 'api': api, 'handler': handler, 'port': port, 'tls': tls, 'lines': lines,
                 'database': database or f'sqlite3 {folder}/kratos.sqlite'}
        gated = {**words, 'unauthenticated': unauthenticated, 'name': name, 'lines': gate, 'tls': tls if gate_tls is None else gate_tls, 'port': gate_port or port}
        ports = {port, gated['port']}
        (folder / 'httpd.conf').write_text('\n'.join(
            [f'LoadModule {m}_module {ASK["LIBEXECDIR"]}/mod_{m}.so' for m in [*MODULES, *modules]]
            + [f'LoadModule kratos_module {MODULE}', f'ServerRoot {folder}', 'ServerName localhost',
               'ErrorLog error.log', *(f'Listen 127.0.0.1:{p}' for p in ports), f'KratosSqlDir {ROOT}/sql', top,
               *([only] if only else [API.format(**words), f'Include {folder}/site.conf']), more]))
        (folder / 'site.conf').write_text(wrap.format(GATE.format(**gated)))
        done = subprocess.run([f'{ASK["SBINDIR"]}/{ASK["PROGNAME"]}', '-t', '-f', folder / 'httpd.conf'], capture_output=True,
                              text=True, timeout=30, env={**os.environ, **(env or {})})
        said = [line for line in done.stderr.splitlines() if line.strip() and line != 'Syntax OK']
        return done.returncode, said
    return run


def test_a_site_as_it_should_be_has_nothing_to_say(configtest):
    assert configtest() == (0, [])


# What is done to the site, the number of the line that must come, and words that must be in it: the fix above all.
CASES = {
    'the cookie does not reach a guarded name': (
        dict(name='www.example.net', changes=nested('selfservice.allowed_return_urls', ['https://www.example.net/'])),
        'KR1260', 'www.example.net is guarded.*session.cookie.domain'),
    'nor an alias of it': (
        dict(gate='ServerAlias example.com'), 'KR1260', 'example.com is guarded'),
    'the cookie is for the host of the API alone': (
        dict(changes=nested('session.cookie.domain', None)), 'KR1261', 'KratosSet session.cookie.domain example.org'),
    'no cookie can reach both': (
        dict(changes={**nested('session.cookie.domain', None), **nested('selfservice.allowed_return_urls', ['https://a.test/'])},
             name='a.test'), 'KR1261', 'no cookie can reach both'),
    'a guarded server without TLS': (
        dict(gate_tls='', gate_port=80, changes=nested('selfservice.allowed_return_urls', ['http://www.example.org/', 'https://www.example.org/'])),
        'KR1262', 'SSLEngine on'),
    'nobody may come back': (
        dict(changes=nested('selfservice.allowed_return_urls', ['https://login.example.org/'])),
        'KR1263', 'add "https://www.example.org/" to selfservice.allowed_return_urls'),
    'nothing serves the API': (dict(handler='none'), 'KR1264', '<Location "/auth"> with SetHandler kratos'),
    'the API stands elsewhere': (dict(api='/kratos'), 'KR1265', '<Location "/auth">'),
    'the API has another name': (
        dict(changes=nested('serve.public.base_url', 'https://id.example.org/auth')), 'KR1266', 'ServerAlias'),
    'the API has another port': (
        dict(changes=nested('serve.public.base_url', 'https://login.example.org:8443/auth')), 'KR1267', '8443'),
    'no TLS where the URL says so': (dict(tls='', port=8080, changes={
        **nested('serve.public.base_url', 'https://login.example.org:8080/auth')}), 'KR1268', 'SSLEngine on'),
    'nor mod_ssl': (dict(tls='', port=8080, modules=(), changes={
        **nested('serve.public.base_url', 'https://login.example.org:8080/auth')}), 'KR1268', 'load mod_ssl'),
    'TLS where the URL says none': (
        dict(changes=nested('serve.public.base_url', 'http://login.example.org:443/auth')), 'KR1269', 'write https://'),
    'a page that nobody answers': (
        dict(changes=nested('selfservice.flows.login.ui_url', 'https://login.example.org/pages/login')), 'KR1270', 'kratos-ui'),
    'pages that nobody is sent to': (
        dict(changes=nested('selfservice.flows', {n: {'ui_url': f'https://www.example.org/x/{n}'} for n in
                                                  ('login', 'registration', 'settings', 'error')})), 'KR1271', 'ui_url'),
    'a cache before the gate': (
        dict(gate='CacheEnable disk /', modules=('ssl', 'cache', 'cache_disk')), 'KR1273', 'CacheQuickHandler off'),
    'addresses of a proxy': (dict(lines='KratosTrustForwarded On'), 'KR1274', 'RemoteIPHeader'),
    'few connections': (dict(top='ThreadLimit 200\nThreadsPerChild 200\nMaxRequestWorkers 400\nKratosDatabasePool 0 1 2 60'),
                        'KR1275', 'KratosDatabasePool 0 4 25'),
    'much memory': (dict(top='KratosHashing 1024', changes=nested('hashers.argon2.memory', '1GB')), 'KR1277', 'KratosHashing'),
    'many who wait': (dict(top='KratosHashing 2 10 300'), 'KR1299', '302 of httpd\'s 400 workers.*KratosHashing 2 10 2'),
    'a page for owners that all see': (
        dict(lines='<Location /ui/diagnose>\nKratosDiagnose On\nRequire all granted\n</Location>'), 'KR1282', 'everybody.*Require ip'),
    'a page for owners without a word on who they are': (
        dict(lines='<Location /ui/diagnose>\nKratosDiagnose On\n</Location>'), 'KR1282', 'nothing in this place.*Require ip'),
    'metrics that all see': (
        dict(lines='<Location /metrics>\nSetHandler kratos-metrics\nRequire all granted\n</Location>'), 'KR1296', 'everybody.*Require ip'),
    'metrics without a word on who may see them': (
        dict(lines='<LocationMatch "^/metrics$">\nSetHandler kratos-metrics\n</LocationMatch>'), 'KR1296', 'nothing says.*Require ip'),
    'a secret that mod_info shows': (
        dict(modules=('ssl', 'info'), lines='KratosSet secrets.cookie "[\'q8Jw2Vn0xLr7Tz4K\']"'), 'KR1298', 'secrets.cookie: put it into a file'),
    'all secrets at once': (
        dict(modules=('ssl', 'info'), lines='KratosSet secrets "{cookie: [q8Jw2Vn0xLr7Tz4K]}"'), 'KR1298', 'secrets: put it into a file'),
    'the password of a mail server': (
        dict(modules=('ssl', 'info'), lines='KratosSet courier.smtp.connection_uri smtp://u:geheim@mail.example.org/'), 'KR1298',
        'courier.smtp.connection_uri'),
    'that of a database': (
        dict(modules=('ssl', 'info'), database='mysql "host=127.0.0.1 user=kratos pass=geheim dbname=kratos"'), 'KR1298',
        'KratosDatabase mysql file:///PATH'),
    'a slash in an id': (
        dict(changes={'identity': {'default_schema_id': 'a/b', 'schemas': [{'id': 'a/b', 'url': 'file://./person.schema.json'}]}}),
        'KR1272', 'AllowEncodedSlashes NoDecode'),
    'many connections': (
        dict(database='mysql "host=127.0.0.1 user=kratos dbname=kratos"', top='MaxRequestWorkers 400'), 'KR1276', 'max_connections'),
    'inside other containers, in another file': (
        dict(wrap='<IfModule mod_ssl.c>\n{}</IfModule>', name='www.example.net',
             changes=nested('selfservice.allowed_return_urls', ['https://www.example.net/'])), 'KR1260', 'site.conf:3: www.example.net'),
    'written by a macro': (
        dict(wrap='<Macro Guarded>\n{}</Macro>\nUse Guarded', modules=('ssl', 'macro'), name='www.example.net',
             changes=nested('selfservice.allowed_return_urls', ['https://www.example.net/'])), 'KR1260', 'www.example.net is guarded'),
    'a place beside the cookie\'s path': (
        dict(changes=nested('session.cookie.path', '/auth')), 'KR1281', 'set it to /'),
    # of the settings alone: kratosctl check says these, too
    'a domain of everybody': (dict(changes=nested('session.cookie.domain', 'org')), 'KR1202', 'nobody\'s own domain'),
    'likewise with two labels': (dict(changes=nested('session.cookie.domain', 'co.uk')), 'KR1202', 'nobody\'s own domain'),
    'a domain without the API': (dict(changes=nested('session.cookie.domain', 'www.example.org')), 'KR1202', 'does not cover login.example.org'),
    'Secure over http': (dict(changes=nested('serve.public.base_url', 'http://login.example.org:443/auth')), 'KR1202',
                         'do not travel over http'),
    'https without Secure': (dict(changes=nested('cookies.secure', False)), 'KR1202', 'without Secure'),
    'return over http': (dict(changes=nested('selfservice.allowed_return_urls', ['https://www.example.org/', 'http://www.example.org/'])),
                         'KR1202', 'write https://www.example.org'),
    'return to everybody': (dict(changes=nested('selfservice.allowed_return_urls', ['https://www.example.org/', 'https://*.co.uk/'])),
                            'KR1202', 'everybody below co.uk'),
    'return to any program': (dict(changes=nested('selfservice.allowed_return_urls', ['https://www.example.org/', 'app://done'])),
                              'KR1202', 'org.example.app'),
}


@pytest.mark.parametrize('case', CASES)
def test_a_mistake_is_told_with_its_fix(configtest, case):
    how, number, words = CASES[case]
    how = dict(how)
    status, said = configtest(how.pop('changes', None), **how)
    assert status == 0
    mine = [line for line in said if line.startswith(number)]
    assert mine and any(re.search(words, line) for line in mine), said


@pytest.mark.parametrize('how', [
    dict(changes=nested('session.cookie', {'name': '__Host-session', 'secure': False, 'domain': None})),
    dict(changes=nested('session.cookie', {'name': '__Host-session'})),
    dict(changes=nested('session.cookie', {'name': '__host-session', 'path': '/auth', 'domain': None})),
    dict(changes=nested('session.cookie', {'name': '__Secure-session', 'secure': False})),
], ids=['__Host- without Secure', '__Host- with a domain', '__Host- with a path', '__Secure- without Secure'])
def test_a_cookie_that_all_browsers_refuse_stops_httpd(configtest, how):
    status, said = configtest(how['changes'])
    assert status != 0 and any('session.cookie.name' in line and 'kratos.yml:' in line for line in said), said


# Sites that look odd and are right.
FINE = {
    'a proxy in front with its own TLS and port': dict(
        tls='', port=8080, lines='KratosTrustForwarded On\nRemoteIPHeader X-Forwarded-For', gate='KratosTrustForwarded On',
        modules=('remoteip',)),
    'an alias that is led away': dict(
        gate='ServerAlias example.net\nRewriteEngine On\nRewriteCond %{HTTP_HOST} =example.net\nRewriteRule ^ https://www.example.org/ [R]'),
    'no domain and one host': dict(
        name='login.example.org', changes={'session': {'cookie': {'domain': None}}, **nested(
            'selfservice.allowed_return_urls', ['https://login.example.org/'])}),
    'an app of a reverse domain': dict(changes=nested('selfservice.allowed_return_urls', ['https://www.example.org', 'org.example.app://x'])),
    '__Host- and one host': dict(name='login.example.org', changes={
        'session': {'cookie': {'domain': None, 'name': '__Host-session'}},
        **nested('selfservice.allowed_return_urls', ['https://login.example.org/'])}),
    'a place for programs': dict(
        unauthenticated='KratosUnauthenticated 401', changes=nested('selfservice.allowed_return_urls', ['https://login.example.org/'])),
    'own pages': dict(changes=nested('selfservice.flows.settings.ui_url', 'https://app.example.org/me')),
    'a cache that waits': dict(gate='CacheEnable disk /\nCacheQuickHandler Off', modules=('ssl', 'cache', 'cache_disk')),
    'a page for owners with their names': dict(
        lines='<Location /ui/diagnose>\nKratosDiagnose On\n<RequireAny>\nRequire user ana\n</RequireAny>\n</Location>'),
    'metrics for those who collect them': dict(
        lines='<Location /metrics>\nSetHandler kratos-metrics\n</Location>\n<Location /metrics>\nRequire user ana\n</Location>\n'
              '<Directory /srv/metrics>\nRequire user ana\n<Files metrics>\nSetHandler kratos-metrics\n</Files>\n</Directory>'),
    'a regular expression': dict(more='<LocationMatch "^/x(/|$)">\nSetHandler kratos-ui\n</LocationMatch>'),
}


@pytest.mark.parametrize('case', FINE)
def test_no_false_alarm(configtest, case):
    how = dict(FINE[case])
    assert configtest(how.pop('changes', None), **how) == (0, [])


def test_secrets_in_files_are_not_warned_of(configtest, folder):
    (folder / 'cookie.secret').write_text('q8Jw2Vn0xLr7Tz4K-newest')
    (folder / 'database').write_text('host=127.0.0.1 user=kratos pass=geheim dbname=kratos')
    lines = f'KratosSet secrets.cookie "[\'file://{folder}/cookie.secret\']"'
    small = 'ServerLimit 2\nMaxRequestWorkers 50'
    assert configtest(modules=('ssl', 'info'), lines=lines, database=f'mysql file://{folder}/database', top=small) == (0, [])
    lines = 'KratosSet secrets.cookie "[\'q8Jw2Vn0xLr7Tz4K-newest\']"'
    assert configtest(lines=lines, top=small, database='mysql "host=127.0.0.1 user=kratos pass=geheim dbname=kratos"') == (0, []), 'without mod_info'


# Lines of an option file, and do they keep out whoever stands between httpd and the database?
TLS_OPTIONS = {
    'none': ('[kratos]\npassword=x', True),
    'of another group': ('[mariadb-dump]\nssl-ca=/x', True),
    'an authority and a look at the name': ('[kratos]\nssl-ca = /x\nssl-verify-server-cert = 1', True),
    'the same, spelled otherwise': ('[client]\ntls_ca="/x"\n[kratos]\ntls_verify_peer=1', True),
    'a fingerprint': ('[kratos]\nssl-fp=00', True),
    'in a file beside it': ('!include {folder}/more.cnf\n[kratos]\npassword=x', False),
    'an authority alone': ('[kratos]\nssl-ca=/x', False),
    'TLS that is wished for': ('[kratos]\nssl-enforce', False),
    'TLS that is asked for': ('[kratos]\nssl-enforce=1', False),
    'a name without a value': ('[kratos]\nssl-ca=/x\nssl-verify-server-cert', False),
    'a word that is no number': ('[kratos]\nssl-ca=/x\nssl-verify-server-cert=on', False),
    'a name that nothing vouches for': ('[kratos]\nssl-verify-server-cert=1', False),
    'the last one counts': ('[kratos]\nssl-ca=/x\nssl-verify-server-cert=1\nssl-verify-server-cert=0', False),
}


@pytest.mark.parametrize('case', TLS_OPTIONS)
def test_tls_to_the_database_that_does_not_protect_is_named(configtest, folder, case):
    options, protects = TLS_OPTIONS[case]
    (folder / '.my.cnf').write_text(options.format(folder=folder) + '\n')
    (folder / 'more.cnf').write_text('[kratos]\nssl-ca=/x\n')
    there = 'mysql "host=db.example.org user=kratos dbname=kratos group=kratos"\nKratosDatabasePool 0 4 4 300'
    status, said = configtest(database=there, env={'HOME': str(folder)})
    said = [line for line in said if 'KR1276' not in line]
    assert (status, [line[:6] for line in said]) == (0, [] if protects else ['KR1295'])
    assert protects or (str(folder) in said[0] and 'ssl-verify-server-cert=1' in said[0])


@pytest.mark.parametrize('params', ['host=127.0.0.1 group=kratos', 'sock=/run/mysqld/mysqld.sock group=kratos', 'host=db.example.org'])
def test_where_no_option_file_is_read_or_nobody_is_between_nothing_is_said(configtest, folder, params):
    (folder / '.my.cnf').write_text('[kratos]\nssl-enforce=1\n')
    status, said = configtest(database=f'mysql "{params} user=kratos"\nKratosDatabasePool 0 4 4 300', env={'HOME': str(folder)})
    assert (status, [line for line in said if 'KR1276' not in line]) == (0, [])


def main_server(folder):
    """A realm in the main server, with a gate; {} is where its API stands."""
    return f'''ServerName login.example.org
{TLS}
KratosDatabase sqlite3 {folder}/kratos.sqlite
KratosConfig {folder}/kratos.yml
<Location "{{}}">
    SetHandler kratos
</Location>
<Location "/ui">
    SetHandler kratos-ui
</Location>
<Location "/members">
    Require kratos-session
</Location>'''


def test_a_server_without_virtual_hosts_is_looked_at_too(configtest, folder):
    lines = main_server(folder)
    changes = nested('selfservice.allowed_return_urls', ['https://login.example.org/'])
    assert configtest(changes, only=lines.format('/auth')) == (0, [])
    assert [line[:6] for line in configtest(changes, only=lines.format('/kratos'))[1]] == ['KR1265']


# Beside a realm in the main server: hosts that take another port, or another address, and leave it its own.
@pytest.mark.parametrize('beside', ['*:8080', '127.0.0.2:443', '[::1]:443'])
def test_the_main_server_is_looked_at_where_it_answers_itself(configtest, folder, beside):
    lines = main_server(folder) + f'''
<VirtualHost {beside}>
    ServerName www.example.org
    {TLS}
</VirtualHost>
'''
    changes = nested('selfservice.allowed_return_urls', ['https://login.example.org/', 'https://www.example.org/', 'https://www.example.org:8080/'])
    assert configtest(changes, only=lines.format('/auth'), gate_port=8080) == (0, [])
    said = configtest(changes, only=lines.format('/kratos'), gate_port=8080)[1]
    assert [line[:6] for line in said] == ['KR1265'], said
    # A host that takes all leaves nothing: the name in the URL must be its own then.
    every = lines.replace(beside, '*:*').format('/auth')
    assert 'KR1266' in [line[:6] for line in configtest(changes, only=every, gate_port=8080)[1]]


def test_two_realms_with_one_cookie_are_told_apart(configtest, folder):
    second = f'''<VirtualHost 127.0.0.1:443>
    ServerName blue.example.org
    {TLS}
    KratosRealm blue
    KratosDatabase sqlite3 {folder}/kratos.sqlite
    KratosConfig {folder}/kratos.yml
    KratosSet serve.public.base_url https://blue.example.org/auth
    {{}}
    <Location "/auth">
        SetHandler kratos
    </Location>
    <Location "/ui">
        SetHandler kratos-ui
    </Location>
</VirtualHost>'''
    status, said = configtest(more=second.format(''))
    assert status == 0 and [line[:6] for line in said] == ['KR1280'] and 'session.cookie.name' in said[0]
    assert configtest(more=second.format('KratosSet session.cookie.name blue_session')) == (0, [])


def test_the_same_is_in_the_error_log(serve_sqlite):
    server = serve_sqlite(nested('session.cookie.domain', 'example.org'), gate=True)
    assert re.search(r'\[kratos:warn\].*KR1202: .*"example.org" does not cover 127.0.0.1', server.log())
    assert re.search(r'\[kratos:warn\].*KR1263: .*is guarded, but nobody may be led back there', server.log())


def test_the_example_site_is_as_it_should_be(configtest, folder):
    """conf/example-site.conf with conf/kratos.yml, changed as its first lines say."""
    conf = ROOT / 'conf'
    shutil.copytree(conf / 'schemas', folder / 'schemas')
    (folder / 'example.yml').write_text(settings.example())
    site = (conf / 'example-site.conf').read_text().replace('/etc/kratos/kratos.yml', f'{folder}/example.yml')
    site = site.replace('/var/lib/kratos', str(folder))
    assert configtest(only=site) == (0, [])


# -- the page for owners ---------------------------------------------------------------------------


@pytest.fixture(scope='module')
def sick(request, database):
    """A server with pages, a place of the owner's own for the diagnosis, and one that is closed."""
    from conftest import end, start
    extra = '''
<Location "/owner">
    SetHandler kratos-diagnose
    KratosDiagnose On
    Require expr %{HTTP:X-Owner} == 'yes'
</Location>
<Location "/nobody">
    SetHandler kratos-diagnose
    KratosDiagnose Off
</Location>
<Location "/here">
    SetHandler kratos-diagnose
</Location>
'''
    server = start(request, database, {'courier': {'smtp': {'connection_uri': 'smtp://mail:geheim@127.0.0.1:9/'}}}, flags=['ui'],
                   lines={'extra': extra})
    yield server
    end(server)


def ask(server, path=None, accept='application/json', **headers):
    path = path or server.owners_page()
    url = urllib.request.Request(server.url + path, headers={'Accept': accept, **{k.replace('_', '-'): v for k, v in headers.items()}})
    try:
        with urllib.request.urlopen(url, timeout=20) as r:
            return r.status, r.headers, r.read().decode()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.headers, e.read().decode()


def report(server, **headers):
    """{name: (status, value, fix)}, and the whole status."""
    status, _, text = ask(server, **headers)
    assert status == 200, text
    tree = json.loads(text)
    return {c['name']: (c['status'], c['value'], c['fix']) for c in tree['checks']}, tree['status']


def test_a_healthy_site_is_told_so(sick, database):
    lines, _ = report(sick)
    assert {lines[name][0] for name in ('Host', 'Scheme', 'Cookie domain', 'Cookie flags', 'Database', 'Schema', 'Clock')} == {'ok'}
    assert {'sqlite': 'sqlite3 3.', 'mariadb': 'MariaDB', 'mysql': 'mysql'}[database.name] in lines['Database'][1]
    assert 'answers in' in lines['Database'][1] and '0 to 16' in lines['Connections'][1]
    assert re.search(r'version \d+, all \d+', lines['Schema'][1])
    assert re.fullmatch(r'20\d\d-.*Z(, and the database agrees)?', lines['Clock'][1])
    assert 'Apache/2.4' in lines['httpd'][1] and 'event' in lines['httpd'][1]
    assert all(fix for state, _, fix in lines.values() if state != 'ok')


PROXY = {'X-Forwarded-For': '127.0.0.1', 'Forwarded': 'for=127.0.0.1', 'X-Real-IP': '127.0.0.1', 'Via': '1.1 here', 'Host': 'localhost'}


@pytest.mark.parametrize('path', ['/ui/diagnose', '/here'])
def test_without_the_key_nobody_finds_anything_not_even_from_here(sick, path):
    """As a proxy on this machine asks that says nothing of its visitors; and as one asks that does."""
    good = sick.owners_page(path)
    for asked, headers in [(path, {}), (path, PROXY), (path + '?key=', {}), (good[:-1], {}), (good + 'x', {}), (path + '?key=' + 'a' * 32, {}),
                           (path + '?yek=' + good.split('=')[1], {})]:
        there = ask(sick, path=asked, **headers)
        nothing = ask(sick, path='/ui/no-such-page', **headers)
        assert there[0] == nothing[0] == 404, asked
        assert path != '/ui/diagnose' or there[2] == nothing[2]
    assert ask(sick, path=good)[0] == ask(sick, path=good, **PROXY)[0] == 200


def test_the_key_is_one_for_all_processes_and_new_at_each_restart(serve_sqlite):
    server = serve_sqlite(mpm='prefork', flags=['ui'])
    old = server.owners_page()
    assert len(re.findall('KR1212', server.log())) == 1 and all(ask(server, path=old)[0] == 200 for _ in range(20))
    server.proc.send_signal(signal.SIGHUP)
    wait_for(lambda: server.owners_page() != old and server.ready())
    assert ask(server, path=server.owners_page())[0] == 200 and ask(server, path=old)[0] == 404


def test_where_there_is_no_such_page_no_key_is_told(serve_sqlite):
    assert 'KR1212' not in serve_sqlite().log()


def test_the_owner_says_who_may_see_it(sick):
    sick.expect_log('AH01630')              # httpd says when it denies
    assert ask(sick, path='/owner')[0] == 403
    assert ask(sick, path=sick.owners_page('/owner'))[0] == 403
    assert ask(sick, path='/owner', X_Owner='yes', X_Forwarded_For='192.0.2.1')[0] == 200
    assert ask(sick, path=sick.owners_page('/nobody'))[0] == 404


def test_the_page_is_like_the_other_pages(sick):
    status, headers, html = ask(sick, accept='text/html')
    assert status == 200 and headers['Content-Type'] == 'text/html; charset=utf-8'
    assert headers['Content-Security-Policy'].startswith("default-src 'none'; style-src 'self'")
    assert headers['Cache-Control'] == 'no-store' and headers['X-Content-Type-Options'] == 'nosniff'
    assert '<script' not in html and 'style=' not in html
    style = re.search(r'href="(/ui/style.css[^"]*)"', html)[1]
    assert ask(sick, path=style, accept='text/css')[0] == 200
    assert '<h1>Diagnosis</h1>' in html and 'Schema' in html


def test_no_secret_is_shown(sick):
    for accept in ('text/html', 'application/json'):
        text = ask(sick, accept=accept)[2]
        for secret in ('geheim', 'a-cookie-secret-for-tests-only', 'user=root', 'sock=', 'dbname'):
            assert secret not in text


def test_a_hostile_host_stays_text(sick):
    for host in ('a<script>alert(1)</script>', '"onload=x'):
        html = ask(sick, path='/owner', accept='text/html', X_Owner='yes', Host=host)[2]
        assert '<script' not in html and 'onload=x' not in html


def test_a_name_that_is_not_ours_is_told(sick):
    lines = json.loads(ask(sick, path='/owner', X_Owner='yes', Host='rebound.example.net')[2])['checks']
    assert next(line for line in lines if line['name'] == 'Host')['status'] == 'look'


def test_the_cookie_is_explained(sick):
    person = sick.browser()
    person.register(new_email()).must(303)
    name, value = person.cookie('ory_kratos_session')

    def said(*cookies):
        return report(sick, Cookie='; '.join(f'{name}={c}' for c in cookies))[0]

    assert 'accepted' in said(value)['Session cookie'][1]
    assert said(value[:-1] + ('A' if value[-1] != 'A' else 'B'))['Session cookie'][:2] == (
        'look', f'{name}: your browser sent one that none of this realm\'s secrets made')
    assert 'signed in' in report(sick)[0]['Session cookie'][1]
    both = said('x', value)
    assert 'accepted' in both['Session cookie'][1] and both['Doubled cookie'][0] == 'look'
    person.logout()
    assert 'was ended' in said(value)['Session cookie'][1]
    assert value not in ask(sick, Cookie=f'{name}={value}')[2]


def test_a_proxy_that_is_not_believed_is_named(sick):
    lines, _ = (json.loads(ask(sick, path='/owner', X_Owner='yes', X_Forwarded_Proto='https', X_Forwarded_Host='x.test')[2])['checks'], 0)
    proxy = next(line for line in lines if line['name'] == 'Proxy headers')
    assert proxy['status'] == 'look' and 'X-Forwarded-Proto' in proxy['value'] and 'KratosTrustForwarded On' in proxy['fix']


def test_mail_that_waits_is_counted(serve):
    server = serve({'selfservice': {'flows': {'recovery': {'enabled': True, 'notify_unknown_recipients': True}},
                                    'methods': {'code': {'enabled': True}}}}, flags=['ui'])
    assert report(server)[0]['Mail server'][0] == 'look'
    person = server.browser()
    person.submit('recovery', person.start('recovery'), {'method': 'code', 'email': new_email()}).must(303)
    assert report(server)[0]['Queue'][1].startswith('1 waiting')


def test_mail_by_http_is_known(serve_sqlite):
    server = serve_sqlite({'courier': {'delivery_strategy': 'http', 'http': {'request_config': {
        'url': 'http://127.0.0.1:9/geheim', 'method': 'POST', 'body': 'base64://ZnVuY3Rpb24oY3R4KSB7fQ=='}}}}, flags=['ui'])
    state, value, _ = report(server)[0]['Mail server']
    assert state == 'ok' and 'HTTP' in value and 'geheim' not in value


def test_a_database_that_is_down_is_no_riddle(serve_sqlite):
    server = serve_sqlite(db='mysql host=127.0.0.1 port=9 user=kratos pass=geheim dbname=kratos', flags=['ui'], wait=False)
    server.expect_log('KR1208|KR0400|KR0001')
    wait_for(lambda: status_of(server.url + '/health/alive') == 200)
    lines, status = report(server)
    assert status == 'broken' and lines['Database'][0] == 'broken' and 'KR0400' in lines['Database'][2]
    assert 'geheim' not in str(lines)
