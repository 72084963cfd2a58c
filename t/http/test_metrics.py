# SPDX-License-Identifier: Apache-2.0
"""What the server counts for those who run it is what its clients did; whoever may not see it does not; a restart forgets nothing."""
import re
import signal
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_old

from lib.account import account
from lib.backends import modules
from lib.clients import PASSWORD, WRONG, messages, new_email
from lib.serving import ROOT, wait_for
from lib.settings import merge, nested

OPENMETRICS = 'application/openmetrics-text'
PROMETHEUS = f'{OPENMETRICS};version=1.0.0;escaping=allow-utf-8;q=0.6,{OPENMETRICS};version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
TRIES = 3           # wrong passwords under one identifier
PLACES = '''
<Location "/metrics">
    SetHandler kratos-metrics
    Require ip 127.0.0.1
</Location>
<Location "/shut">
    SetHandler kratos-metrics
    Require ip 192.0.2.1
</Location>
<Location "/server-status">
    SetHandler server-status
    Require ip 127.0.0.1
</Location>
'''


@pytest.fixture(scope='module')
def server(request, database, post):
    from conftest import end, start
    limits = nested('mod_kratos.throttle', {'identifier': TRIES})
    server = start(request, database, merge(account(uri=post.uri), limits), gate=True, flags=['throttle'],
                   lines={'global': modules('status'), 'extra': PLACES, 'gate_extra': 'ErrorDocument 404 /\n'})
    yield server
    end(server)


def fetch(server, path='/metrics', accept=PROMETHEUS, method='GET'):
    """Status, headers, text."""
    request = urllib.request.Request(server.url + path, headers={'Accept': accept} if accept else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read().decode()


def samples(families):
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def scrape(server):
    status, _, text = fetch(server)
    assert status == 200, text[:300]
    return samples(read_openmetrics(text))


def metric(name, **labels):
    return (name, *sorted(labels.items()))


class Watch:
    """What was counted since it began to look."""

    def __init__(self, server):
        self.server, self.before = server, scrape(server)

    def since(self, name, **labels):
        """Of all series of that name that have these labels."""
        now = scrape(self.server)
        return sum(value - self.before.get(key, 0) for key, value in now.items()
                   if key[0] == name and set(labels.items()) <= set(key[1:]))


def operations(watch, operation, client, status, method=''):
    return watch.since('kratos_operations_total', operation=operation, client=client, status=status, method=method)


def test_operations_errors_and_messages_are_what_clients_did(server):
    watch, email = Watch(server), new_email()
    app = server.native()
    app.register(email).must(200)
    server.native().login(email).must(200)
    for _ in range(2):
        assert messages(server.native().login(email, WRONG).must(400)) == [4000006]
    app.whoami().must(200)
    for kind in ('native', 'ajax', 'ajax'):
        server.client(kind).whoami().must(401)
    server.ajax().login(email, WRONG).must(400)
    server.native().get('/nowhere').must(404)

    assert operations(watch, 'updateRegistrationFlow', 'native', '2xx', 'password') == 1
    assert operations(watch, 'updateLoginFlow', 'native', '2xx', 'password') == 1
    assert operations(watch, 'updateLoginFlow', 'native', '4xx', 'password') == 2
    assert operations(watch, 'updateLoginFlow', 'script', '4xx', 'password') == 1
    assert operations(watch, 'toSession', 'script', '2xx') == 1
    assert operations(watch, 'toSession', 'script', '4xx') == 3
    assert operations(watch, '', 'person', '4xx') == 1
    assert watch.since('kratos_operation_duration_seconds_count', operation='updateLoginFlow') == 4
    assert 0 < watch.since('kratos_operation_duration_seconds_sum', operation='updateLoginFlow') < 60
    assert watch.since('kratos_errors_total', error='', status='401') == 3
    assert watch.since('kratos_error_messages_total', message='4000006') == 3


def test_who_fails_too_often_is_among_the_refused(server):
    watch, email = Watch(server), new_email()
    server.expect_log('KR0652')
    server.native().register(email).must(200)
    for n in range(TRIES + 2):
        server.native().login(email, WRONG).must(400 if n < TRIES else 429)
    assert watch.since('kratos_throttle_refused_total', kind='identifier') == 2
    assert watch.since('kratos_throttle_refused_total') == 2


def test_gates_tell_what_they_said(server):
    watch, browser = Watch(server), server.browser()
    for _ in range(2):
        assert fetch_gate(server) == 401
    browser.register(new_email()).must(303)
    name, token = browser.cookie('ory_kratos_session')
    assert fetch_gate(server, f'{name}={token}') == 200
    assert fetch_gate(server, f'{name}={token}', '/missing') == 404         # and its page is asked for behind the same gate
    assert watch.since('kratos_gate_verdicts_total', verdict='granted') == 2
    assert watch.since('kratos_gate_verdicts_total', verdict='no-session') == 2
    assert watch.since('kratos_gate_verdicts_total') == 4


def fetch_gate(server, cookie='', path='/'):
    request = urllib.request.Request(server.gate + path, headers={'Cookie': cookie, 'Accept': 'application/json'})
    try:
        return urllib.request.urlopen(request, timeout=20).status
    except urllib.error.HTTPError as e:
        return e.code


def test_letters_are_counted_when_they_are_out(server, post):
    watch, email = Watch(server), new_email()
    server.native().register(email).must(200)
    post.wait(email)
    wait_for(lambda: watch.since('kratos_outbox_tries_total', lane='messages', result='sent') == 1)


def test_connections_and_hashes_are_those_of_the_moment(server):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: server.native().login(new_email(), WRONG), range(8)))
    now = scrape(server)
    assert now[metric('kratos_database_connections', state='open')] >= 1
    assert wait_for(lambda: scrape(server)[metric('kratos_database_connections', state='busy')] == 0)
    assert now[metric('kratos_hash_slots')] >= 1 and now[metric('kratos_hashes', state='waiting')] == 0


