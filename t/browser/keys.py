# SPDX-License-Identifier: Apache-2.0
"""Authenticators that a browser finds plugged in or built in: Chromium's virtual ones."""


class Key:
    """One of them. While nobody is there it waits to be touched, as a real one does."""

    def __init__(self, browser, *, built_in=True, verifies=True):
        """built_in: part of the device, and keeps passkeys; verifies: checks who holds it."""
        self.browser = browser
        browser.execute_cdp_cmd('WebAuthn.enable', {})
        self.id = self._tell('addVirtualAuthenticator', options={
            'protocol': 'ctap2', 'transport': 'internal' if built_in else 'usb', 'hasResidentKey': built_in,
            'hasUserVerification': built_in, 'isUserVerified': verifies, 'automaticPresenceSimulation': True}, whose={})['authenticatorId']

    def _tell(self, command, whose=None, **rest):
        whose = {'authenticatorId': self.id} if whose is None else whose
        return self.browser.execute_cdp_cmd('WebAuthn.' + command, {**whose, **rest})

    def touched(self, yes):
        """Is somebody there who touches it as soon as it asks?"""
        self._tell('setAutomaticPresenceSimulation', enabled=yes)

    def verified(self, yes):
        """Does it find that it is its owner?"""
        self._tell('setUserVerified', isUserVerified=yes)

    @property
    def credentials(self):
        return self._tell('getCredentials')['credentials']

    def unplug(self):
        self._tell('removeVirtualAuthenticator')
