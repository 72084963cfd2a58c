# SPDX-License-Identifier: Apache-2.0
"""What a scenario shakes: one node or several over one database, guarded places, and a mail server."""
import os
import re
import signal

from lib.account import account
from lib.backends import modules
from lib.clients import Native
from lib.cluster import NODES
from lib.serving import Server, ended, free_port, wait_for
from lib.settings import base, merge, nested
from lib.sink import Sink

PLACES = '''
<Location "/server-status">
    SetHandler server-status
    Require all granted
</Location>
<Location "/metrics">
    SetHandler kratos-metrics
    Require all granted
</Location>
'''
# Processes that end have room beside those that begin, as by default.
ROOM = 'ServerLimit 16\n'
# A hash takes some milliseconds: long enough to be met by a signal now and then.
HASH = nested('hashers.argon2', {'memory': '8MB', 'iterations': 1, 'parallelism': 1})
LEASE = 61000000        # µs: what a process that died had taken out of the outbox is free again


class House:
    """`databases`: for each node what build/serve wants after --db (a list: several hosts of one, of `cluster`), None for SQLite."""

    def __init__(self, databases=(None,), cluster=None, changes=None, lines=None, **options):
        self.sink, self.nodes, self.cluster, self.killed = Sink(), [], cluster, 0
        self.made = {'changes': changes or {}, 'lines': lines or {}, **options}
        for database in databases:
            self.nodes.append(self._start(database))

    def _start(self, database, port=None, **again):
        options = dict(self.made) | again
        lines = dict(options.pop('lines'))
        lines = {**lines, 'global': modules('status') + ROOM + lines.get('global', ''), 'extra': PLACES + lines.get('extra', '')}
        port = port or free_port()
        tree = merge(merge(merge(base(port), account(uri=self.sink.uri)), HASH), options.pop('changes'))
        options = {'gate': True, 'session_cache': '1m'} | options
        server = Server(tree, port=port, db=database, lines=lines, **options)
        server.database = database
        return server

    @property
    def server(self):
        return self.nodes[0]

    @property
    def places(self):
        return [(node.url, node.gate) for node in self.nodes]

    def client(self):
        return Native(self.server.url)

    def expect_log(self, pattern):
        for node in self.nodes:
            node.expect_log(pattern)

    def sql(self, sql, member=1):
        """Asks or changes the database; of a cluster, that member."""
        if self.cluster:
            return self.cluster.query(member, sql, self.server.db.rpartition('dbname=')[2])
        return self.server.sql(sql)

    @property
    def members(self):
        """Of the database."""
        return NODES if self.cluster else (1,)

    # -- processes -----------------------------------------------------------------

    def kill(self, node, *pids):
        """kill -9. What they had taken out of the outbox is free at once, and not when its minute is over."""
        node.expect_log(r'AH00052: child pid \d+ exit signal Killed')
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.killed += len(pids)
        wait_for(lambda: all(ended(pid) for pid in pids))

    def end_leases(self, of_all=False):
        """Of processes that are no more; of all, once nobody sends any more: what was taken when a database went is free in a minute, too."""
        living = {str(pid) for node in self.nodes for pid in node.httpd()}
        for owner, in self.sql("SELECT DISTINCT lease_owner FROM courier_messages WHERE status = 'queued' AND lease_owner IS NOT NULL"):
            if of_all or owner.split(':')[1] not in living:
                self.sql(f"UPDATE courier_messages SET send_after = send_after - {LEASE} WHERE lease_owner = '{owner}'")

    def start_again(self, node):
        """A new httpd on the data of one that is no more."""
        number = self.nodes.index(node)
        gate = int(re.search(r':(\d+)$', node.gate)[1])
        announced = node.announced
        self.nodes[number] = self._start(node.database, node.port, dir=node.dir, gate=gate)
        self.nodes[number].announced = announced
        return self.nodes[number]

    def close(self):
        """Its end, and what its logs hold that nobody announced."""
        left = [line for node in self.nodes for line in node.stop()]
        self.sink.close()
        return left