@pytest.mark.parametrize('accept, openmetrics', [
    (PROMETHEUS, True),
    (f'{OPENMETRICS}; version=1.0.0; charset=utf-8', True),
    (f'{OPENMETRICS};version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', False),   # before OpenMetrics was finished
    (f'{OPENMETRICS};q=0.2, text/plain;q=0.9', False),
    (f'{OPENMETRICS};q=0, */*', False),
    ('text/plain;version=0.0.4', False),
    ('text/html,*/*;q=0.8', False),
    (None, False),
])
def test_each_collector_gets_the_format_that_it_reads(server, accept, openmetrics):
    status, headers, text = fetch(server, accept=accept)
    assert (status, headers['Cache-Control'], 'Accept' in headers['Vary']) == (200, 'no-store', True)
    if openmetrics:
        assert headers['Content-Type'] == f'{OPENMETRICS}; version=1.0.0; charset=utf-8'
        assert text.endswith('# EOF\n') and samples(read_openmetrics(text))
    else:
        assert headers['Content-Type'] == 'text/plain; version=0.0.4; charset=utf-8'
        assert '# EOF' not in text and samples(read_old(text))


def test_both_formats_tell_the_same(server):
    new, old = fetch(server)[2], fetch(server, accept='text/plain')[2]
    stable = {key: value for key, value in samples(read_openmetrics(new)).items() if key[0].startswith('kratos_operation')}
    assert stable and stable.items() <= samples(read_old(old)).items()


def test_nothing_of_a_request_becomes_a_label(server):
    names = set(scrape(server))
    app = server.native()
    app.request('POST', '/self-service/login/x"}\\evil', headers={'Accept': 'evil-accept'})
    app.get('/sessions/whoami', {'method': 'evil'}, headers={'X-Session-Token': 'evil'})
    flow = app.start('login')
    app.submit('login', flow, {'method': 'evil', 'identifier': 'evil', 'password': 'evil'})
    text = fetch(server)[2]
    assert 'evil' not in text and len(names) < 3000


def test_who_may_not_see_it_does_not(server):
    server.expect_log('AH0163[01]')         # httpd's own words for whom a line does not let in
    status, _, text = fetch(server, '/shut')
    assert status == 403 and 'kratos_' not in text
    assert fetch(server, method='POST')[0] == 405
    status, headers, text = fetch(server, method='HEAD')
    assert status == 200 and int(headers['Content-Length']) > 1000 and not text


def test_the_howto_names_all_of_them(server):
    known = {line.split()[2] for line in fetch(server)[2].splitlines() if line.startswith('# TYPE')}
    named = set(re.findall(r'\bkratos_\w+', (ROOT / 'docs/howto/metrics.md').read_text()))
    assert {re.sub('_total$', '', name) for name in named} == known


def test_server_status_has_a_section(server):
    text = fetch(server, '/server-status?auto')[2]
    lines = dict(line.split(': ', 1) for line in text.splitlines() if line.startswith('Kratos'))
    watch = scrape(server)
    assert int(lines['KratosGateNoSession']) == watch[metric('kratos_gate_verdicts_total', verdict='no-session')]
    assert int(lines['KratosOperations']) == sum(v for k, v in watch.items() if k[0] == 'kratos_operations_total')
    page = fetch(server, '/server-status')[2]
    assert '<h1>mod_kratos</h1>' in page and f'Password hashes that wait: {lines["KratosHashesWaiting"]}' in page


MESSAGE = ("INSERT INTO courier_messages (id, realm_id, status, via, recipient, template_type, sealed, attempts, send_after, created_at, updated_at) "
           "VALUES ('{id}', 'main', 'queued', 'email', 'ana@example.org', 'x', '-', 0, 9000000000000000, 0, 1700000000000000)")


def test_a_restart_forgets_nothing_and_databases_are_asked_now_and_then(server):
    """After a restart nobody has asked the database yet: the first scrape does, and for some seconds all others are told the same."""
    def waiting():
        return scrape(server)[metric('kratos_outbox_waiting', lane='messages')]

    server.sql(MESSAGE.format(id='00000000-0000-4000-8000-000000000001'))
    before = scrape(server)
    former = server.httpd()[1:]
    server.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: not set(former) & set(server.httpd()) and server.ready())
    first = waiting()
    server.sql(MESSAGE.format(id='00000000-0000-4000-8000-000000000002'))
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: waiting(), range(12))) == {first} == {1}
    after = scrape(server)
    assert all(after.get(key, 0) >= value for key, value in before.items() if key[0].endswith(('_total', '_count', '_bucket')))
    assert before[metric('kratos_gate_verdicts_total', verdict='granted')] > 0
    assert PASSWORD not in fetch(server)[2]
