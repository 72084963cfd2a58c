# SPDX-License-Identifier: Apache-2.0
"""What would start and give something away, or could never work, stops httpd: with the line, the reason, and what to write."""
import shutil
import urllib.error
import urllib.request

import pytest

from lib.serving import ROOT, free_port, scratch
from lib.settings import merge, nested
from test_doctor import TLS, configtest, folder  # noqa: F401

STOPS = {
    'the sample secret': (dict(changes=nested('secrets.cookie', ['change-me-before-anybody-signs-in'])),
                          r'secrets.cookie: element 1 is a sample', 'openssl rand -hex 16'),
    'one of Kratos\' own': (dict(changes=nested('secrets.default', ['PLEASE-CHANGE-ME-I-AM-VERY-INSECURE'])),
                            'secrets.default: element 1 is a sample', 'openssl rand -hex 16'),
    'a variable that nobody defined': (dict(lines='KratosSet serve.public.base_url https://${NO_SUCH_HOST}/auth'),
                                       'serve.public.base_url', 'write the value itself'),
    'everybody\'s origin with cookies': (
        dict(changes=nested('serve.public.cors', {'enabled': True, 'allowed_origins': ['*', 'https://www.example.org']})),
        'serve.public.cors.allowed_origins[0]: "*" beside other origins', 'take it away'),
    'an audit stream into a program': (dict(lines='KratosAudit "|/bin/logger"'), 'KratosAudit: no program', 'name a file'),
}


@pytest.mark.parametrize('case', STOPS)
def test_it_stops_httpd_with_the_line_and_the_fix(configtest, case):  # noqa: F811
    how, what, fix = STOPS[case]
    how = dict(how)
    status, said = configtest(how.pop('changes', None), **how)
    mine = [line for line in said if what in line]
    assert status != 0 and mine and fix in mine[0], said
    assert 'kratos.yml:' in mine[0] or 'httpd.conf:' in mine[0] or ' line ' in mine[0] or any(' line ' in line for line in said), said


def test_the_files_of_the_project_want_a_secret_of_ones_own(configtest, folder):  # noqa: F811
    """conf/kratos.yml as it is copied, before the README's next line."""
    shutil.copytree(ROOT / 'conf' / 'schemas', folder / 'schemas')
    shutil.copy(ROOT / 'conf' / 'kratos.yml', folder / 'example.yml')
    site = (ROOT / 'conf' / 'example-site.conf').read_text().replace('/etc/kratos/kratos.yml', f'{folder}/example.yml')
    status, said = configtest(only=site.replace('/var/lib/kratos', str(folder)))
    assert status != 0 and any('example.yml:' in line and 'secrets.cookie: element 1 is a sample' in line for line in said), said


# -- the way in -------------------------------------------------------------------------------------

SITE = f'''<VirtualHost 127.0.0.1:443>
    ServerName login.example.org
    DocumentRoot {{dir}}
    {TLS}
    KratosDatabase sqlite3 {{dir}}/kratos.sqlite
    KratosConfig {{dir}}/kratos.yml
    {{lines}}
</VirtualHost>
'''
API = '<Location "/auth">\nSetHandler kratos\n{}\n</Location>\n<Location "/ui">\nSetHandler kratos-ui\n{}\n</Location>\n'
OPEN = 'Require all granted'
ALL = '<Location "/">\n{}\n</Location>\n'
HOME = nested('selfservice.allowed_return_urls', ['https://login.example.org/'])

