# SPDX-License-Identifier: Apache-2.0
"""Two nodes of ours over a Galera cluster of three, of which parts are killed, frozen, shut out and stopped. `build/check galera` runs it."""
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.clients import PASSWORD, Native, new_email
from lib.cluster import Cluster
from lib.serving import ROOT, Server, free_port, status_of, wait_for
from lib.settings import base, merge, nested

sys.dont_write_bytecode = True
CHEAP = nested('hashers', {'algorithm': 'bcrypt', 'bcrypt': {'cost': 4}})       # it is not hashing that is looked at


class Behind:
    """For as long as this lasts, node N applies nothing of what the others write: it is read-locked, as by a backup."""

    def __init__(self, cluster, node):
        self.proc = subprocess.Popen(['mariadb', '--no-defaults', f'--socket={cluster.dir}/{node}/sock', '--user=root', '--unbuffered'],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        self.proc.stdin.write('FLUSH TABLES WITH READ LOCK; SELECT 1;\n')
        self.proc.stdin.flush()
        assert self.proc.stdout.readline()
        return self

    def end(self):
        if self.proc.poll() is None:
            self.proc.stdin.close()
            self.proc.wait()

    def __exit__(self, *_):
        self.end()


@pytest.fixture(scope='module')
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture
def pair(cluster):
    """Two of our nodes on a fresh database: one goes to the first host of the cluster, the other to the second."""
    wait_for(cluster.is_whole, 60, 0.2)
    name = f'kratos_{time.monotonic_ns()}'
    cluster.query(1, f'CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin')
    hosts = [host.rpartition('dbname=')[0] + f'dbname={name}' for host in cluster.hosts]
    servers = []
    for order in (hosts, hosts[1:] + hosts[:1]):
        port = free_port()
        servers.append(Server(merge(base(port), CHEAP), port=port, db=order))
        servers[-1].expect_log('.')             # what the log says is asked where it matters
        servers[-1].database = name
    yield servers
    for server in servers:
        server.stop()


def app(server):
    return Native(server.url)


def of(server, other):
    """The same person, at the other node."""
    client = app(server)
    client.token = other.token
    return client


# -- what another node wrote ----------------------------------------------------------

@pytest.mark.parametrize('what', ['session', 'flow', 'account', 'end'])
def test_what_one_node_wrote_the_other_finds_however_far_its_host_is_behind(cluster, pair, what):
    one, two = pair
    email = new_email()
    first = app(one)
    first.register(email).must(200)
    of(two, first).whoami().must(200)
    with Behind(cluster, 2) as behind, ThreadPoolExecutor() as pool:
        if what == 'session':
            other = app(one)
            other.login(email).must(200)
            ask = lambda: of(two, other).whoami().status == 200
        elif what == 'flow':
            flow = app(one).start('login')
            ask = lambda: app(two).fetch('login', flow.flow_id).status == 200
        elif what == 'account':
            email = new_email()
            app(one).register(email).must(200)
            flow = app(one).start('login')
            ask = lambda: app(two).submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}).status == 200
        else:
            other = app(one)
            other.login(email).must(200)
            ask = lambda: of(two, other).request('DELETE', '/self-service/logout/api', json_={'session_token': other.token}).status == 204
        answer = pool.submit(ask)
        time.sleep(0.5)                         # it must still be waiting
        assert not answer.done()
        behind.end()
        assert answer.result()


def test_a_session_that_ended_at_one_node_is_refused_by_the_other_within_two_seconds_however_far_its_host_is_behind(cluster, pair):
    one, two = pair
    client = app(one)
    client.register(new_email()).must(200)
    of(two, client).whoami().must(200)
    with Behind(cluster, 2) as behind, ThreadPoolExecutor() as pool:
        app(one).request('DELETE', '/self-service/logout/api', json_={'session_token': client.token}).must(204)
        time.sleep(2)                           # this is the promise
        answer = pool.submit(lambda: of(two, client).whoami().status)
        time.sleep(0.5)
        assert not answer.done() or answer.result() != 200
        behind.end()
        assert answer.result() == 401


def test_two_hundred_sign_ins_are_seen_by_the_other_node_at_once(pair):
    one, two = pair
    email = new_email()
    app(one).register(email).must(200)

    def sign_in_here_and_look_there(i):
        here, there = (one, two) if i % 2 else (two, one)
        client = app(here)
        client.login(email).must(200)
        return of(there, client).whoami().status
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(sign_in_here_and_look_there, range(200))) == {200}


def test_one_address_registered_everywhere_at_once_is_one_account(pair):
    one, two = pair
    for _ in range(10):
        email = new_email()
        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(pool.map(lambda server: app(server).register(email).status, [one, two, one, two]))
        assert statuses == [200, 400, 400, 400]


# -- parts that go ---------------------------------------------------------------------

