# SPDX-License-Identifier: Apache-2.0
"""Fixtures that tests over HTTP and tests in a browser have in common."""
import pytest

from .mailbox import Mailbox


@pytest.fixture(scope='module')
def post():
    """A post office for all tests of a file."""
    post = Mailbox()
    yield post
    post.close()
