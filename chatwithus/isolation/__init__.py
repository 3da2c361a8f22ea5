"""Proof that no tenant reaches another: two canaries, every door, and whatever one must not see of the other.

What there is to try is found by introspection, never listed: routes from the URLconf and the OpenAPI document, frames from the
consumers' `on_…` methods, tasks from Celery's registry, tables from the models. What is found and cannot be tried makes the proof
fail, so that a new route is covered or noticed."""
