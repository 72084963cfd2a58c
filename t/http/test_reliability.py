# SPDX-License-Identifier: Apache-2.0
"""
Mail when things break: processes are killed, the mail server goes away, is slow, or refuses somebody; a server ends with
its queue full. Nothing is lost, and nothing is sent twice but what was under way in a process that was killed.
"""
import contextlib
import itertools
import os
import re
import signal
import sqlite3
import time

import pytest

from lib.serving import ended, wait_for
from lib.sink import Sink, letters, linger, queued_by

_names = itertools.count(1)


def addresses(count):
    batch = next(_names)
    return [f'reader{number}.{batch}@example.net' for number in range(count)]


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def two_nodes(request, mariadb, sink):
    """two_nodes(addresses) are two nodes on one MariaDB that find a queue with a mail to each of them."""
    from conftest import end, start
    db, servers = mariadb.fresh(), []
    name = re.search(r'dbname=(\w+)', db)[1]

    def begin(everybody):
        desk = start(request, changes=letters(None), db=db)
        queued_by(everybody, desk)
        end(desk)
        servers.extend(start(request, changes=letters(sink.uri), db=db, wait=False) for _ in range(2))
        for server in servers:
            server.wait_ready()
            server.query = lambda sql: mariadb.query(sql, name)
        return servers

    yield begin
    for server in servers:
        end(server)


def status_of_message(server, address):
    """Of the one message to that address: its status and how often it was tried."""
    sql = f"SELECT status, attempts FROM courier_messages WHERE recipient = '{address}'"
    if server.sqlite.exists():
        with contextlib.closing(sqlite3.connect(server.sqlite, timeout=10)) as db:
            (status, attempts), = db.execute(sql).fetchall()
    else:
        (status, attempts), = server.query(sql)
    return status, int(attempts)


@pytest.fixture
def serve_mail(serve, database, sink):
    """serve_mail(...) is a server that sends to the sink; server.query(sql) asks its database."""
    def start(**more):
        server = serve(letters(sink.uri, **more))
        if database.mariadb:
            name = re.search(r'dbname=(\w+)', (server.dir / 'httpd.conf').read_text())[1]
            server.query = lambda sql: database.mariadb.query(sql, name)
        return server
    return start


# -- processes that are killed -----------------------------------------------------------

def kill(server, pids):
    """As a crash or the kernel would. The parent goes first where it is meant, so that nobody is born meanwhile."""
    server.expect_log(r'AH00052: child pid \d+ exit signal Killed')
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def end_leases_of(pids, query):
    """What a killed process had claimed is free when its minute is over. The minute is not waited for, it is made over."""
    for pid in pids:
        query(f"UPDATE courier_messages SET send_after = send_after - 61000000 WHERE lease_owner LIKE '%:{pid}:%'")


def sent_twice(sink):
    """Message-IDs of mails that came more than once. Nothing came under two of them."""
    assert len({m.id for m in sink.mails}) == len({m.to for m in sink.mails}), 'a copy must be known by its Message-ID'
    return [to for to, count in sink.count().items() if count > 1 and (count == 2 or pytest.fail(f'{count} times: {to}'))]


@pytest.mark.slow
@pytest.mark.parametrize('victims', ['a child', 'a node'])
def test_no_mail_is_lost_when_processes_are_killed_in_the_middle(two_nodes, sink, victims):
    """Each child sends on its own, so each may have had one mail under way that its server had taken: that one comes twice."""
    everybody = addresses(1000)
    sink.pace = 200
    nodes = two_nodes(everybody)
    wait_for(lambda: len(sink.mails) > 200)
    parent, *children = nodes[0].httpd()
    doomed = children[:1] if victims == 'a child' else [parent, *children]
    kill(nodes[0], doomed)
    assert len(sink.mails) < 900, 'it was to happen in the middle'
    sink.pace = None
    end_leases_of(doomed, nodes[0].query)
    sink.wait(everybody)
    linger()
    assert len(sent_twice(sink)) <= len(set(doomed) & set(children))
    assert nodes[0].query("SELECT COUNT(*) FROM courier_messages WHERE status <> 'sent'") == [['0']]


