# SPDX-License-Identifier: Apache-2.0
"""Fixtures that tests over HTTP and tests in a browser have in common."""
import pytest

from .mailbox import Mailbox
from .provider import Provider


@pytest.fixture(scope='module')
def post():
    """A post office for all tests of a file."""
    post = Mailbox()
    yield post
    post.close()


@pytest.fixture(scope='module')
def provider():
    """A site to sign in with, for all tests of a file."""
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def afresh(provider):
    """The provider does as it should, before and after a test."""
    provider.reset()
    yield
    provider.reset()