CLOSED = {
    'all is guarded': ALL.format('Require kratos-session') + API.format('', ''),
    'in the old words': ALL.format('AuthType Kratos\nRequire valid-user') + API.format('', ''),
    'or for one user': ALL.format('AuthType Kratos\nRequire user ana') + API.format('', ''),
    'for some members': ALL.format('Require kratos-trait email /x/') + API.format('', ''),
    'by both of two': ALL.format('<RequireAll>\nRequire all granted\nRequire kratos-session\n</RequireAll>') + API.format('', ''),
    'by one of two that are alike': ALL.format('Require kratos-session\nRequire kratos-verified') + API.format('', ''),
    'the later section counts': API.format(OPEN, OPEN) + ALL.format('Require kratos-session'),
    'and adds': ALL.format('Require kratos-session') + API.format('AuthMerging And\n' + OPEN, OPEN),
    'the API says so itself': API.format('Require kratos-session', OPEN),
    'by an expression': '<LocationMatch "^/a">\nRequire kratos-session\n</LocationMatch>\n' + API.format('', OPEN),
    'its folder is guarded': '<Directory "{dir}">\nRequire kratos-session\n</Directory>\n' + API.format('', ''),
    'the pages alone': ALL.format('Require kratos-session') + API.format(OPEN, ''),
    'the main server says so': API.format('', ''),
}


@pytest.mark.parametrize('case', CLOSED)
def test_a_login_behind_its_own_gate_stops_httpd(configtest, folder, case):  # noqa: F811
    main = '<Location "/">\nRequire kratos-session\n</Location>' if case == 'the main server says so' else ''
    status, said = configtest(HOME, top=main, only=SITE.format(dir=folder, lines=CLOSED[case].replace('{dir}', str(folder))))
    mine = [line for line in said if 'KR1290' in line]
    assert status != 0 and len(mine) == 1, said
    assert 'Require all granted' in mine[0] and 'httpd.conf:' in mine[0]
    assert ('the login page' if case == 'the pages alone' else 'the API') in mine[0]


REACHED = {
    'opened again': ALL.format('Require kratos-session') + API.format(OPEN, OPEN),
    'for friends, too': ALL.format('Require kratos-session\nRequire env friend') + API.format('', ''),
    'for one of two': ALL.format('<RequireAny>\nRequire all granted\nRequire kratos-session\n</RequireAny>') + API.format('', ''),
    'or opens it': ALL.format('Require kratos-session') + API.format('AuthMerging Or\n' + OPEN, 'AuthMerging Or\n' + OPEN),
    'a guarded folder': '<Directory "{dir}">\nRequire kratos-session\n</Directory>\n' + API.format(OPEN, OPEN),
    'the same folder, later': '<Directory "{dir}/">\nRequire kratos-session\n</Directory>\n<Directory "{dir}">\nRequire all granted\n</Directory>\n'
                              + API.format('', ''),
    'another folder': '<Directory "{dir}/members">\nRequire kratos-session\n</Directory>\n' + API.format('', ''),
    'another place': '<Location "/authors">\nRequire kratos-session\n</Location>\n' + API.format('', ''),
    'its settings alone': '<Location "/ui/settings">\nRequire kratos-session\n</Location>\n' + API.format('', ''),
    'shut for all': ALL.format('Require all denied') + API.format('', ''),
    'another login': ALL.format('AuthType Basic\nAuthName x\nRequire valid-user') + API.format('', ''),
    'an alias elsewhere': '<Directory "{dir}">\nRequire kratos-session\n</Directory>\nAlias /auth /nowhere\nAlias /ui /nowhere\n' + API.format('', ''),
    'some methods': ALL.format('Require kratos-session') + API.format('', '').replace(
        '</Location>', '<LimitExcept DELETE>\nRequire all granted\n</LimitExcept>\n</Location>'),
}


# Another server, guarded as a whole, that takes none of the login's requests.
BESIDE = f'''<VirtualHost 127.0.0.1:443>
    {{}}
    {TLS}
    {ALL.format('Require kratos-session')}
</VirtualHost>
'''


@pytest.mark.parametrize('case', REACHED)
def test_a_login_that_strangers_reach_starts(configtest, folder, case):  # noqa: F811
    status, said = configtest(HOME, only=SITE.format(dir=folder, lines=REACHED[case].replace('{dir}', str(folder))))
    assert status == 0 and not [line for line in said if 'KR1290' in line], said


