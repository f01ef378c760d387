"""Settings of all tests."""

from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("mepflow", deadline=None)
settings.load_profile("mepflow")
