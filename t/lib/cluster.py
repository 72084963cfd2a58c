# SPDX-License-Identifier: Apache-2.0
"""Three MariaDB nodes with Galera, by build/galera."""
import itertools
import shutil
import subprocess

from .serving import ROOT, scratch, wait_for

NODES = (1, 2, 3)


class Cluster:
    """All three of them. `hosts` are what build/serve wants after --db, of one database that is there already."""

    _number = itertools.count(1)

    def __init__(self):
        self.dir = scratch('galera')
        self.hosts = [f'mysql {line}' for line in self.tool('start').splitlines()]

    def tool(self, command, *node):
        run = subprocess.run([ROOT / 'build' / 'galera', command, self.dir, *map(str, node)], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def query(self, node, sql, database='mysql'):
        """Rows of a question to that node, as lists of text."""
        out = subprocess.run(['mariadb', '--no-defaults', f'--socket={self.dir}/{node}/sock', '--user=root', '--batch', '--raw',
                              '--skip-column-names', database, '-e', sql], check=True, capture_output=True, text=True).stdout
        return [line.split('\t') for line in out.splitlines()]

    def status(self, node, name):
        return self.query(node, f"SHOW STATUS LIKE '{name}'")[0][1]

    def is_whole(self):
        """Are all three members, and has each all that was written? One that was frozen finds out late that it was thrown out."""
        try:
            return all(self.status(n, 'wsrep_cluster_size') == f'{len(NODES)}' and self.status(n, 'wsrep_local_state_comment') == 'Synced'
                       for n in NODES)
        except subprocess.CalledProcessError:
            return False

    def fresh(self):
        """An empty database: its hosts, the first node's first."""
        wait_for(self.is_whole, 60, 0.2)
        name = f'kratos_{next(self._number)}'
        self.query(1, f'CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin')
        return [host.rpartition('dbname=')[0] + f'dbname={name}' for host in self.hosts]

    def close(self):
        self.tool('stop')
        shutil.rmtree(self.dir)