@pytest.mark.slow
def test_a_crash_between_sending_and_marking_sends_that_one_mail_again(two_nodes, sink):
    everybody, doomed, hit = addresses(200), [], []

    def crash(count):
        if doomed and not hit:          # the sink has it, and does not get to say so
            hit.append(sink.mails[count - 1].to)
            for pid in doomed:
                os.kill(pid, signal.SIGKILL)
    sink.taken = crash
    sink.pace = 50
    nodes = two_nodes(everybody)
    for server in nodes:
        kill(server, [])                # only announced
    doomed += nodes[0].httpd() + nodes[1].httpd()[1:]
    wait_for(lambda: hit)
    assert len(sink.mails) < 200
    sink.pace = None
    end_leases_of(doomed, nodes[1].query)
    sink.wait(everybody)
    linger()
    twice = sent_twice(sink)
    assert hit[0] in twice and len(twice) <= 4, 'one for each of four children'


# -- mail servers -----------------------------------------------------------------------

@pytest.mark.slow
def test_a_mail_server_that_goes_down_in_the_middle_gets_each_mail_once(serve_mail, sink):
    server, everybody = serve_mail(), addresses(200)
    sink.pace = 100
    queued_by(everybody, server)
    wait_for(lambda: len(sink.mails) > 50)
    sink.shut()
    wait_for(lambda: 'KR0505' in server.log())
    assert 50 < len(sink.mails) < 200 and server.ready()
    sink.pace = None
    sink.open()
    sink.wait(everybody)
    linger()
    assert set(sink.count().values()) == {1}


@pytest.mark.slow
def test_a_slow_mail_server_holds_up_no_request(serve_mail, sink):
    server, everybody = serve_mail(), addresses(12)
    sink.pause = 0.5
    began = time.monotonic()
    queued_by(everybody, server)
    assert time.monotonic() - began < 2.5, 'twelve mails take three seconds from two children'
    sink.wait(everybody)
    assert set(sink.count().values()) == {1}


def test_a_refused_recipient_is_given_up_and_holds_up_nobody(serve_mail, sink):
    server, everybody = serve_mail(), addresses(30)
    refused = everybody[0]
    sink.refused.add(refused)
    queued_by(everybody, server, threads=1)
    sink.wait(everybody[1:])
    wait_for(lambda: status_of_message(server, refused)[0] != 'queued')
    assert status_of_message(server, refused) == ('abandoned', 1)
    assert status_of_message(server, everybody[1]) == ('sent', 1)
    assert set(sink.count().values()) == {1} and len(sink.count()) == 29
    assert refused not in server.log()


# -- servers that end ---------------------------------------------------------------------

@pytest.mark.slow
def test_a_graceful_restart_with_a_full_queue_sends_each_mail_once(serve_mail, sink):
    server, everybody = serve_mail(), addresses(400)
    sink.pace = 150
    queued_by(everybody, server)
    for fill in (60, 150):
        wait_for(lambda: len(sink.mails) > fill)
        server.proc.send_signal(signal.SIGUSR1)
    sink.wait(everybody)
    linger()
    assert set(sink.count().values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize('graceful', [True, False], ids=['graceful', 'hard'])
def test_a_stop_with_a_full_queue_keeps_what_is_not_sent(serve, stop, sink, database, graceful):
    db, everybody = database.fresh(), addresses(300)
    server = serve(letters(sink.uri), db=db)
    sink.pace = 150
    queued_by(everybody, server)
    wait_for(lambda: len(sink.mails) > 50)
    pids = server.httpd()
    stop(server, keep=True, graceful=graceful)
    assert all(ended(pid) for pid in pids) and len(sink.mails) < 300
    sink.pace = None
    serve(letters(sink.uri), db=db, dir=server.dir, port=server.port)
    sink.wait(everybody)
    assert set(sink.count().values()) == {1}
