"""The product's settings for every process of a run, but for how passwords are hashed: that is slow on purpose, and nearly every
test signs somebody in."""

from chatwithus.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