class Crowd:
    """People who sign up at both nodes all the time. What they were told is remembered."""

    def __init__(self, servers):
        self.servers, self.told, self.stalls = servers, [], []
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self.sign_up, args=(i,), daemon=True) for i in range(4)]
        for thread in self.threads:
            thread.start()

    def sign_up(self, i):
        while not self.ends.is_set():
            email, began = new_email(f'crowd{i}'), time.monotonic()
            try:
                client = app(self.servers[i % 2])
                start = client.init('registration')
                status = start.status
                if status == 200:
                    status = client.submit('registration', start, {'method': 'password', 'password': PASSWORD, 'traits': {'email': email}}).status
            except OSError:
                status = 0
            self.told.append((email, status))
            self.stalls.append(time.monotonic() - began)

    def leave(self):
        self.ends.set()
        for thread in self.threads:
            thread.join()

    def count(self, status):
        return sum(1 for _, each in self.told if each == status)

    def check(self, cluster, node, database):
        """Nobody was lost, nobody is there twice, and nothing but 200 and 503 was said."""
        kept = [row[0] for row in cluster.query(node, 'SET SESSION wsrep_sync_wait=1; SELECT identifier FROM identity_identifiers', database)]
        made = {email for email, status in self.told if status == 200}
        assert {status for _, status in self.told} <= {200, 503}, {s: self.count(s) for s in {status for _, status in self.told}}
        assert made <= set(kept) and len(kept) == len(set(kept))
        print(f'{len(made)} accounts, {self.count(503)} x 503, longest wait {max(self.stalls):.1f} s')


def works(server):
    return app(server).register(new_email()).status == 200


def test_a_node_that_is_killed_is_missed_by_nobody_and_gone_back_to(cluster, pair):
    one, two = pair
    crowd = Crowd(pair)
    wait_for(lambda: crowd.count(200) > 20, 90)
    cluster.tool('kill', 1)
    wait_for(lambda: 'connections go to host 2 of 3' in one.log(), 30)
    before = crowd.count(200)
    wait_for(lambda: crowd.count(200) > before + 20, 90)
    cluster.tool('start', 1)
    wait_for(lambda: 'connections go to host 1 of 3' in one.log().rpartition('connections go to host 2')[2], 90)
    crowd.leave()
    assert max(crowd.stalls) < 20
    assert crowd.count(503) < 40, 'those whose writing was under way'
    crowd.check(cluster, 2, one.database)
    assert works(one) and works(two)


def test_a_node_that_freezes_is_left_in_seconds(cluster, pair):
    one, two = pair
    client = app(one)
    client.register(new_email()).must(200)
    cluster.tool('freeze', 1)
    try:
        began = time.monotonic()
        assert client.whoami().status == 200
        assert time.monotonic() - began < 10, 'by another host'
        wait_for(lambda: works(two), 30)        # the cluster throws it out first
    finally:
        cluster.tool('thaw', 1)
    wait_for(cluster.is_whole, 60, 0.2)
    wait_for(lambda: works(one) and works(two), 30)


def test_without_a_quorum_all_is_503_until_there_is_one_again(cluster, pair):
    one, two = pair
    client = app(one)
    client.register(new_email()).must(200)
    crowd = Crowd(pair)
    wait_for(lambda: crowd.count(200) > 10, 90)
    cluster.tool('kill', 2)
    cluster.tool('kill', 3)
    wait_for(lambda: client.whoami().status == 503 and app(two).init('login').status == 503, 30, 0.2)
    assert status_of(one.url + '/health/ready', 20) == 503 and status_of(one.url + '/health/alive') == 200
    # what its operator does who knows that the others are gone
    cluster.query(1, "SET GLOBAL wsrep_provider_options='pc.bootstrap=YES'")
    wait_for(lambda: works(one) and works(two), 60, 0.2)
    cluster.tool('start', 2)
    cluster.tool('start', 3)
    crowd.leave()
    crowd.check(cluster, 1, one.database)
    assert client.whoami().status == 200 and works(one) and works(two)


def test_the_whole_cluster_stops_and_begins_again(cluster, pair):
    one, two = pair
    client, email = app(one), new_email()
    client.register(email).must(200)
    cluster.tool('stop')
    assert client.whoami().status == 503 and app(two).init('login').status == 503
    last = next(n for n in (1, 2, 3) if 'safe_to_bootstrap: 1' in (cluster.dir / str(n) / 'data' / 'grastate.dat').read_text())
    cluster.tool('bootstrap', last)
    for n in {1, 2, 3} - {last}:
        cluster.tool('start', n)
    wait_for(lambda: works(one) and works(two), 60, 0.2)
    assert client.whoami().status == 200
    assert app(two).login(email).status == 200


def test_tables_are_made_by_nodes_that_start_at_once_on_different_hosts(cluster):
    wait_for(cluster.is_whole, 60, 0.2)
    name = f'kratos_{time.monotonic_ns()}'
    cluster.query(1, f'CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin')
    servers = []
    for i in range(6):
        port = free_port()
        host = cluster.hosts[i % 3].rpartition('dbname=')[0] + f'dbname={name}'
        servers.append(Server(merge(base(port), CHEAP), port=port, db=host, wait=False))
        servers[-1].expect_log('.')
    try:
        for server in servers:
            server.wait_ready(60)
        assert all(works(server) for server in servers)
        count = len(os.listdir(ROOT / 'sql' / 'mysql'))
        assert cluster.query(2, 'SELECT COUNT(*) FROM schema_migrations', name) == [[str(count)]]
    finally:
        for server in servers:
            server.stop()
