"""What each role may do: the one table that staff pages, REST and sockets ask."""

ABILITIES = {
    "chats.ask": "Ask an agent, and follow what it answers",
    "chats.read": "Read chats, and watch them live",
    "chats.answer": "Take chats over, answer, write notes, hand back, resolve",
    "knowledge.read": "See what agents know",
    "knowledge.manage": "Add, change and delete knowledge",
    "agents.read": "See agents and how they are configured",
    "agents.manage": "Create, change and delete agents",
    "organisation.read": "See the organisation's settings, limits and usage; never a secret",
    "organisation.manage": "Change settings, origins, budgets, providers and their credentials",
    "people.read": "See who works here",
    "people.manage": "Invite people, change roles below owner, remove people",
    "owners.manage": "Make and unmake owners",
    "keys.manage": "Create and revoke API keys",
    "audit.read": "Read who did what",
}

_STAFF = {"chats.read", "chats.answer", "knowledge.read", "agents.read", "people.read"}
_MANAGER = {
    *_STAFF,
    "knowledge.manage",
    "agents.manage",
    "organisation.read",
    "people.manage",
    "keys.manage",
    "audit.read",
}
_READER = {"chats.read", "knowledge.read", "agents.read", "organisation.read", "people.read", "audit.read"}

GRANTS: dict[str, frozenset[str]] = {
    "visitor": frozenset({"chats.ask"}),
    "staff": frozenset(_STAFF),
    "manager": frozenset(_MANAGER),
    "owner": frozenset(ABILITIES) - {"chats.ask"},
    "operator": frozenset(
        {"chats.read", "knowledge.read", "agents.read", "organisation.read", "people.read"}
    ),
    # What a key's scopes allow. No key makes owners: that takes a person.
    "key:chat": frozenset({"chats.ask"}),
    "key:read": frozenset(_READER),
    "key:manage": frozenset(ABILITIES) - {"owners.manage"},
}
SCOPES = {
    "chat": "Ask agents",
    "read": "Read chats, knowledge, agents, people, settings and the audit log",
    "manage": "Everything that a manager may do, and the organisation's settings",
}


def of(role: str) -> frozenset[str]:
    """What a membership's role, `operator` or `visitor` may do."""
    return GRANTS[role]


def of_key(scopes: list[str]) -> frozenset[str]:
    """What a key with these scopes may do."""
    return frozenset().union(*(GRANTS[f"key:{scope}"] for scope in scopes))
