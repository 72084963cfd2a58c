# SPDX-License-Identifier: Apache-2.0
"""How many statements an operation costs, counted by MariaDB itself."""
import re
import statistics

import pytest

from lib.account import member
from lib.clients import PASSWORD, new_email
from lib.factors import enrol, enrol_codes, second
from lib.settings import merge, nested

TIMES = 7           # the median counts: a pool that opens a connection, or the sweeper, may come between


@pytest.fixture(scope='module')
def server(request, mariadb):
    from conftest import end, start
    db = mariadb.fresh()
    server = start(request, db=db, gate=True)
    server.db_name = re.search(r'dbname=(\w+)', db)[1]
    yield server
    end(server)


@pytest.fixture
def count(server, mariadb):
    """count(operation) is how many statements reached the database while it ran, and what they were."""
    mariadb.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1")

    def one(operation):
        mariadb.query('TRUNCATE TABLE mysql.general_log')
        operation()
        rows = mariadb.query("SELECT argument FROM mysql.general_log WHERE command_type IN ('Execute', 'Query') ORDER BY event_time")
        return [row[0] for row in rows if 'general_log' not in row[0]]

    def several(make):
        """make() prepares and hands back the operation to be counted."""
        counted = []
        for _ in range(TIMES + 3):
            operation = make()
            counted.append(one(operation))
        sizes = [len(statements) for statements in counted[3:]]
        middle = int(statistics.median_low(sizes))
        return middle, next(c for c in counted[3:] if len(c) == middle)

    yield several
    mariadb.query('SET GLOBAL general_log = 0')


@pytest.fixture
def someone(server):
    client = server.native()
    client.email = new_email()
    client.register(client.email).must(200)
    return client


def test_whoami_is_one_statement(count, someone):
    number, statements = count(lambda: lambda: someone.whoami().must(200))
    assert number == 1, statements


def test_the_gate_is_one_statement(server, count, someone):
    number, statements = count(lambda: lambda: someone.get(server.gate + '/').must(200))
    assert number == 1, statements


def test_a_forged_cookie_or_no_session_costs_nothing(server, count):
    client = server.native()
    number, statements = count(lambda: lambda: client.whoami(headers={'Cookie': 'ory_kratos_session=' + 'A' * 100}).must(401))
    assert number == 0, statements
    number, statements = count(lambda: lambda: client.whoami().must(401))
    assert number == 0, statements


@pytest.mark.parametrize('kind', ['login', 'registration'])
def test_creating_a_flow_is_one_statement(server, count, kind, client_kind):
    number, statements = count(lambda: lambda: server.client(client_kind).init(kind).must(200, 303))
    assert number == 1, statements


@pytest.mark.parametrize('kind', ['login', 'registration'])
def test_getting_a_flow_is_one_statement(server, count, kind, client_kind):
    client = server.client(client_kind)
    flow = client.start(kind)
    number, statements = count(lambda: lambda: client.fetch(kind, flow.flow_id).must(200))
    assert number == 1, statements


def test_a_login_is_four_statements_and_the_session(server, count, someone, client_kind):
    def make():
        client = server.client(client_kind)
        flow = client.start('login')
        body = {'method': 'password', 'identifier': someone.email, 'password': PASSWORD}
        return lambda: client.submit('login', flow, body).must(200, 303)
    number, statements = count(make)
    assert number <= 4 + 1, statements


def test_a_registration_is_eight_statements(server, count, client_kind):
    def make():
        client = server.client(client_kind)
        flow = client.start('registration')
        body = {'method': 'password', 'password': PASSWORD, 'traits': {'email': new_email()}}
        return lambda: client.submit('registration', flow, body).must(200, 303)
    number, statements = count(make)
    assert number <= 8, statements


@pytest.fixture
def with_factors(request, mariadb):
    """A server that asks for second factors, and writes no letters about them."""
    from conftest import end, start
    methods = nested('selfservice.methods', {'totp': {'enabled': True}, 'lookup_secret': {'enabled': True}})
    letters = nested('mod_kratos.letters.recovery_code_used', False)
    server = start(request, db=mariadb.fresh(), changes=merge(methods, letters), clock=True)
    yield server
    end(server)


@pytest.mark.parametrize('factor', ['totp', 'lookup_secret'])
def test_a_second_factor_is_four_statements(with_factors, count, client_kind, factor):
    """The flow, the session with all that the account has, what is used up together with the flow, and the session once more; an app keeps its
    token, by which other nodes may remember what the session was: they are told, in one transaction with it."""
    owner = member(with_factors, 'native')
    app, codes = (enrol(with_factors, owner), []) if factor == 'totp' else (None, enrol_codes(owner))

    def make():
        client = with_factors.client(client_kind)
        client.login(owner.email)
        flow = second(client)
        body = {'totp_code': app.next()} if app else {'lookup_secret': codes.pop()}
        return lambda: client.submit('login', flow, {'method': factor, **body}).must(200, 303)
    number, statements = count(make)
    assert number == (4 if client_kind == 'browser' else 7), statements


@pytest.fixture(params=['browser', 'native'])
def client_kind(request):
    return request.param