def test_nor_may_a_login_page_of_ones_own_stand_behind_the_gate(configtest, folder):  # noqa: F811
    changes = merge(HOME, nested('selfservice.flows.login.ui_url', 'https://www.example.org/login'))
    site = SITE.format(dir=folder, lines=API.format(OPEN, OPEN)) + BESIDE.format('ServerName www.example.org')
    status, said = configtest(changes, only=site)
    assert status != 0 and any('KR1290' in line and 'the login page (https://www.example.org/login)' in line for line in said), said
    opened = site.replace('ServerName www', '<Location "/login">\nRequire all granted\n</Location>\nServerName www')
    assert configtest(changes, only=opened)[0] != 0, 'what stands before the gate is overruled by it'
    opened = site.replace(f'{ALL.format("Require kratos-session")}', ALL.format('Require kratos-session') + '<Location "/login">\nRequire all granted\n</Location>\n')
    assert configtest(changes, only=opened)[0] == 0


@pytest.mark.parametrize('top', ['', 'KratosTrustForwarded On'])
@pytest.mark.parametrize('name', ['', 'ServerName www.example.org', 'ServerName www.example.org\nServerAlias *.example.net'])
def test_what_other_servers_guard_is_no_matter_of_the_login(configtest, folder, top, name):  # noqa: F811
    site = SITE.format(dir=folder, lines=API.format(OPEN, OPEN))
    for both in (site + BESIDE.format(name), BESIDE.format(name) + site):
        status, said = configtest(HOME, top=top, only=both)
        assert status == 0 and not [line for line in said if 'KR1290' in line], said


# What .htaccess files and conditions say is known with the request only.
SITE_WITH_API = '''
<Directory "{root}">
    Require all granted
    AllowOverride AuthConfig
</Directory>
<Location "/auth">
    SetHandler kratos
</Location>
<Location "/auth/ui">
    SetHandler kratos-ui
</Location>
'''


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def hop(browser, url):
    """One step of a browser: status, and where to go next."""
    ask = urllib.request.Request(url, headers={'Accept': 'text/html', 'Sec-Fetch-Mode': 'navigate'})
    try:
        with browser.open(ask, timeout=20) as r:
            return r.status, None
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.headers.get('Location')


def walk(url):
    browser, hops = urllib.request.build_opener(Stay, urllib.request.HTTPCookieProcessor()), []
    while url and len(hops) < 10:
        status, url = hop(browser, url)
        hops.append(status)
    return hops


@pytest.mark.parametrize('lines, hops', [
    ('Require kratos-session\n', [303, 500]),                                                      # API and all
    ('<If "%{REQUEST_URI} =~ m#^/(auth/ui/login|page)#">\nRequire kratos-session\n</If>\n', [303, 303, 500]),    # the login page
    ('<If "%{REQUEST_URI} =~ m#^/page#">\nRequire kratos-session\n</If>\n', [303, 303, 200]),      # as it should be
])
def test_a_login_that_htaccess_shuts_is_an_error_and_no_circle(serve, lines, hops):
    port, gate, folder = free_port(), free_port(), scratch('way-in')  # noqa: F811
    url = f'http://127.0.0.1:{gate}'
    server = serve(merge({**nested('serve.public.base_url', f'{url}/auth'), **nested('cookies.secure', False)}, nested('selfservice', {
        'default_browser_return_url': f'{url}/page', 'allowed_return_urls': [url],
        'flows': {flow: {'ui_url': f'{url}/auth/ui/{flow}'} for flow in ('login', 'registration', 'error')}})),
        port=port, gate=gate, dir=folder, lines={'gate_extra': SITE_WITH_API.replace('{root}', f'{folder}/gate')})
    (server.dir / 'gate' / 'page').write_text('for members')
    (server.dir / 'gate' / '.htaccess').write_text(lines)
    if 500 in hops:
        server.expect_log('KR1223')
    assert walk(f'{url}/page') == hops
    if 500 in hops:
        assert 'KR1223: realm main: this gate stands before its own login' in server.log()
